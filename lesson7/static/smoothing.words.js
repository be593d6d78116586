// What the explorer says about its state: headline, numbers, formulas, results and code.

import { pythonFloat } from "./code.js";
import { note, setText } from "./dom.js";
import { constant, fraction, identifier, mathRow, mathText, operator, subscript } from "./live.js";
import {
  crossEntropy,
  describePush,
  formatBestP,
  formatLogit,
  formatProbability,
  formatPush,
  formatShare,
  logit,
  logitGradient,
  lossTerms,
  otherTarget,
  pushDirection,
} from "./smoothing.math.js";
import { lineSample } from "./smoothing.plot.js";
import { KINDS, three, two } from "./smoothing.state.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Formula, LiveNode, Quantity } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Column, State } from "./smoothing.state.js" */

/** @type {Column[]} */
const COLUMNS = [
  { title: "true class", format: formatShare, value: (q) => q },
  { title: "loss", format: three, value: crossEntropy },
  { title: "push", format: formatPush, value: logitGradient },
  // Cross-entropy is lowest where the confidence equals the target.
  { title: "best p", format: formatBestP, value: (q) => q },
  { title: "its logit", format: formatLogit, value: (q, _p, n) => logit(q, n) },
];

/** The numbers of each kind of target. */
export function numbers() {
  const titles = ["target", ...COLUMNS.map(({ title }) => title)];
  const headers = KINDS.map((kind) => [lineSample(kind), kind]);
  const table = numberTable(titles, headers);

  /** @param {State} state */
  function draw({ n, p, targets }) {
    table.rows.forEach(({ cells }, k) => {
      const q = targets[KINDS[k]];
      COLUMNS.forEach(({ value, format }, i) => {
        setNumber(cells[i], value(q, p, n), (number) => format(number, n));
      });
    });
  }
  const answerElements = table.rows.flatMap(({ cells }) => cells);
  return { node: table.node, answerElements, draw };
}

/** Sentences on the gradients of the hard and of the smoothed label. */
export function pushNote() {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw(state) {
    setText(node, describePush(state, state.targets.smoothed));
  }
  return { node, draw };
}

/**
 * The target of the true class, where a model's loss is lowest.
 * @param {State} state
 * @param {string} name
 * @returns {Quantity}
 */
function targetQuantity({ q, n, show }, name) {
  const quantity = { name, value: q, text: formatShare(q, n), source: "true" };
  return show === "hard" ? quantity : { ...quantity, scrub: "target" };
}

/**
 * @param {State} state
 * @returns {Quantity}
 */
