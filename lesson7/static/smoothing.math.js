// The arithmetic of label smoothing: targets and their losses.

import { withMinus } from "./format.js";

/** @typedef {"hard" | "smoothed" | "mixed"} Kind */

export const MOST_CLASSES = 1000;
export const LOGIT_RANGE = { low: -4, high: 16 };
const SIGMOID_RANGE = { low: -10, high: 10 }; // spaces p closely near 0 and 1
const CURVE_POINTS = 400;
const SHOWN_CLASSES = 8; // with their own row, where there are more classes than rows
const CONFIDENCE_STEP = 0.001; // of the slider

/**
 * Formats a number with few digits; a number other than 0 is never shown as 0.
 * @param {number} value
 */
export function shortNumber(value) {
  if (!Number.isFinite(value)) return withMinus(String(value).replace("Infinity", "∞"));
  const isSmall = value !== 0 && Math.abs(value) < 0.001;
  return withMinus(Number(isSmall ? value.toPrecision(2) : value.toFixed(4)));
}

/** @param {number} value */
export function threeDecimals(value) {
  return Number.isFinite(value) ? withMinus(value.toFixed(3)) : shortNumber(value);
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
 * @param {number} q target probability of the true class
 * @param {number} n classes
 * @returns {[logit: number, loss: number][]}
 */
function lossByLogit(q, n) {
  return curveValues(LOGIT_RANGE).map((z) => {
    const [p, rest] = confidence(z, n);
    return [z, crossEntropy(q, p, n, rest)];
  });
}

/**
 * The points are closer to one another where p is close to 0 or 1.
 * @param {number} q target probability of the true class
 * @param {number} n classes
 * @returns {[p: number, loss: number][]}
 */
function lossByConfidence(q, n) {
  return curveValues(SIGMOID_RANGE).map((z) => {
    const [p, rest] = confidence(z, 2); // for 2 classes, it is the sigmoid
    return [p, crossEntropy(q, p, n, rest)];
  });
}

/**
 * Points of a loss curve.
 * @param {number} q target probability of the true class
 * @param {number} n classes
 * @param {boolean} byLogit against the logit, else against p
 * @returns {[value: number, loss: number][]}
 */
export function lossCurve(q, n, byLogit) {
  return byLogit ? lossByLogit(q, n) : lossByConfidence(q, n);
}

/**
 * Direction and size of a step of gradient descent on the logit: "up 0.09", "down 0.02", or "0".
 * @param {number} gradient of the loss with respect to the logit
 */
export function formatPush(gradient) {
  const size = Math.abs(gradient);
  const digits = size < 0.001 ? 7 : 4;
  const rounded = Number(size.toFixed(digits));
  if (rounded === 0) return "0";
  return `${gradient < 0 ? "up" : "down"} ${shortNumber(rounded)}`;
}

/** @param {number} p confidence with the lowest loss; a hard target's loss falls up to 1 */
export function formatBestP(p) {
  return p === 1 ? "→ 1" : shortNumber(p);
}

/**
 * The target's sum, written out.
 * @param {Kind} kind
 * @param {{ n: number, eps: number, t: number }} state
 */
export function formatSum(kind, { n, eps, t }) {
  const rest = n > 2 ? ` + ${n - 2} × 0` : "";
  const others = {
    hard: `${n - 1} × 0`,
    smoothed: `${n - 1} × ${shortNumber(eps / n)}`,
    mixed: `${shortNumber(1 - t)}${rest}`,
  };
  return `${shortNumber(trueClassTargets({ n, eps, t })[kind])} + ${others[kind]} = 1`;
}

/**
 * @param {Kind} kind
 * @param {{ eps: number, t: number }} state
 */
export function describeTarget(kind, { eps, t }) {
  const names = {
    hard: "hard",
    smoothed: `smoothed, eps ${shortNumber(eps)}`,
    mixed: `mixed, ${shortNumber(t)} of the true class`,
  };
  return `Target (bars): ${names[kind]}. Prediction (lines)`;
}

/** @param {number} p the model's confidence */
function describeHardPush(p) {
  const gradient = shortNumber(1 - p);
  return (
    `The hard label pushes the logit up at every confidence (gradient −${gradient}): ` +
    "its loss has no minimum."
  );
}

/**
 * @param {number} p the model's confidence
 * @param {number} bestP confidence with the lowest loss of the smoothed target
 */
function describeSmoothedPush(p, bestP) {
  const isAtMinimum = Math.abs(p - bestP) < CONFIDENCE_STEP / 2;
  if (isAtMinimum) return "The smoothed loss is at its minimum.";
  const [direction, side] = p < bestP ? ["up", "above"] : ["down", "below"];
  const minimum = `its minimum is at p = ${shortNumber(bestP)}, ${side} the current confidence`;
  return `The smoothed label pushes it ${direction}: ${minimum}.`;
}

/**
 * Describes the gradients of the hard and of the smoothed loss.
 * @param {number} p the model's confidence
 * @param {number} smoothedTarget probability of the true class in the smoothed target
 * @param {number} eps
 */
export function describePush(p, smoothedTarget, eps) {
  const hard = describeHardPush(p);
  if (eps === 0) return `${hard} With eps = 0, the smoothed label equals the hard label.`;
  return `${hard} ${describeSmoothedPush(p, smoothedTarget)}`;
}
