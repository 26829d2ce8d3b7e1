/** The console of one address: its URL, the connection, the topics that are open, a message to send, and the log. */

import { Acknowledgements } from "./acknowledgements.js";
import { closeMeaning, Connection } from "./connection.js";
import { Composer } from "./composer.js";
import { button, element, labelled } from "./dom.js";
import { readFrame } from "./frames.js";
import { LogView } from "./log_view.js";
import { socketUrl } from "./protocol.js";
import { Subscriptions } from "./subscriptions.js";

const STATES = { closed: "Not connected", connecting: "Connecting…", open: "Connected", closing: "Disconnecting…" };

export class Console {
  #about;
  #schemas;
  #pathname;
  #connection;
  #composer;
  #log = new LogView();
  #subscriptions;
  #acknowledgements;
  #values = {};
  #inputs = {}; // of the parameters
  #base;
  #openUrl = null;
  #query;
  #fields = element("div", { class: "connection-fields" });
  #url = element("p", { class: "socket-url" });
  #state = element("span", { class: "state", role: "status", "data-state": "closed" }, STATES.closed);
  #toggle = button("Connect", () => this.#connectOrNot(), { class: "primary" });
  element;

  /** `about` is a connection of protocol.js; `pathname` what stands before every address on the page's own host. */
  constructor(about, schemas, pathname = "") {
    this.#pathname = pathname;
    this.#about = about;
    this.#schemas = schemas;
    this.#connection = new Connection({
      onState: (change) => this.#changed(change),
      onText: (text) => this.#received(text),
      onBinary: (bytes) => this.#log.addNote(`A binary frame of ${bytes} bytes`),
    });
    this.#composer = new Composer(about, schemas, (frame) => this.#send(frame));
    this.#subscriptions = new Subscriptions(about, (topic, discriminator) => this.#send(this.#composer.unsubscribeFrame(topic, discriminator)));
    this.#acknowledgements = new Acknowledgements(about);
    const upper = element("div", { class: "console-upper" }, this.#connectionPart(), this.#subscriptions.element, this.#composer.element);
    this.element = element("div", { class: "console-of" }, upper, this.#log.element);
    this.#composer.isOpen = false;
    this.#drawUrl();
  }

  show(channelKey, messageKey) {
    this.#composer.show(channelKey, messageKey);
  }

  #connectionPart() {
    const secure = location.protocol === "https:" ? "wss" : "ws";
    this.#base = element("input", { type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", value: `${secure}://${location.host}${this.#pathname}`, on: { input: () => this.#drawUrl() } });
    this.#query = element("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "token=…", on: { input: () => this.#drawUrl() } });
    const parameters = this.#about.parameters.map((name) => {
      const input = element("input", { type: "text", autocomplete: "off", on: { input: () => this.#setParameter(name, input.value) } });
      this.#inputs[name] = input;
      return labelled(name, input).whole;
    });
    this.#fields.append(labelled("Server", this.#base).whole, ...parameters, labelled("Query string", this.#query).whole);
    return element("section", { class: "console-part" }, element("div", { class: "part-head" }, element("h3", {}, "Connection"), this.#state, this.#toggle), this.#fields, this.#url);
  }

  #setParameter(name, value) {
    this.#values[name] = value;
    this.#drawUrl();
  }

  #drawUrl() {
    this.#url.textContent = this.#currentUrl() ?? "This is no address of a server.";
  }

  #currentUrl() {
    try {
      return socketUrl(this.#base.value.trim(), this.#about.address, this.#values, this.#query.value.trim());
    } catch {
      return null;
    }
  }

  #connectOrNot() {
    if (this.#connection.state !== "closed") {
      this.#connection.close();
      return;
    }
    const missing = this.#about.parameters.find((name) => !this.#values[name]);
    const url = this.#currentUrl();
    if (missing) {
      this.#say("closed", `Fill in ${missing} first`);
      this.#inputs[missing].focus();
    } else if (url === null) this.#say("closed", "This is no address of a server");
    else this.#open(url);
  }

  #open(url) {
    this.#openUrl = url;
    try {
      this.#connection.open(url);
    } catch (error) {
      this.#say("closed", error.message);
    }
  }

  #changed({ state, code, reason, wasOpen }) {
    const why = code === undefined ? "" : `: ${code}, ${reason || closeMeaning(code, { wasOpen })}`;
    this.#say(state, (code === undefined ? STATES[state] : "Closed") + why);
    if (state === "open") this.#log.addNote(`Connected to ${this.#openUrl}`);
    if (state !== "closed") return;
    this.#log.addNote(this.#state.textContent);
    this.#subscriptions.clear();
    this.#acknowledgements.clear();
  }

  #say(state, text) {
    this.#state.textContent = text;
    this.#state.dataset.state = state;
    this.#toggle.textContent = state === "closed" ? "Connect" : "Disconnect";
    this.#toggle.classList.toggle("primary", state === "closed");
    this.#toggle.classList.toggle("small", state !== "closed");
    this.#fields.hidden = state !== "closed";
    this.#composer.isOpen = state === "open";
  }

  #send(frame, { isAutomatic = false } = {}) {
    if (this.#connection.state !== "open") return null;
    const text = JSON.stringify(frame);
    this.#connection.send(text);
    return this.#log.addFrame("sent", text, { ...readFrame(text, this.#about, this.#schemas, { isSent: true }), isAutomatic }).number;
  }

  #received(text) {
    const read = readFrame(text, this.#about, this.#schemas);
    this.#log.addFrame("received", text, read);
    this.#subscriptions.received(read);
    const ack = this.#acknowledgements.received(read);
    if (ack !== null) this.#send(ack, { isAutomatic: true });
  }
}
