// The arithmetic of label smoothing: targets and their losses.

import { withMinus } from "./format.js";

/** @typedef {"hard" | "smoothed" | "mixed"} Kind */

export const MOST_CLASSES = 1000;
export const LOGIT_RANGE = { low: -4, high: 16 };
const SIGMOID_RANGE = { low: -10, high: 10 }; // spaces p closely near 0 and 1
const CURVE_POINTS = 400;
const SHOWN_CLASSES = 8; // with their own row, where there are more classes than rows
const CONFIDENCE_STEP = 0.001; // of the slider
const NO_SHARE = 1e-9; // below it is the rounding of a difference
const SMALL_SHARE = 0.001; // shown with two significant digits
const NO_PUSH = 1e-7; // gradients below it are the rounding of p
const MOST_DECIMALS_OF_P = 12;

/** @param {number} value which may be infinite */
export function formatLogit(value) {
  const text = Number.isFinite(value) ? value.toFixed(2) : String(value).replace("Infinity", "∞");
  return withMinus(text);
}

/**
 * A target, or a difference from one: three decimals, four of more than ten classes. A number other
 * than 0 is never shown as 0.
 * @param {number} value
 * @param {number} n classes
 */
export function formatShare(value, n) {
  const size = Math.abs(value);
  const isSmall = size > NO_SHARE && size < SMALL_SHARE;
  return withMinus(isSmall ? value.toPrecision(2) : value.toFixed(n > 10 ? 4 : 3));
}

/**
 * A probability between 0 and 1; it is never shown as 0 or 1.
 * @param {number} p
 */
export function formatProbability(p) {
  let decimals = 3;
  while (decimals < MOST_DECIMALS_OF_P && Number.isInteger(Number(p.toFixed(decimals)))) {
    decimals += 1;
  }
  return p.toFixed(decimals);
}

/**
 * Cross-entropy of a model that divides the rest of its probability evenly over the other classes.
 * @param {number} q target probability of the true class
 * @param {number} p predicted probability of the true class
 * @param {number} n classes
 * @param {number} [rest] 1 - p; for a p so close to 1 that 1 - p has few correct digits
 */
export function crossEntropy(q, p, n, rest = 1 - p) {
  const ofTrue = q === 0 ? 0 : -q * Math.log(p);
  const ofOthers = q < 1 ? -(1 - q) * Math.log(rest / (n - 1)) : 0;
  return ofTrue + ofOthers;
}

/**
 * Gradient of the loss with respect to the logit of the true class.
 * @param {number} q target probability of the true class
 * @param {number} p predicted probability of the true class
 */
export function logitGradient(q, p) {
  return p - q;
}

/**
 * The logit of the true class if all other logits are 0 and its probability is p.
 * @param {number} p
 * @param {number} n classes
 */
export function logit(p, n) {
  return Math.log((p * (n - 1)) / (1 - p));
}

/**
 * The inverse of `logit`: the probability of the true class, and of all others together.
 * @param {number} z
 * @param {number} n classes
 * @returns {[p: number, rest: number]}
 */
export function confidence(z, n) {
  const sum = Math.exp(z) + n - 1;
  return [Math.exp(z) / sum, (n - 1) / sum];
}

/**
 * The minimum of a target's loss; null for a hard target, whose loss has none.
 * @param {number} q target probability of the true class
 * @param {number} n classes
 */
export function lowestPoint(q, n) {
  if (q === 1) return null;
  return { p: q, logit: logit(q, n), loss: crossEntropy(q, q, n) };
}

/**
 * Target probability of the true class, for each kind of target.
 * @param {{ n: number, eps: number, t: number }} state
 * @returns {Record<Kind, number>}
 */
export function trueClassTargets({ n, eps, t }) {
  return { hard: 1, smoothed: 1 - eps + eps / n, mixed: t };
}

/**
 * The eps of a smoothed target with `q` for the true class.
 * @param {number} q
 * @param {number} n classes
 */
export function epsOfTarget(q, n) {
  return ((1 - q) * n) / (n - 1);
}

/**
 * Which change of the confidence lowers the loss.
 * @param {number} q target probability of the true class
 * @param {number} p predicted probability of the true class
 * @returns {"up" | "down" | "none"} none: no step of the confidence is closer to the target
 */
export function pushDirection(q, p) {
  const isAtMinimum = q < 1 && q > 0 && Math.abs(p - q) < CONFIDENCE_STEP / 2;
  if (isAtMinimum) return "none";
  return p < q ? "up" : "down";
}

/**
 * The terms of the loss that are not 0: how many classes have a target, the target, and the
 * surprise -log p at each.
 * @param {Kind} kind
 * @param {{ n: number, eps: number, t: number, p: number }} state
 */
