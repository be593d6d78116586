// Two pictures, their weight and a reader's state.

import { decodePng } from "./canvas.js";
import { foldWeight, imageAt, LESSON, mixTargets } from "./mixup.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model } from "./frame.js" */

export const FIRST_COLOUR = "var(--l7-blue)";
export const SECOND_COLOUR = "var(--l7-orange)";
/** @param {number} value */
export const two = (value) => value.toFixed(2);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 * @param {boolean} isAsked whether networks answer at any weight
 */
export async function readData(model, isAsked) {
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {number[]} */
  const rows = model.get("rows");
  /** @type {Record<string, number[][][]>} */
  const predictions = model.get("predictions");
  /** @type {Pixels} */
  const sprite = await decodePng(model.get("pixels"));
  /** @type {number} */
  const side = model.get("side");
  const rest = vocab.length - rows.length;
  const restName = rest ? [`the other ${rest} classes`] : [];
  const hasTwins = new Set(labels).size < labels.length;
  return {
    vocab,
    labels,
    rows,
    rest,
    predictions,
    side,
    images: labels.map((_, i) => imageAt(sprite, side, i)),
    isLearned: Object.keys(predictions).length > 0,
    isOnGrid: Object.keys(predictions).length > 0 && !isAsked,
    alphas: /** @type {number[]} */ (model.get("alphas")),
    lambdas: /** @type {number[][]} */ (model.get("lambdas")),
    curves: /** @type {number[][]} */ (model.get("curves")),
    rowNames: [...rows.map((i) => vocab[i]), ...restName],
    pictures: labels.map((label, i) => (hasTwins ? `${i + 1}: ${vocab[label]}` : vocab[label])),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/**
 * @param {Get} get
 * @param {Data} data
 */
export function readState(get, { vocab, labels, rows, rest, alphas, lambdas }) {
  const [first, second, t, alpha] = ["first", "second", "t", "alpha"].map((k) => +get(k));
  /** @type {"half" | "any"} */
  const keep = get("keep");
  const isLesson = get("classes") === "lesson";
  const names = isLesson ? LESSON.vocab : vocab;
  const [a, b] = isLesson ? LESSON.labels : [labels[first], labels[second]];
  const target = mixTargets(names.length, { a, b, t });
  const alphaIndex = alphas.indexOf(alpha);
  return {
    first,
    second,
    t,
    alpha,
    alphaIndex,
    keep,
    isLesson,
    names,
    a,
    b,
    target,
    // the images' classes have rows of their own
    rowTargets: [...rows.map((k) => target[k]), ...(rest ? [0] : [])],
    weights: lambdas[alphaIndex].slice(0, get("drawn")).map((v) => foldWeight(v, keep)),
  };
}

/** @typedef {ReturnType<typeof readState>} State */
