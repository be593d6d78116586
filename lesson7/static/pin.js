// A pinned result: its values beside the present ones, with the difference.

import { html } from "./dom.js";
import { numberTable, setNumber } from "./table.js";

/**
 * A number that an explorer is about.
 * @typedef {{ name: string, value: number, format: (value: number) => string }} Result
 */

const PIN_COLUMNS = ["", "pinned", "now", "difference"];

/** @param {Result[]} results their names */
function resultTable(results) {
  const table = numberTable(
    PIN_COLUMNS,
    results.map(({ name }) => [name]),
  );

  /**
   * @param {Result[]} pinned
   * @param {Result[]} now
   */
  function draw(pinned, now) {
    now.forEach(({ value, format }, i) => {
      const before = pinned.find(({ name }) => name === results[i].name);
      const [old, current, difference] = table.rows[i].cells;
      const isKnown = before !== undefined;
      setNumber(old, isKnown ? before.value : null, format);
      setNumber(current, value, format);
      setNumber(difference, isKnown ? value - before.value : null, signed(format));
    });
  }
  return { node: table.node, draw };
}

/**
 * @param {(value: number) => string} format
 * @returns {(difference: number) => string}
 */
function signed(format) {
  return (difference) => {
    const text = format(Math.abs(difference));
    if (!/[1-9]/.test(text)) return text; // it is rounded to 0
    return `${difference > 0 ? "+" : "−"}${text}`;
  };
}

/** The table of a pin; hidden without one. */
export function pinPanel() {
  const node = html("div", { class: "l7-panel l7-pin", role: "group", "aria-label": "Pin" });
  node.hidden = true;
  /** @type {ReturnType<typeof resultTable> | null} */
  let table = null;
  let names = "";

  /**
   * @param {Result[] | null} pinned null: there is no pin
   * @param {Result[]} now
   */
  function draw(pinned, now) {
    node.hidden = pinned === null;
    if (!pinned) return;
    const next = now.map(({ name }) => name).join("\n");
    if (!table || names !== next) {
      table = resultTable(now);
      node.replaceChildren(table.node);
      names = next;
    }
    table.draw(pinned, now);
  }
  return { node, draw };
}
