// Rows of a name, a bar and a number.

import { html } from "./dom.js";

/**
 * @param {number} count of rows
 * @param {(value: number) => string} [format]
 */
export function barChart(count, format = (value) => value.toFixed(3)) {
  const rows = Array.from({ length: count }, () => barRow(format));
  const node = html("div", { class: "l7-bars" }, ...rows.flatMap((row) => row.cells));

  /** @param {[name: string, value: number][]} values in [0, 1]; at most `count` of them */
  function draw(values) {
    values.forEach(([name, value], i) => {
      rows[i].draw(name, value);
    });
  }

  /** @param {number[] | null} values outlined beside the present ones; null: none */
  function drawPin(values) {
    rows.forEach((row, i) => {
      row.drawPin(values?.[i] ?? null);
    });
  }
  return { node, rows, draw, drawPin };
}

/** @typedef {ReturnType<typeof barChart>} BarChart */

/** @param {(value: number) => string} format */
function barRow(format) {
  const label = html("span", { dir: "auto" });
  const bar = html("i");
  const ghost = html("span", { class: "l7-ghost", hidden: "" });
  const track = html("span", {}, bar, ghost);
  const number = html("span");

  /**
   * @param {string} name
   * @param {number} value
   */
  function draw(name, value) {
    if (label.title !== name || label.textContent !== name) {
      label.textContent = name;
      label.title = name;
    }
    if (number.dataset.value === String(value)) return;
    bar.style.width = percent(value);
    number.textContent = format(value);
    number.dataset.value = String(value); // at full precision
  }

  /** @param {number | null} value */
  function drawPin(value) {
    ghost.hidden = !value;
    if (value) ghost.style.width = percent(value);
  }
  return { track, cells: [label, track, number], draw, drawPin };
}

/** @param {number} value in [0, 1]; others are at the ends */
function percent(value) {
  return `${100 * Math.min(1, Math.max(0, value))}%`;
}
