// The stages, and a reader's state.

import { scheduleCost } from "./resize.math.js";

/** @import { Get } from "./explorer.js" */
/** @import { Stage } from "./resize.math.js" */

const ENGLISH = new Intl.NumberFormat("en");

/** @param {number} value */
export function wholeNumber(value) {
  // A narrow space.
  return ENGLISH.format(value).replaceAll(",", "\u202f");
}

/** @param {Get} get */
export function readState(get) {
  /** @type {Stage[]} */
  const stages = get("stages");
  /** @type {number} */
  const file = get("file");
  return { stages, file, cost: scheduleCost(stages) };
}

/** @typedef {ReturnType<typeof readState>} State */
