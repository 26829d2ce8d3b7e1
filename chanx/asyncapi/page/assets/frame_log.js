/** The frames of a connection, both ways, and what else happened to it: the newest 500, each with a number. */

export const MAX_ENTRIES = 500;

export class FrameLog {
  #entries = [];
  #sent = new Map(); // topic and ref -> number
  #lastNumber = 0;

  get entries() {
    return this.#entries;
  }

  /** `read` is what readFrame() found; returns the entry. */
  addFrame(direction, text, read, time) {
    const key = read.ref === null ? null : JSON.stringify([read.topic, read.ref]);
    const entry = this.#add({ direction, text, time, ...read, answers: direction === "received" ? (this.#sent.get(key) ?? null) : null });
    if (direction === "sent" && key !== null) this.#remember(key, entry.number);
    return entry;
  }

  addNote(text, time) {
    return this.#add({ direction: "note", text, time, name: text });
  }

  clear() {
    this.#entries = [];
  }

  #add(entry) {
    const numbered = { ...entry, number: ++this.#lastNumber };
    this.#entries.push(numbered);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.splice(0, this.#entries.length - MAX_ENTRIES);
    return numbered;
  }

  #remember(key, number) {
    this.#sent.set(key, number);
    if (this.#sent.size > MAX_ENTRIES) this.#sent.delete(this.#sent.keys().next().value);
  }
}

/** Whether an entry has all of the words, in its name, its topic or its text. */
export function isFound(entry, words) {
  const text = `${entry.name} ${entry.topic ?? ""} ${entry.text}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