export function lossTerms(kind, { n, eps, t, p }) {
  const ofTrue = -Math.log(p);
  const ofOther = -Math.log((1 - p) / (n - 1));
  const target = trueClassTargets({ n, eps, t })[kind];
  const first = { count: 1, target, surprise: ofTrue };
  if (kind === "hard") return [first];
  const isSmoothed = kind === "smoothed";
  const count = isSmoothed ? n - 1 : 1;
  return [first, { count, target: isSmoothed ? eps / n : 1 - t, surprise: ofOther }];
}

/**
 * Target probability of a class that is neither the true nor the mixed-in one.
 * @param {Kind} kind
 * @param {{ n: number, eps: number }} state
 */
export function otherTarget(kind, { n, eps }) {
  return kind === "smoothed" ? eps / n : 0;
}

/**
 * Target probability of a class.
 * @param {Kind} kind
 * @param {{ n: number, eps: number, t: number, label: number, other: number }} state
 * @param {number} index of the class
 */
export function targetAt(kind, state, index) {
  if (index === state.label) return trueClassTargets(state)[kind];
  if (kind === "mixed" && index === state.other) return 1 - state.t;
  return otherTarget(kind, state);
}

/**
 * The classes that have a row of their own; the true and the mixed-in class always do.
 * @param {{ n: number, label: number, other: number }} state
 * @param {number} rows
 * @returns {number[]} in order
 */
export function shownClasses({ n, label, other }, rows) {
  if (n <= rows) return [...Array(n).keys()];
  const lowest = [...Array(SHOWN_CLASSES).keys()];
  const candidates = [...new Set([label, other, ...lowest])];
  const shown = candidates.slice(0, SHOWN_CLASSES);
  return shown.sort((a, b) => a - b);
}

/**
 * Evenly spaced values from the lowest to the highest of a range.
 * @param {{ low: number, high: number }} range
 */
function curveValues({ low, high }) {
  return Array.from({ length: CURVE_POINTS + 1 }, (_, i) => {
    return low + (i / CURVE_POINTS) * (high - low);
  });
}

/**
 * Points of a loss curve. Against p, they are closer to one another where it is close to 0 or 1.
 * @param {number} q target probability of the true class
 * @param {number} n classes
 * @param {boolean} byLogit against the logit, else against p
 * @returns {[value: number, loss: number][]}
 */
export function lossCurve(q, n, byLogit) {
  const range = byLogit ? LOGIT_RANGE : SIGMOID_RANGE;
  return curveValues(range).map((z) => {
    const [p, rest] = confidence(z, byLogit ? n : 2); // for 2 classes, it is the sigmoid
    return [byLogit ? z : p, crossEntropy(q, p, n, rest)];
  });
}

/**
 * Direction and size of a step of gradient descent on the logit: "↑ 0.090", "↓ 0.020", or "0".
 * @param {number} gradient of the loss with respect to the logit
 * @param {number} n classes
 */
export function formatPush(gradient, n) {
  const size = Math.abs(gradient);
  if (size < NO_PUSH) return "0";
  return `${gradient < 0 ? "↑" : "↓"} ${formatShare(size, n)}`;
}

/**
 * The confidence with the lowest loss; no model reaches 0 or 1.
 * @param {number} p
 * @param {number} n classes
 */
export function formatBestP(p, n) {
  return p === 0 || p === 1 ? `→ ${p}` : formatShare(p, n);
}

/**
 * @param {number} p the model's confidence
 * @param {number} n classes
 */
function describeHardPush(p, n) {
  const gradient = formatShare(1 - p, n);
  return (
    `The hard label pushes the logit up at every confidence (gradient −${gradient}): ` +
    "its loss has no minimum."
  );
}

/**
 * @param {number} p the model's confidence
 * @param {number} bestP confidence with the lowest loss of the smoothed target
 * @param {number} n classes
 */
function describeSmoothedPush(p, bestP, n) {
  const direction = pushDirection(bestP, p);
  if (direction === "none") return "The smoothed loss is at its minimum.";
  const side = direction === "up" ? "above" : "below";
  const minimum = `its minimum is at p = ${formatShare(bestP, n)}, ${side} the current confidence`;
  return `The smoothed label pushes it ${direction}: ${minimum}.`;
}

/**
 * Describes the gradients of the hard and of the smoothed loss.
 * @param {{ p: number, n: number, eps: number }} state
 * @param {number} smoothedTarget probability of the true class in the smoothed target
 */
export function describePush({ p, n, eps }, smoothedTarget) {
  const hard = describeHardPush(p, n);
  if (eps === 0) return `${hard} With eps = 0, the smoothed label equals the hard label.`;
  return `${hard} ${describeSmoothedPush(p, smoothedTarget, n)}`;
}

/**
 * A network's logits, less the mean of all but the highest one. A logit is the logarithm of a
 * probability, up to a number that is the same for all classes.
 * @param {number[]} row probabilities, above 0
 */
export function centredLogits(row) {
  const logits = row.map((probability) => Math.log(Math.max(probability, Number.MIN_VALUE)));
  const sum = logits.reduce((total, value) => total + value, 0);
  const mean = (sum - Math.max(...logits)) / (logits.length - 1);
  return logits.map((value) => value - mean);
}
