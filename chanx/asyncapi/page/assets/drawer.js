/** The console at the side of the page: one for each address, which goes on while another one is shown. */

import { Console } from "./console.js";
import { button, element } from "./dom.js";

export class Drawer {
  #place;
  #connections;
  #schemas;
  #consoles = new Map(); // address -> Console
  #openedBy = null;
  #heading = element("h2", { tabindex: "-1" }, "Console");
  #body = element("div", { class: "console-body" });

  #pathname;

  /** `connections` are those of protocol.js; `pathname` stands before every address on the page's own host. */
  constructor(place, connections, schemas, pathname) {
    this.#pathname = pathname;
    this.#place = place;
    this.#connections = connections;
    this.#schemas = schemas;
    place.append(element("header", { class: "console-head" }, this.#heading, button("Close", () => this.close(), { class: "small" })), this.#body);
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !isTakenByField(event)) this.close();
    });
    place.addEventListener("click", ({ target }) => {
      const isLink = target instanceof Element && target.closest("a") !== null;
      if (isLink && matchMedia("(max-width: 860px)").matches) this.close(); // it covers what the link leads to
    });
  }

  /** Shows the console of a channel's address, with a message chosen. `openedBy` gets the focus back in the end. */
  open(channelKey, messageKey, openedBy) {
    const about = this.#connections.find(({ channels }) => channels.some(({ key }) => key === channelKey));
    if (about === undefined) return;
    if (!this.#consoles.has(about.address)) this.#consoles.set(about.address, new Console(about, this.#schemas, this.#pathname));
    const shown = this.#consoles.get(about.address);
    this.#openedBy = openedBy;
    this.#heading.textContent = about.address;
    this.#body.replaceChildren(shown.element);
    shown.show(channelKey, messageKey);
    const before = openedBy.getBoundingClientRect().top;
    this.#place.hidden = false;
    document.documentElement.classList.add("has-console");
    scrollBy({ top: openedBy.getBoundingClientRect().top - before }); // the page beside the drawer is narrower, so longer
    this.#heading.focus({ preventScroll: true });
  }

  close() {
    this.#place.hidden = true;
    document.documentElement.classList.remove("has-console");
    this.#openedBy?.focus({ preventScroll: true });
  }
}

/** Escape empties a field to search in, and drops what an input method proposes. */
function isTakenByField({ target, isComposing }) {
  return isComposing || (target.type === "search" && target.value !== "");
}
