/** Choosing a message, filling it in as a form or as JSON, and sending it. */

import { button, element, labelled, newId } from "./dom.js";
import { Form } from "./form.js";
import { tagsOf } from "./frames.js";
import { filled, parametersIn } from "./protocol.js";
import { isObject, problems } from "./validate.js";

const CONTROL_ACTIONS = ["subscribe", "unsubscribe"];

export class Composer {
  #connection;
  #schemas;
  #onSend;
  #choices;
  #choice = null;
  #form = null;
  #lastRef = 0;
  #isTouched = false;
  #topicValues = new Map(); // channel key -> {parameter: value}
  #select = element("select", { "aria-label": "Which message to send", on: { change: () => this.#choose(this.#choices[Number(this.#select.value)]) } });
  #topic = element("div", { class: "topic-fields" });
  #place = element("div");
  #json = element("textarea", { class: "json", rows: "8", spellcheck: "false", on: { input: () => this.#readJson() } });
  #jsonProblem = element("p", { class: "problem", id: newId("problem"), hidden: true });
  #sendButton = button("Send", () => this.#send(), { class: "primary" });
  #said = element("p", { class: "hint", role: "status" });
  element;

  /** `onSend(frame)` sends a frame; it returns the number that the log gives it, or null if it could not. */
  constructor(connection, schemas, onSend) {
    this.#connection = connection;
    this.#schemas = schemas;
    this.#onSend = onSend;
    this.#choices = choicesOf(connection, schemas);
    this.#fillSelect();
    this.#json.setAttribute("aria-describedby", this.#jsonProblem.id);
    const json = element("details", { class: "json-box" }, element("summary", {}, "As JSON"), labelled("The message as JSON", this.#json).whole, this.#jsonProblem);
    this.element = element("section", { class: "console-part" }, element("div", { class: "part-head" }, element("h3", {}, "Message"), this.#select), this.#topic, this.#place, json, element("div", { class: "send-line" }, this.#sendButton, this.#said));
    if (this.#choices.length > 0) this.#choose(this.#choices[0]);
    else this.element.replaceChildren(element("p", { class: "hint" }, "There is nothing to send here: just listen."));
  }

  set isOpen(isOpen) {
    this.#sendButton.disabled = !isOpen;
    this.#said.textContent = isOpen ? "" : "Connect first.";
  }

  /** Chooses a message of a channel, by the keys of both; without the message's, the channel's first. */
  show(channelKey, messageKey) {
    const ofChannel = this.#choices.filter(({ channel }) => channel.key === channelKey);
    const choice = ofChannel.find(({ message }) => message.key === messageKey) ?? ofChannel[0];
    if (choice !== undefined) this.#choose(choice);
  }

  /** A frame that leaves a topic. */
  unsubscribeFrame(topic, discriminator) {
    return { topic, ref: this.#nextRef(), [discriminator]: "unsubscribe" };
  }

  #fillSelect() {
    for (const channel of this.#connection.channels) {
      const options = this.#choices.flatMap((choice, index) => (choice.channel === channel ? [element("option", { value: String(index) }, choice.tags.join(" or ") || choice.message.name)] : []));
      if (options.length > 0) this.#select.append(element("optgroup", { label: channel.topic === null ? channel.title : `${channel.title} (topic ${channel.topic.pattern})` }, ...options));
    }
  }

  #choose(choice) {
    this.#choice = choice;
    this.#select.value = String(this.#choices.indexOf(choice));
    this.#isTouched = false;
    this.#form = new Form(choice.message.schema, this.#schemas, () => this.#changed());
    this.#place.replaceChildren(this.#form.element);
    this.#drawTopic(choice.channel);
    this.#writeJson();
    this.#check();
  }

  #drawTopic({ key, topic, isDedicated }) {
    this.#topic.replaceChildren();
    if (topic === null || isDedicated) return;
    if (!this.#topicValues.has(key)) this.#topicValues.set(key, {});
    const values = this.#topicValues.get(key);
    for (const name of parametersIn(topic.pattern)) {
      const input = element("input", { type: "text", autocomplete: "off", on: { input: () => (values[name] = input.value.trim()) } });
      input.value = values[name] ?? "";
      this.#topic.append(labelled(`Topic ${topic.pattern}: ${name}`, input).whole);
    }
  }

  #changed() {
    this.#isTouched = true;
    this.#writeJson();
    this.#check();
  }

  #writeJson() {
    this.#json.value = JSON.stringify(this.#form.value, null, 2);
    this.#sayJson(null);
  }

  #readJson() {
    try {
      this.#form.value = JSON.parse(this.#json.value);
      this.#sayJson(null);
    } catch (error) {
      this.#sayJson(`This is no JSON: ${error.message}`);
    }
    this.#isTouched = true;
    this.#check();
  }

  #sayJson(problem) {
    this.#jsonProblem.textContent = problem ?? "";
    this.#jsonProblem.hidden = problem === null;
    this.#json.toggleAttribute("aria-invalid", problem !== null);
  }

  #check() {
    const found = problems(this.#form.value, this.#choice.message.schema, this.#schemas);
    this.#form.showProblems(this.#isTouched ? found : []);
    this.#sendButton.textContent = this.#isTouched && found.length > 0 ? "Send anyway" : "Send";
    return found;
  }

  #send() {
    const isFirstTry = !this.#isTouched;
    this.#isTouched = true;
    const found = this.#check();
    const missing = this.#missingParameter();
    if (this.#form.isBroken || !this.#jsonProblem.hidden) this.#said.textContent = "Something in it is no JSON: see above.";
    else if (missing) this.#ask(missing);
    else if (found.length > 0 && isFirstTry) {
      this.#said.textContent = "It is not what its schema asks for: see above. The server will say so too.";
      this.#form.showFirstProblem();
    }
    else {
      const number = this.#onSend(this.#frame());
      this.#said.textContent = number === null ? "It could not be sent: the connection is closed." : `Sent as #${number}.`;
    }
  }

  #ask(parameter) {
    this.#said.textContent = `Which topic? Fill in ${parameter}.`;
    const inputs = [...this.#topic.querySelectorAll("input")];
    inputs.find(({ value }) => value.trim() === "")?.focus();
  }

  #missingParameter() {
    const { key, topic, isDedicated } = this.#choice.channel;
    if (topic === null || isDedicated) return null;
    return parametersIn(topic.pattern).find((name) => !this.#topicValues.get(key)[name]) ?? null;
  }

  #frame() {
    const { key, topic, isDedicated } = this.#choice.channel;
    const { value } = this.#form;
    if (topic === null || isDedicated || !isObject(value)) return value;
    return { topic: filled(topic.pattern, this.#topicValues.get(key)), ref: this.#nextRef(), ...value };
  }

  #nextRef() {
    return String(++this.#lastRef);
  }
}

/** Every message that can be sent, and for a topic on a connection how to open and to leave it, where nobody says. */
function choicesOf(connection, schemas) {
  return connection.channels.flatMap((channel) => {
    const choices = channel.sent.map((message) => ({ channel, message, tags: tagsOf(message.schema, channel.discriminator, schemas) }));
    if (channel.topic === null || channel.isDedicated) return choices;
    const known = new Set(choices.flatMap(({ tags }) => tags));
    const others = CONTROL_ACTIONS.filter((action) => !known.has(action));
    return [...choices, ...others.map((action) => ({ channel, message: controlMessage(action, channel.discriminator), tags: [action] }))];
  });
}

function controlMessage(action, discriminator) {
  return { key: action, name: action, schema: { type: "object", properties: { [discriminator]: { const: action } }, required: [discriminator] } };
}
