/** Where a consumer is: its path with the parameters filled in, on a server. */

/**
 * @param {string} address "/ws/room/{room}/", as an AsyncAPI document has it
 * @param {object} [options]
 * @param {string} [options.baseUrl] of the server, "https://example.com"; by default the page's own
 * @param {Record<string, string | number>} [options.params] for what is in braces
 * @param {string} [options.server] where there is neither: outside a browser
 */
export function channelUrl(address, { baseUrl, params = {}, server } = {}) {
  const base = baseUrl ?? globalThis.location?.origin ?? server;
  if (base === undefined) throw new TypeError('There is no page whose server this could be: pass `baseUrl`, like "https://example.com".');
  return `${String(base).replace(/\/+$/, "")}/${fill(address, params, encodeURIComponent).replace(/^\/+/, "")}`;
}

/** The name of a topic: `topicName("room:{id}", { id: 5 })` is "room:5". */
export function topicName(pattern, params = {}) {
  return fill(pattern, params, String);
}

function fill(pattern, params, write) {
  return pattern.replace(/\{(\w+)\}/g, (_, name) => {
    const value = params[name];
    if (value === undefined || value === null || value === "") throw new TypeError(`"${pattern}" needs \`${name}\`.`);
    return write(value);
  });
}
