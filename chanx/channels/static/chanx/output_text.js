/**
 * Puts the pieces of a job's output together into lines. No I/O.
 *
 * A stream's text is its pieces joined, wherever they were cut; so a line may grow until its end has come.
 */

const MAX_LINE = 4000;
const CUT = " … (cut)";

const withoutReturn = (text) => text.replace(/\r+$/, "");

/** A line of one stream; `text` grows while the line is open. */
class Line {
  #written = "";

  constructor(stream) {
    this.stream = stream;
  }

  get text() {
    const text = withoutReturn(this.#written);
    return text.length > MAX_LINE ? text.slice(0, MAX_LINE) + CUT : text;
  }

  append(text) {
    const all = this.#written + text;
    // As in a terminal: what follows a carriage return is written over what stood before it.
    this.#written = all.slice(withoutReturn(all).lastIndexOf("\r") + 1).slice(0, MAX_LINE + 1);
  }
}

export class OutputText {
  #open = new Map(); // stream -> the line that has no end yet

  /** Takes a piece; returns the lines that it begins, and the one that it continues, if there is one. */
  add({ text, stream }) {
    const parts = text.split("\n");
    const begun = [];
    const continued = this.#open.get(stream);
    if (continued !== undefined) {
      continued.append(parts.shift());
      if (parts.length > 0) this.#open.delete(stream);
    }
    parts.forEach((part, index) => {
      const isLast = index === parts.length - 1;
      if (isLast && part === "") return;
      const line = new Line(stream);
      line.append(part);
      begun.push(line);
      if (isLast) this.#open.set(stream, line);
    });
    return { begun, continued };
  }

  reset() {
    this.#open.clear();
  }
}
