// The arithmetic of label smoothing: targets, and the loss that each gives a model.

import { withMinus } from "./format.js";

/** @typedef {"hard" | "smoothed" | "mixed"} Kind */

export const MOST_CLASSES = 1000;
export const LOGIT_RANGE = { low: -4, high: 16 };
const CURVE_POINTS = 400;
const SHOWN_CLASSES = 8; // beside the row for all others

/**
 * A number with few digits, but never a 0 that is none.
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
 * Cross-entropy of a model that spreads what it does not give the true class evenly.
 * @param {number} q what the target gives the true class
 * @param {number} p what the model gives it
 * @param {number} rest 1 - p, given on its own because it may be too small for that difference
 * @param {number} n classes
 */
export function crossEntropy(q, p, rest, n) {
  const ofTrue = q === 0 ? 0 : -q * Math.log(p);
  const ofOthers = q < 1 ? -(1 - q) * Math.log(rest / (n - 1)) : 0;
  return ofTrue + ofOthers;
}

/**
 * The logit of the true class where that of all others is 0.
 * @param {number} p
 * @param {number} n classes
 */
export function logit(p, n) {
  return Math.log((p * (n - 1)) / (1 - p));
}

/**
 * The inverse of `logit`.
 * @param {number} z
 * @param {number} n classes
 * @returns {[p: number, rest: number]}
 */
export function confidence(z, n) {
  const sum = Math.exp(z) + n - 1;
  return [Math.exp(z) / sum, (n - 1) / sum];
}

/**
 * The point at which a target's loss is lowest; for a hard target, none.
 * @param {number} q what the target gives the true class
 * @param {number} n classes
 */
export function lowestPoint(q, n) {
  return { p: q, logit: logit(q, n), loss: crossEntropy(q, q, 1 - q, n) };
}

/**
 * What each kind of target gives the true class.
 * @param {{ n: number, eps: number, t: number }} state
 * @returns {Record<Kind, number>}
 */
export function trueClassTargets({ n, eps, t }) {
  return { hard: 1, smoothed: 1 - eps + eps / n, mixed: t };
}

/**
 * What a target gives a class.
 * @param {Kind} kind
 * @param {{ n: number, eps: number, t: number, label: number, other: number }} state
 * @param {number} index of the class; -1: one that is neither the true nor the mixed-in class
 */
export function targetAt(kind, { n, eps, t, label, other }, index) {
  if (index === label) return trueClassTargets({ n, eps, t })[kind];
  if (kind === "smoothed") return eps / n;
  return kind === "mixed" && index === other ? 1 - t : 0;
}

/**
 * The classes that have a row of their own.
 * @param {{ n: number, label: number, other: number }} state
 * @param {number} rows
 * @returns {number[]} in order
 */
export function shownClasses({ n, label, other }, rows) {
  if (n <= rows) return [...Array(n).keys()];
  const candidates = new Set([label, other, ...Array(SHOWN_CLASSES).keys()]);
  return [...candidates].slice(0, SHOWN_CLASSES).sort((a, b) => a - b);
}

/**
 * Points of a loss curve, closer to one another where p is close to 0 or 1.
 * @param {number} q what the target gives the true class
 * @param {number} n classes
 * @param {boolean} byLogit against the logit, else against p
 * @returns {[value: number, loss: number][]}
 */
export function lossCurve(q, n, byLogit) {
  const { low, high } = LOGIT_RANGE;
  return Array.from({ length: CURVE_POINTS + 1 }, (_, i) => {
    const z = low + (i / CURVE_POINTS) * (high - low);
    const [p, rest] = byLogit ? confidence(z, n) : confidence(i / 20 - 10, 2);
    return [byLogit ? z : p, crossEntropy(q, p, rest, n)];
  });
}

/**
 * Where the loss pushes the logit.
 * @param {number} slope
 */
export function formatPush(slope) {
  const digits = slope && Math.abs(slope) < 0.001 ? 7 : 4;
  const size = shortNumber(Math.abs(Number(slope.toFixed(digits))));
  return `${slope < 0 ? "up" : "down"} ${size}`;
}

/** @param {number} q what the target gives the true class */
export function formatLowest(q) {
  return q === 1 ? "→ 1" : shortNumber(q);
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
    mixed: `mixed, ${shortNumber(t)} of it`,
  };
  return `Target (bar): ${names[kind]}. Model (line)`;
}

/**
 * Where the hard and the smoothed label push the model, in a sentence or two.
 * @param {number} p the model's confidence
 * @param {number} q what the smoothed target gives the true class
 * @param {number} eps
 */
export function describePush(p, q, eps) {
  const slope = shortNumber(1 - p);
  const hard =
    `The hard label pushes the logit up (slope −${slope}) and never stops: ` +
    "its loss has no lowest point.";
  if (eps === 0) return `${hard} With eps 0, the smoothed label is the hard one.`;
  if (Math.abs(p - q) < 0.0005) {
    return `${hard} The smoothed label is content: this is its lowest point.`;
  }
  const [way, change] = p < q ? ["up", "more"] : ["down", "less"];
  const wanted = `it wants ${shortNumber(q)}, ${change} than this`;
  return `${hard} The smoothed label pushes ${way}: ${wanted}.`;
}