function confidenceQuantity({ p }) {
  return { name: "p", value: p, text: formatProbability(p), scrub: "p" };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
export function headline(state) {
  const { q, p } = state;
  const [best, sure] = [targetQuantity(state, "best"), confidenceQuantity(state)];
  const direction = pushDirection(q, p);
  if (direction === "none")
    return ["The loss is lowest at ", best, ", just where this model is: it is ", sure, " sure"];
  const advice = ` sure is told to be ${direction === "up" ? "more" : "less"} sure`;
  if (q === 0 || q === 1) return ["No model reaches ", best, ", so one that is ", sure, advice];
  return ["The loss is lowest at ", best, ", so a model that is ", sure, advice];
}

const [PLUS, MINUS, EQUALS, TIMES, OVER] = ["+", "−", "=", "·", "/"].map(operator);
const INDEX = identifier("i");
const SUM = { tag: "munder", children: [operator("∑"), INDEX] };
const LOG = mathText("log\u2009");
const EPSILON = identifier("ε");
const LAMBDA = identifier("λ");

/**
 * @param {string} letter
 * @param {string} name
 */
function named(letter, name) {
  return subscript(identifier(letter), mathText(name));
}

/**
 * @param {string} name unique in its formula
 * @param {State} state
 * @returns {Quantity}
 */
function epsQuantity(name, { eps }) {
  return { name, value: eps, text: two(eps), scrub: "eps", source: "true" };
}

/** @param {State} state */
function weightQuantity({ t }) {
  return { name: "t", value: t, text: two(t), scrub: "t", source: "true" };
}

/**
 * eps over the number of classes.
 * @param {State} state
 * @returns {LiveNode[]}
 */
function shareNumbers(state) {
  const { n } = state;
  const count = { name: "n", value: n, text: String(n), scrub: "n", source: "other" };
  return [epsQuantity("epsShare", state), OVER, count];
}

/** @returns {Formula<State>} */
export function trueClassFormula() {
  const left = [named("y", "true"), EQUALS];
  const symbols = {
    hard: [...left, constant(1)],
    smoothed: [...left, constant(1), MINUS, EPSILON, PLUS, fraction([EPSILON], [identifier("N")])],
    mixed: [...left, LAMBDA],
  };
  return {
    symbols: ({ show }) => symbols[show],
    spoken: "target of the true class",
    numbers(state) {
      const result = targetQuantity(state, "target");
      if (state.show !== "smoothed") return [EQUALS, result];
      const sum = [constant(1), MINUS, epsQuantity("eps", state), PLUS, ...shareNumbers(state)];
      return [EQUALS, ...sum, EQUALS, result];
    },
  };
}

/** @returns {Formula<State>} */
export function otherClassFormula() {
  const left = [named("y", "other"), EQUALS];
  const symbols = {
    hard: [...left, constant(0)],
    smoothed: [...left, fraction([EPSILON], [identifier("N")])],
    mixed: [named("y", "mixed in"), EQUALS, constant(1), MINUS, LAMBDA],
  };
  return {
    symbols: ({ show }) => symbols[show],
    spoken: "target of another class",
    numbers(state) {
      const { show, n, t } = state;
      const value = show === "mixed" ? 1 - t : otherTarget(show, state);
      const result = { name: "other", value, text: formatShare(value, n) };
      if (show === "hard") return [EQUALS, result];
      const sum =
        show === "mixed" ? [constant(1), MINUS, weightQuantity(state)] : shareNumbers(state);
      return [EQUALS, ...sum, EQUALS, result];
    },
  };
}

/**
 * The terms of the loss, or of the target's sum, that are not 0.
 * @param {State} state
 * @param {(term: { target: number, surprise: number }, i: number) => LiveNode[]} write
 */
function termNumbers(state, write) {
  return lossTerms(state.show, state).flatMap((term, i) => [
    ...(i ? [PLUS] : []),
    ...(term.count > 1 ? [constant(term.count), TIMES] : []),
    ...write(term, i),
  ]);
}

/**
 * @param {State} state
 * @param {number} target
 * @param {number} i 0: of the true class
 * @returns {Quantity}
 */
function termTarget({ n }, target, i) {
  const source = i ? "other" : "true";
  return { name: `target${i}`, value: target, text: formatShare(target, n), source };
}

/** @returns {Formula<State>} */
export function sumFormula() {
  return {
    symbols: [SUM, subscript(identifier("y"), INDEX)],
    spoken: "the sum of the target over the classes",
    numbers(state) {
      const terms = termNumbers(state, ({ target }, i) => [termTarget(state, target, i)]);
      return [EQUALS, ...terms, ...(state.show === "hard" ? [] : [EQUALS, constant(1)])];
    },
  };
}

/** @returns {Formula<State>} */
export function lossFormula() {
  const [y, p] = ["y", "p"].map((letter) => subscript(identifier(letter), INDEX));
  return {
    symbols: [identifier("L"), EQUALS, mathRow(MINUS, SUM), y, LOG, p],
    spoken: "the loss is minus the sum over the classes of y i times the logarithm of p i",
    numbers(state) {
      const { n, p, q } = state;
      const terms = termNumbers(state, ({ target, surprise }, i) => {
        const text = three(surprise);
        const source = i ? "rest" : "p";
        const factor = { name: `surprise${i}`, value: surprise, text, source };
        return [termTarget(state, target, i), TIMES, factor];
      });
      const loss = crossEntropy(q, p, n);
      return [EQUALS, ...terms, EQUALS, { name: "loss", value: loss, text: three(loss) }];
    },
  };
}

/**
 * -log p of a class.
 * @param {string} name
 * @param {LiveNode[]} symbols
 * @param {(state: State) => { p: LiveNode[], value: number }} read the numbers for `symbols`, and p
 * @returns {Formula<State>}
 */
function surpriseFormula(name, symbols, read) {
  const log = mathRow(MINUS, LOG);
  const source = name === "true" ? "p" : "rest";
  return {
    symbols: [log, named("p", name), EQUALS, log, ...symbols],
    spoken: `minus the logarithm of the prediction for the ${name} class`,
    numbers(state) {
      const { p, value } = read(state);
      const surprise = -Math.log(value);
      const result = { name: `${name}Surprise`, value: surprise, text: three(surprise), source };
      return [EQUALS, log, ...p, EQUALS, result];
    },
  };
}

export function surpriseFormulas() {
  const [one, p, n] = [constant(1), identifier("p"), identifier("N")];
  const share = fraction([one, MINUS, p], [n, MINUS, one]);
  return [
    surpriseFormula("true", [p], (state) => ({ p: [confidenceQuantity(state)], value: state.p })),
    surpriseFormula("other", [share], (state) => {
      const [rest, others] = [1 - state.p, state.n - 1];
      const above = { name: "rest", value: rest, text: formatProbability(rest) };
      const below = { name: "others", value: others, text: String(others), source: "other" };
      const quotient = [operator("("), above, OVER, below, operator(")")];
      return { p: quotient, value: rest / others };
    }),
  ];
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
export function results({ n, p, q, targets }) {
  return [
    { name: "confidence p", value: p, format: three },
    { name: "target of the true class", value: q, format: (value) => formatShare(value, n) },
    ...KINDS.map((kind) => {
      const value = crossEntropy(targets[kind], p, n);
      return { name: `${kind} loss`, value, format: three };
    }),
  ];
}

/** @param {State} state */
export function codeValues({ n, label, other, eps, t, p, show, byLogit }) {
  const texts = { n: String(n), label: String(label), other: String(other) };
  const numbers = { eps: pythonFloat(eps), t: pythonFloat(t), p: pythonFloat(p) };
  const values = { ...texts, ...numbers, logit: pythonFloat(Number(logit(p, n).toFixed(10))) };
  return { template: `${show} by ${byLogit ? "logit" : "p"}`, values };
}
