/** A table that is filled in place while its figures firm up; on narrow screens its rows are drawn as cards. */

import { element, setText } from "../chanx/dom.js";

export class Table {
  /**
   * @param {{head: HTMLElement, body: HTMLElement, table: HTMLElement, empty: HTMLElement, total: HTMLElement}} parts
   * @param {Array<{label: string, className: string, text: (item: object) => string}>} cells the first names the row
   */
  constructor(parts, cells) {
    Object.assign(this, parts, { cells });
    for (const { label, className } of cells) {
      const heading = element("th", className, label);
      heading.scope = "col";
      heading.setAttribute("role", "columnheader");
      this.head.append(heading);
    }
  }

  /** Shows these items, one a row, and `total` beside the heading. */
  show(items, total) {
    while (this.body.childElementCount > items.length) this.body.lastElementChild.remove();
    while (this.body.childElementCount < items.length) this.body.append(this.#row());
    items.forEach((item, index) => {
      const row = this.body.children[index];
      this.cells.forEach(({ text }, place) => setText(row.children[place].lastElementChild, text(item)));
      row.classList.toggle("is-bad", Boolean(item.error));
    });
    this.table.hidden = items.length === 0;
    this.empty.hidden = items.length > 0;
    setText(this.total, items.length > 0 ? total : "");
  }

  #row() {
    const row = element("tr");
    row.setAttribute("role", "row");
    this.cells.forEach(({ label, className }, place) => {
      const node = element(place === 0 ? "th" : "td", className);
      node.setAttribute("role", place === 0 ? "rowheader" : "cell");
      // The label is seen where the table is drawn as cards.
      node.dataset.label = label;
      node.append(element("span"));
      row.append(node);
    });
    return row;
  }
}
