/** What the tables of CSV jobs have in their cells: the columns of one file, or many files. */

import { cell, count, size } from "../chanx/format.js";

const NOTHING = "–";

const distinct = (column) => {
  if (column.distinct_more) return "many"; // more than the worker keeps count of
  return Number.isFinite(column.distinct) ? count(column.distinct) : NOTHING;
};
const value = (content) => (content === null || content === undefined ? NOTHING : cell(content));
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

export const COLUMN_CELLS = [
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

const types = (kinds) => Object.entries(kinds).map(([kind, number]) => `${count(number)} ${kind}`).join(", ");

export const FILE_CELLS = [
  { label: "File", className: "name", text: (file) => file.name },
  { label: "Rows", className: "number", text: (file) => (file.error ? NOTHING : count(file.rows)) },
  { label: "Bad rows", className: "number", text: (file) => (file.error ? NOTHING : count(file.bad_rows)) },
  { label: "Size", className: "number", text: (file) => (file.error ? NOTHING : size(file.size)) },
  { label: "Columns", className: "number", text: (file) => (file.error ? NOTHING : count(sum(Object.values(file.kinds)))) },
  { label: "Types", className: "examples", text: (file) => file.error ?? types(file.kinds) },
];

export const rows = (number) => `${count(number)} ${number === 1 ? "row" : "rows"}`;
