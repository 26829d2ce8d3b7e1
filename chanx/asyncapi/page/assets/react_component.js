// The page on @asyncapi/react-component, which has put AsyncApiStandalone here before this runs.
const text = document.getElementById("asyncapi-document").textContent;
AsyncApiStandalone.render({ schema: JSON.parse(text) }, document.getElementById("asyncapi"));
