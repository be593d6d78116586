// What the explorer says about its state: headline, formulas, results and code.

import { pythonFloat } from "./code.js";
import { quoted } from "./format.js";
import { constant, identifier, mathText, operator, subscript } from "./live.js";
import { misplaced, predictionAt } from "./mixup.math.js";
import { two } from "./mixup.state.js";

/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Data, State } from "./mixup.state.js" */
/** @import { Result } from "./pin.js" */

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
export function headline({ t, a, b, names }) {
  const [first, second] = [quoted(names[a]), quoted(names[b])];
  const weight = { name: "t", value: t, text: two(t), scrub: "t", source: "x1" };
  const rest = { name: "rest", value: 1 - t, text: two(1 - t), scrub: "rest", source: "x2" };
  if (a === b)
    return [`${first} and ${second} blend `, weight, " to ", rest, ": the target stays 1"];
  return ["The target asks for ", weight, ` ${first} and `, rest, ` ${second}`];
}

/** @returns {Formula<State>[]} */
export function formulas() {
  /**
   * @param {string} letter
   * @param {number} index
   */
  const indexed = (letter, index) => subscript(identifier(letter), constant(index));
  const lambda = identifier("λ");
  const [plus, minus, equals, times] = ["+", "−", "=", "·"].map(operator);
  /** @param {string} x */
  const symbols = (x) => [
    ...[subscript(identifier(x), lambda), equals, lambda, indexed(x, 1), plus],
    ...[operator("("), constant(1), minus, lambda, operator(")"), indexed(x, 2)],
  ];
  /** @param {State} state */
  function weights({ t }) {
    return [
      { name: "t", value: t, text: two(t), scrub: "t", source: "x1" },
      { name: "rest", value: 1 - t, text: two(1 - t), scrub: "rest", source: "x2" },
    ];
  }

  return [
    {
      symbols: symbols("x"),
      spoken: "x sub lambda is lambda times x 1 plus 1 minus lambda times x 2",
      numbers(state) {
        const [t, rest] = weights(state);
        return [equals, t, times, indexed("x", 1), plus, rest, times, indexed("x", 2)];
      },
    },
    {
      symbols: symbols("y"),
      spoken: "y sub lambda is lambda times y 1 plus 1 minus lambda times y 2",
      numbers(state) {
        const [t, rest] = weights(state);
        const { target, a, b } = state;
        const [first, second] = a === b ? ["(1)", "(1)"] : ["(1, 0)", "(0, 1)"];
        const sum = [a, ...(a === b ? [] : [b])].flatMap((k, i) => [
          ...(i ? [operator(",")] : []),
          { name: `target${i + 1}`, value: target[k], text: two(target[k]), source: "blend" },
        ]);
        return [
          ...[equals, t, times, mathText(first), plus, rest, times, mathText(second)],
          ...[equals, operator("("), ...sum, operator(")")],
        ];
      },
    },
  ];
}

/**
 * What a pin compares.
 * @param {State} state
 * @param {Data} data
 * @returns {Result[]}
 */
export function results(state, { predictions, isOnGrid }) {
  const { t, a, b, target } = state;
  const found = [
    { name: "weight λ", value: t, format: two },
    { name: "target of the first class", value: target[a], format: two },
    { name: "target of the second class", value: target[b], format: two },
  ];
  if (!isOnGrid || state.isLesson) return found;
  const names = ["misplaced with mixup", "misplaced without"];
  return [
    ...found,
    ...names.map((name, learner) => {
      const prediction = predictionAt(predictions, learner, state);
      return { name, value: misplaced(prediction, state.rowTargets), format: two };
    }),
  ];
}

/** @param {State} state */
export function codeValues({ first, second, t, a, b, names, alpha }) {
  const values = { first, second, a, b, classes: names.length };
  const texts = Object.entries(values).map(([name, value]) => [name, String(value)]);
  const floats = { t: pythonFloat(t), alpha: pythonFloat(alpha) };
  return { template: "blend", values: { ...Object.fromEntries(texts), ...floats } };
}
