// Questions about blended pixels, targets and weights.

import { quoted, significant } from "./format.js";
import { taskDeck } from "./guess.js";
import { foldWeight, T_STEPS, targetValue } from "./mixup.math.js";
import { randomChoice, randomInt } from "./random.js";

/** @import { Question } from "./guess.js" */
/** @import { State } from "./mixup.state.js" */

const GUESS_TOLERANCE = 0.005;
const PIXEL_TOLERANCE = 2; // of 255

/**
 * Asks for numbers of the mixed target, for a pixel of the blend, and for a weight that is folded.
 * @param {() => State} read
 * @param {number[]} labels of the pictures
 */
export function createTasks(read, labels) {
  /**
   * @param {(state: State) => Question} ask
   * @param {{ second?: number }} [pictures]
   */
  function task(ask, pictures = {}) {
    const t = (1 + randomInt(T_STEPS - 1)) / T_STEPS;
    return { state: { t, ...pictures }, getQuestion: () => ask(read()) };
  }
  const targets = ["first", "second", "neither"].map((part) => () => {
    const other = randomInt(1000);
    return task((state) => targetQuestion(state, part, other), otherClass(read(), labels));
  });
  return taskDeck([...targets, createPixelTask, createFoldTask]);

  function createPixelTask() {
    const [x, other] = [randomInt(26), randomInt(26)].map((step) => 10 * step);
    return task((state) => pixelQuestion(state, x, other));
  }

  function createFoldTask() {
    const drawn = (1 + randomInt(99)) / 100;
    return task(() => foldQuestion(drawn));
  }
}

/**
 * Where both pictures are of one class, a second one of another class, if there is any: else there
 * is nothing to find out about the target.
 * @param {State} state
 * @param {number[]} labels
 */
function otherClass({ a, b }, labels) {
  const others = labels.flatMap((label, i) => (label === a ? [] : [i]));
  return a === b && others.length ? { second: randomChoice(others) } : {};
}

/**
 * A pixel of the blend.
 * @param {State} state
 * @param {number} x of the first picture, a byte
 * @param {number} other of the second one
 * @returns {Question}
 */
function pixelQuestion({ t }, x, other) {
  const [weight, rest] = [significant(t), significant(1 - t)];
  return {
    text:
      `A pixel's red is ${x} in the first picture and ${other} in the second. ` +
      `With λ ${weight}, what is it in the blend, to within ${PIXEL_TOLERANCE}?`,
    answer: t * x + (1 - t) * other,
    tolerance: PIXEL_TOLERANCE,
    because: `it is ${weight} × ${x} + ${rest} × ${other}`,
  };
}

/**
 * What fastai makes of a weight that is drawn.
 * @param {number} drawn
 * @returns {Question}
 */
function foldQuestion(drawn) {
  const rest = significant(1 - drawn);
  return {
    text: `Beta draws ${drawn}. With which weight does fastai blend the first picture?`,
    answer: foldWeight(drawn, "half"),
    tolerance: GUESS_TOLERANCE,
    because: `it keeps the larger of ${drawn} and 1 − ${drawn} = ${rest}`,
  };
}

/**
 * @param {State} state
 * @param {string} part the class that is asked for: that of the first image, the second, neither
 * @param {number} other which of the classes that neither image has
 * @returns {Question}
 */
function targetQuestion({ t, names, a, b }, part, other) {
  const others = names.map((_, k) => k).filter((k) => k !== a && k !== b);
  const neither = others.length ? others[other % others.length] : b;
  const k = { first: a, neither }[part] ?? b;
  const [first, second, asked] = [a, b, k].map((index) => quoted(names[index]));
  const blend = `${first} weighs ${significant(t)} in this blend with ${second}`;
  return {
    text: `${blend}: what is the target of ${asked}?`,
    answer: targetValue(k, { a, b, t }),
    tolerance: GUESS_TOLERANCE,
    because: explainTarget(k, { a, b, t }),
  };
}

/**
 * @param {number} k
 * @param {{ a: number, b: number, t: number }} mix
 */
function explainTarget(k, { a, b, t }) {
  const sum = `${significant(t)} + ${significant(1 - t)}`;
  if (a === b && k === a) return `both pictures are of this class: ${sum}`;
  if (k === a) return "it is the weight itself";
  if (k === b) return `the second picture has what is left: 1 − ${significant(t)}`;
  return "neither picture is of this class";
}
