// Questions about means, standard deviations and values after normalization.

import { capitalize, fixed } from "./format.js";
import { taskDeck } from "./guess.js";
import { CHANNELS, predictionQuestion } from "./normalize.math.js";
import { BEGINNINGS, KINDS, MOMENTS, three } from "./normalize.state.js";
import { randomChoice, randomInt } from "./random.js";

/** @import { Model } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Predictions } from "./normalize.answers.js" */
/** @import { Kind } from "./normalize.math.js" */
/** @import { State } from "./normalize.state.js" */

const GUESS_TOLERANCE = 0.02;
const VALUE_TOLERANCE = 0.05; // of a normalized value

/**
 * Asks about another batch: for a channel's mean or sd after normalization, or for one value before
 * or after it; with the reader's own statistics where these are chosen. Where there is a model, for
 * what it predicts, too.
 * @param {Model} model
 * @param {number} batches
 * @param {() => State} read
 * @param {Predictions} predicted
 */
export function createTasks(model, batches, read, predicted) {
  /** @param {(state: State, channel: number) => Question} ask */
  function task(ask) {
    const channel = randomInt(CHANNELS.length);
    const isOwn = model.get("kind") === "own";
    const kind = isOwn ? "own" : randomChoice(["batch", "dataset", "imagenet"]);
    const getQuestion = () => ask(read(), channel);
    return { state: { draw: randomInt(batches), kind }, getQuestion };
  }
  const moments = MOMENTS.map((moment) => {
    return () => task((state, channel) => momentQuestion(state, channel, moment));
  });
  const values = [valueQuestion, byteQuestion].map((ask) => () => {
    const byte = randomInt(256);
    return task((state, channel) => ask(state, channel, byte));
  });
  const ofModel = () => createModelTask(model, batches, read, predicted);
  return taskDeck([...moments, ...values, ...(predicted.isThere() ? [ofModel] : [])]);
}

/**
 * Asks what the model predicts for another batch, with the kind of statistics that is chosen.
 * @param {Model} model
 * @param {number} batches
 * @param {() => State} read
 * @param {Predictions} predicted
 */
function createModelTask(model, batches, read, predicted) {
  const kind = randomChoice(/** @type {Kind[]} */ (["none", "dataset", "imagenet"]));
  const isLabelled = model.get("right").length > 0;
  const getQuestion = () => {
    const state = read();
    const batch = { how: BEGINNINGS[state.kind], count: state.bs, isLabelled };
    return predictionQuestion(predicted.answer(state), batch);
  };
  return { state: { draw: randomInt(batches), kind }, getQuestion };
}

/**
 * @param {State} state
 * @param {number} channel
 * @param {"mean" | "sd"} moment
 * @returns {Question}
 */
function momentQuestion({ kind, before, statistics, after }, channel, moment) {
  const name = capitalize(CHANNELS[channel]);
  const mean = three(before[channel].mean);
  const sd = three(before[channel].sd);
  const [usedMean, usedSd] = statistics.map((values) => three(values[channel]));
  const shifted = `(${mean} − ${usedMean}) / ${usedSd}`;
  const scaled = `${sd} / ${usedSd}: subtracting a mean changes no spread`;
  return {
    text:
      `${name} has mean ${mean} and sd ${sd}. Normalized with ${usedMean} and ${usedSd} ` +
      `(${KINDS[kind]}), what is its ${moment}, to within ${GUESS_TOLERANCE}?`,
    answer: after[channel][moment],
    tolerance: GUESS_TOLERANCE,
    because: moment === "mean" ? shifted : scaled,
  };
}

/**
 * Asks what the model sees of a value.
 * @param {State} state
 * @param {number} channel
 * @param {number} byte
 * @returns {Question}
 */
function valueQuestion({ kind, statistics, normalize }, channel, byte) {
  const [mean, sd] = statistics.map((values) => three(values[channel]));
  const x = byte / 255;
  return {
    text:
      `A pixel has ${CHANNELS[channel]} ${three(x)} in the file. Normalized with ${mean} and ` +
      `${sd} (${KINDS[kind]}), what does the model see, to within ${VALUE_TOLERANCE}?`,
    answer: normalize[channel](x),
    tolerance: VALUE_TOLERANCE,
    because: `(${three(x)} − ${mean}) / ${sd}`,
  };
}

/**
 * Asks which value of the file the model sees as a given one.
 * @param {State} state
 * @param {number} channel
 * @param {number} byte
 * @returns {Question}
 */
function byteQuestion({ kind, statistics, normalize }, channel, byte) {
  const [mean, sd] = statistics.map((values) => three(values[channel]));
  const x = byte / 255;
  const z = fixed(normalize[channel](x), 2);
  return {
    text:
      `The model sees ${CHANNELS[channel]} ${z}, normalized with ${mean} and ${sd} ` +
      `(${KINDS[kind]}). What is it in the file, from 0 to 1, to within ${GUESS_TOLERANCE}?`,
    answer: x,
    tolerance: GUESS_TOLERANCE,
    because: `${z} × ${sd} + ${mean} undoes the normalization`,
  };
}
