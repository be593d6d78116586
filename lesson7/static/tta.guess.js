// Questions about the views, with random states.

import { quoted } from "./format.js";
import { taskDeck } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import { PLAIN_WEIGHT, ranking, SCALES, viewWeights } from "./tta.math.js";
import { readState } from "./tta.state.js";
import { formatWeight } from "./tta.sum.js";

/** @import { Model } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Point, Reduce } from "./tta.math.js" */
/** @import { Data, State } from "./tta.state.js" */

const CLEAR_MARGIN = 0.12; // distance from one half at which the eye can tell
const MOST_TRIES = 100;
const GUESS_TOLERANCE = 0.02;
const WEIGHT_TOLERANCE = 0.01;
/** @type {Record<Reduce, string>} */
const COMBINED_BY = { mean: "mean", max: "maximum", lerp: "mean with fastai's weights" };
/** @param {number} value */
const twoDecimals = (value) => value.toFixed(2);

/**
 * Asks which views agree, what they predict together, and how much one of them weighs.
 * @param {Model} model
 * @param {Data} data
 */
export function createTasks(model, data) {
  const on = Array.from({ length: data.windows + 1 }, () => true);
  const combining = /** @type {Reduce[]} */ (["mean", "lerp", "max"]).map((reduce) => () => {
    return createViewsTask(model, data, combinedQuestion, { reduce, on });
  });
  return taskDeck([
    () => createViewsTask(model, data, viewsQuestion),
    ...(data.rows ? [] : combining), // asked before the network's predictions arrive
    () => createWeightTask(model, data),
  ]);
}

/**
 * A question about other views.
 * @param {Model} model
 * @param {Data} data
 * @param {(state: State, data: Data) => Question} ask
 * @param {{ reduce?: Reduce, on?: boolean[] }} [changes] of the state, besides the views
 */
function createViewsTask(model, data, ask, changes = {}) {
  /** @param {Record<string, any>} unset traits that are not yet set */
  const stateWith = (unset) => readState((trait) => unset[trait] ?? model.get(trait), data);
  let state = randomViews(data);
  for (let tries = 0; tries < MOST_TRIES && !isClear(stateWith(state)); tries++) {
    state = randomViews(data);
  }
  return { state: { ...state, ...changes }, getQuestion: () => ask(stateWith({}), data) };
}

/**
 * Asks for the weight of a window in fastai's mean.
 * @param {Model} model
 * @param {Data} data
 */
function createWeightTask(model, data) {
  const used = 1 + randomInt(data.windows);
  const on = Array.from({ length: data.windows + 1 }, (_, i) => i <= used);
  const getQuestion = () => weightQuestion(readState((trait) => model.get(trait), data));
  return { state: { on, reduce: "lerp" }, getQuestion };
}

/** @param {Data} data */
function randomViews({ names, windows, steps, isLearned }) {
  /** @returns {Point} */
  const place = () => [randomInt(steps + 1) / steps, randomInt(steps + 1) / steps];
  const photo = randomInt(names.length);
  const scale = randomChoice(SCALES.slice(0, 2));
  const at = Array.from({ length: windows }, place);
  return isLearned ? { photo, scale, at } : { photo, scale, at, target: place() };
}

/**
 * Whether the views differ, and the eye can tell which of them show at least half of the object.
 * @param {State} state
 */
function isClear({ object, predictions }) {
  if (!object) return true;
  const shares = predictions.map(([share]) => share);
  return (
    Math.min(...shares) < Math.max(...shares) &&
    shares.every((share) => Math.abs(share - 0.5) > CLEAR_MARGIN)
  );
}

/**
 * How many views show the object; where there is a model, how many put the class first that the
 * views predict together.
 * @param {State} state
 * @param {Data} data
 * @returns {Question}
 */
function viewsQuestion({ object, predictions, enabled, top, classes, count }, { rows }) {
  const agreeing = predictions.flatMap((prediction, i) => {
    const agrees = object ? prediction[0] >= 0.5 : ranking(prediction)[0] === top;
    const name = i ? `window ${i}` : "the plain view";
    return enabled[i] && agrees ? [name] : [];
  });
  const ofObject = `How many of the ${count} views in use show at least half of the yellow box?`;
  const ofClass =
    `Together the views predict ${quoted(classes[top])}. ` +
    `How many of the ${count} in use put it first?`;
  // A network has not answered yet when it is asked.
  const ofNetwork = `How many of the ${count} views in use put the class first that all predict?`;
  const ofModel = rows ? ofNetwork : ofClass;
  return {
    text: object ? ofObject : ofModel,
    answer: agreeing.length,
    tolerance: 0,
    because: listViews(agreeing),
  };
}

/**
 * What the views predict together.
 * @param {State} state
 * @returns {Question}
 */
function combinedQuestion({ enabled, reduce, values, classes, top }) {
  const used = values.flatMap((value, i) => (enabled[i] ? [{ value: hundredths(value), i }] : []));
  const weights = viewWeights(enabled, reduce);
  const list = used.map(({ value, i }) => `${twoDecimals(value)} (${i || "plain"})`).join(", ");
  const terms = used.map(({ value, i }) => `${formatWeight(weights[i])} × ${twoDecimals(value)}`);
  const isMaximum = reduce === "max";
  const sum = used.reduce((total, { value, i }) => total + weights[i] * value, 0);
  const largest = Math.max(...used.map(({ value }) => value));
  return {
    text:
      `The views predict ${quoted(classes[top])} with ${list}. ` +
      `What is their ${COMBINED_BY[reduce]}, to within ${GUESS_TOLERANCE}?`,
    answer: isMaximum ? largest : sum,
    tolerance: GUESS_TOLERANCE,
    because: isMaximum ? "it is the largest of them" : `it is ${terms.join(" + ")}`,
  };
}

/** @param {number} value */
const hundredths = (value) => Math.round(100 * value) / 100;

/**
 * How much one of the windows weighs in fastai's mean.
 * @param {State} state
 * @returns {Question}
 */
function weightQuestion({ enabled, count }) {
  const weights = viewWeights(enabled, "lerp");
  const last = enabled.lastIndexOf(true);
  const isPlainUsed = enabled[0] && count > 1;
  const share = `the plain view weighs ${PLAIN_WEIGHT} and the windows share`;
  const views = isPlainUsed ? `${count} views, one of them plain` : `${count} views`;
  const parts = `${share} ${1 - PLAIN_WEIGHT}: ${1 - PLAIN_WEIGHT} / ${count - 1}`;
  return {
    text: `fastai combines ${views}. How much does window ${last} weigh, to within 0.01?`,
    answer: weights[last],
    tolerance: WEIGHT_TOLERANCE,
    because: isPlainUsed ? parts : `all weigh the same: 1 / ${count}`,
  };
}

/** @param {string[]} names */
function listViews(names) {
  if (!names.length) return "none does";
  const verb = names.length === 1 ? "does" : "do";
  return `${new Intl.ListFormat("en").format(names)} ${verb}`;
}
