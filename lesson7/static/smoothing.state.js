// The label, its three targets and a reader's state.

import { fixed } from "./format.js";
import { trueClassTargets } from "./smoothing.math.js";

/** @import { Get } from "./explorer.js" */
/** @import { Frame } from "./frame.js" */
/** @import { Kind } from "./smoothing.math.js" */

/** @type {Kind[]} */
export const KINDS = ["hard", "smoothed", "mixed"];
export const KIND_COLOURS = {
  hard: "var(--l7-red)",
  smoothed: "var(--l7-accent)",
  mixed: "var(--l7-green)",
};
/** @param {number} value */
export const two = (value) => value.toFixed(2);
/** @param {number} value a loss */
export const three = (value) => fixed(value, 3);

/**
 * A column of the table.
 * @typedef {object} Column
 * @property {string} title
 * @property {(value: number, n: number) => string} format
 * @property {(q: number, p: number, n: number) => number} value of a target with q for the true
 *   class and a prediction with p for it, for n classes
 */

/** @param {Get} get */
export function readState(get) {
  const [n, eps, t, p] = ["n", "eps", "t", "p"].map((trait) => +get(trait));
  const label = Math.min(get("label"), n - 1);
  const targets = trueClassTargets({ n, eps, t });
  /** @type {Kind} */
  const show = get("show");
  const byLogit = get("against") === "logit";
  const other = (label + 1) % n; // the class that is mixed in
  /** @type {number} */
  const picture = get("picture");
  return { n, eps, t, p, label, other, targets, show, byLogit, q: targets[show], picture };
}

/** @typedef {ReturnType<typeof readState>} State */

/** @param {Frame} frame */
export function currentState({ model }) {
  return readState((trait) => model.get(trait));
}

/**
 * @param {Frame} frame
 * @param {number} n classes
 */
export function setClassCount(frame, n) {
  // Lower the label first: it must stay below n.
  if (frame.model.get("label") >= n) frame.set("label", n - 1);
  frame.set("n", n);
}

/** @param {Frame} frame */
export function setLessonExample(frame) {
  setClassCount(frame, 10);
  frame.setAll({ label: 3, eps: 0.1, show: "smoothed" });
}
