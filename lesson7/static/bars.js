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
  return { node, rows, draw };
}

/** @typedef {ReturnType<typeof barChart>} BarChart */

/** @param {(value: number) => string} format */
function barRow(format) {
  const label = html("span", { dir: "auto" });
  const bar = html("i");
  const track = html("span", {}, bar);
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
    bar.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
    number.textContent = format(value);
    number.dataset.value = String(value); // at full precision
  }
  return { track, cells: [label, track, number], draw };
}
