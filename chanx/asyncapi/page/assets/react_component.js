// The page on @asyncapi/react-component, which has put AsyncApiStandalone here before this runs.
const schema = JSON.parse(document.getElementById("asyncapi-document").textContent);
AsyncApiStandalone.render({ schema, config: { show: { sidebar: true } } }, document.getElementById("asyncapi"));
