// Questions about targets and losses.

import { quoted, significant } from "./format.js";
import { taskDeck } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import { formatProbability } from "./smoothing.math.js";
import { currentState } from "./smoothing.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Kind } from "./smoothing.math.js" */
/** @import { State } from "./smoothing.state.js" */

const GUESS_EPS = [0.1, 0.2, 0.3, 0.4];
const GUESS_WEIGHTS = [0.1, 0.2, 0.25, 0.3, 0.4, 0.6, 0.7, 0.75, 0.8, 0.9];
const GUESS_CONFIDENCES = [0.05, 0.1, 0.2, 0.5, 0.8, 0.9];
const LOSS_TOLERANCE = 0.1;
const MIXED_TOLERANCE = 0.005;

/**
 * Asks for the targets, for the confidence where the loss is lowest, and for a loss. The values of
 * n and eps give targets of at most three decimals.
 * @param {Frame} frame
 * @param {(index: number) => string} className
 */
export function createTasks(frame, className) {
  /**
   * @param {Kind} show
   * @param {(state: State, step: number) => Question} ask step: to a class that is not true
   */
  function task(show, ask) {
    const n = randomChoice([2, 4, 5, 10, 20]);
    const step = 1 + randomInt(n - 1);
    const [eps, t, p] = [GUESS_EPS, GUESS_WEIGHTS, GUESS_CONFIDENCES].map(randomChoice);
    const state = { n, eps, t, p, label: randomInt(n), show };
    return { state, getQuestion: () => ask(currentState(frame), step) };
  }
  return taskDeck([
    () => task("smoothed", (state) => targetQuestion(state, className, 0)),
    () => task("smoothed", (state, step) => targetQuestion(state, className, step)),
    () => task("smoothed", bestQuestion),
    () => task("hard", lossQuestion),
    () => task("mixed", (state) => mixedQuestion(state, className)),
  ]);
}

/**
 * Where the loss of the smoothed label is lowest.
 * @param {State} state
 * @returns {Question}
 */
function bestQuestion({ n, eps, targets }) {
  const [epsText, count] = [significant(eps), `${n} classes, eps ${significant(eps)}`];
  const sum = `1 − ${epsText} + ${epsText}/${n}`;
  return {
    text: `${count}: at which confidence p is the loss of the smoothed label lowest?`,
    answer: targets.smoothed,
    tolerance: eps / n / 10,
    because: `it is lowest where p is the target of the true class, ${sum}`,
  };
}

/**
 * The loss of the hard label.
 * @param {State} state
 * @returns {Question}
 */
function lossQuestion({ p }) {
  const confident = `A model gives the true class ${formatProbability(p)}`;
  return {
    text: `${confident}. What is the loss of the hard label, to within ${LOSS_TOLERANCE}?`,
    answer: -Math.log(p),
    tolerance: LOSS_TOLERANCE,
    because: `it is −log ${formatProbability(p)}, to the base e, and the other classes weigh 0`,
  };
}

/**
 * The target of the class that is mixed in.
 * @param {State} state
 * @param {(index: number) => string} className
 * @returns {Question}
 */
function mixedQuestion({ t, label, other }, className) {
  const [first, second] = [label, other].map((index) => quoted(className(index)));
  const weight = significant(t);
  return {
    text: `${first} is mixed with ${second}, λ is ${weight}: what is the target of ${second}?`,
    answer: 1 - t,
    tolerance: MIXED_TOLERANCE,
    because: `the first image has ${weight}, and the second what is left: 1 − ${weight}`,
  };
}

/**
 * @param {State} state
 * @param {(index: number) => string} className
 * @param {number} step from the true class to the one that is asked for
 * @returns {Question}
 */
function targetQuestion({ n, eps, label, targets }, className, step) {
  const share = eps / n;
  const [epsText, shareText] = [significant(eps), significant(share)];
  const target = quoted(className((label + step) % n));
  const trueClass = step ? "" : `, plus 1 − ${epsText} for the true class`;
  const given = `${n} classes, eps ${epsText}, and the true one is ${quoted(className(label))}`;
  return {
    text: `${given}: what is the smoothed target of ${target}?`,
    answer: step ? share : targets.smoothed,
    tolerance: share / 10, // small enough to reject an answer without eps/N
    because: `eps/N is ${epsText}/${n} = ${shareText}${trueClass}`,
  };
}
