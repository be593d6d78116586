// Tables of numbers.

import { html, setText } from "./dom.js";

/**
 * A table with a header for each column and each row, which scrolls where it is too wide.
 * @param {string[]} columns names, that of the row headers first
 * @param {(Node | string)[][]} headers what each row's header contains
 */
export function numberTable(columns, headers) {
  const head = columns.map((name) => html("th", { scope: "col" }, name));
  const rows = headers.map((content) => {
    const header = html("th", { scope: "row" }, ...content);
    const cells = columns.slice(1).map(() => html("td"));
    return { node: html("tr", {}, header, ...cells), header, cells };
  });
  const body = html("tbody", {}, ...rows.map((row) => row.node));
  const table = html("table", {}, html("thead", {}, html("tr", {}, ...head)), body);
  const region = { class: "l7-scroll", tabindex: 0, role: "region", "aria-label": "numbers" };
  return { node: html("div", region, table), rows };
}

/** @typedef {ReturnType<typeof numberTable>} NumberTable */

/**
 * Shows a number in a cell, which keeps it at full precision in `data-value`.
 * @param {HTMLElement} cell
 * @param {number | null} value null: the cell is empty
 * @param {(value: number) => string} format
 */
export function setNumber(cell, value, format) {
  if (value === null) {
    setText(cell, "");
    delete cell.dataset.value;
    return;
  }
  setText(cell, format(value));
  cell.dataset.value = String(value);
}
