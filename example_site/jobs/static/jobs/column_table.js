/** The table of a CSV file's columns, filled in place while the figures firm up. */

import { element, setText } from "./dom.js";
import { cell, count } from "./format.js";

const NOTHING = "–";

const distinct = (column) => {
  if (column.distinct_more) return "many"; // more than the worker keeps count of
  return Number.isFinite(column.distinct) ? count(column.distinct) : NOTHING;
};
const value = (content) => (content === null || content === undefined ? NOTHING : cell(content));

const CELLS = [
  { label: "Column", className: "name", text: (column) => column.name || "(no name)" },
  { label: "Type", className: "type", text: (column) => column.type },
  { label: "Filled", className: "number", text: (column) => count(column.count) },
  { label: "Empty", className: "number", text: (column) => count(column.empty) },
  { label: "Distinct", className: "number", text: distinct },
  { label: "Min", className: "value", text: (column) => value(column.min) },
  { label: "Max", className: "value", text: (column) => value(column.max) },
  { label: "Mean", className: "value", text: (column) => value(column.mean) },
  { label: "Examples", className: "examples", text: (column) => (column.examples ?? []).map(String).join(" · ") },
];

export class ColumnTable {
  /** @param {{head: HTMLElement, body: HTMLElement, table: HTMLElement, empty: HTMLElement, total: HTMLElement}} parts */
  constructor(parts) {
    Object.assign(this, parts);
    for (const { label, className } of CELLS) {
      const heading = element("th", className, label);
      heading.scope = "col";
      heading.setAttribute("role", "columnheader");
      this.head.append(heading);
    }
  }

  show(stats) {
    const columns = stats?.columns ?? [];
    while (this.body.childElementCount > columns.length) this.body.lastElementChild.remove();
    while (this.body.childElementCount < columns.length) this.body.append(this.#row());
    columns.forEach((column, index) => {
      const cells = this.body.children[index].children;
      CELLS.forEach(({ text }, place) => setText(cells[place].lastElementChild, text(column)));
    });
    this.table.hidden = columns.length === 0;
    this.empty.hidden = columns.length > 0;
    setText(this.total, columns.length > 0 && Number.isFinite(stats.rows) ? `${count(stats.rows)} ${stats.rows === 1 ? "row" : "rows"}` : "");
  }

  #row() {
    const row = element("tr");
    row.setAttribute("role", "row");
    for (const { label, className } of CELLS) {
      const node = element(className === "name" ? "th" : "td", className);
      node.setAttribute("role", className === "name" ? "rowheader" : "cell");
      // The label is seen where the table is drawn as cards, on narrow screens.
      node.dataset.label = label;
      node.append(element("span"));
      row.append(node);
    }
    return row;
  }
}
