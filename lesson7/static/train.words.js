// What the explorer says about its state: headline, formulas, results and code.

import { pythonFloat, pythonString } from "./code.js";
import { constant, identifier, mathRow, mathText, operator } from "./live.js";
import { percent, winner } from "./train.math.js";
import { one, SETTINGS, three, two } from "./train.state.js";

/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Difference, Settings } from "./train.math.js" */
/** @import { State } from "./train.state.js" */

const FLOATS = ["alpha", "eps", "wrong", "lr"];

/**
 * What differs, with the numbers that can be changed.
 * @param {State} state
 * @returns {LiveNode[]}
 */
function differencePhrase({ settings, differences }) {
  return differences.flatMap(({ name, b }, i) => {
    const before = i ? [" and "] : [];
    const value = settings[1][name];
    const isNumber = (name === "alpha" || name === "eps") && value;
    if (!isNumber) return [...before, b];
    const number = { name, value: Number(value), text: two(Number(value)), scrub: `${name}.1` };
    return [...before, name === "alpha" ? "mixup α = " : "smoothing ε = ", number];
  });
}

/**
 * The result, in one sentence.
 * @param {State} state
 * @returns {LiveNode[]}
 */
export function headline(state) {
  const { settings, differences, difference, isBusy, isStopped, seeds } = state;
  const [a, b] = settings;
  const wrong = { name: "wrong", value: a.wrong, text: percent(a.wrong), scrub: "noise" };
  /** @type {LiveNode[]} */
  const start = a.wrong === b.wrong ? ["With ", wrong, " wrong labels, "] : ["B with "];
  if (!differences.length) return [...start, "A and B are the same: change one of them"];
  const phrase = [...start, ...differencePhrase(state)];
  if (isBusy || !difference) {
    const done = difference?.count ?? 0;
    const verb = isStopped ? "stopped" : "training";
    return [...phrase, `: ${verb}, ${done} of ${seeds} ${seeds === 1 ? "seed" : "seeds"} done`];
  }
  return [...phrase, ...resultPhrase(difference)];
}

/**
 * @param {Difference} difference
 * @returns {LiveNode[]}
 */
function resultPhrase(difference) {
  const { mean: gain, half, count } = difference;
  const sign = gain < 0 ? -1 : 1;
  /**
   * @param {string} name
   * @param {number} value
   */
  const number = (name, value) => ({ name, value, text: one(value), source: "accuracyB" });
  const verb = sign > 0 ? " gains " : " costs ";
  const points = [number("gain", sign * gain), " points of accuracy"];
  if (count === 1) return [verb, ...points, " in one seed"];
  const low = number("low", sign * gain - half);
  const high = number("high", sign * gain + half);
  const interval = [" (95\u00a0% interval ", low, " to ", high, ")"];
  if (winner(difference)) return [verb, ...points, ...interval];
  return [": too close to tell,", verb.trimEnd(), " ", ...points, ...interval];
}

/** @returns {Formula<State>[]} */
export function formulas() {
  const [equals, minus, plus, plusMinus, times] = ["=", "−", "+", "±", "·"].map(operator);
  const epsilon = identifier("ε");
  const root = (/** @type {LiveNode} */ node) => ({ tag: "msqrt", children: [node] });
  const bar = (/** @type {string} */ letter) => ({
    tag: "mover",
    children: [identifier(letter), operator("¯")],
  });
  return [
    {
      symbols: [
        ...[bar("b"), minus, bar("a"), plusMinus, identifier("t"), times],
        ...[identifier("s"), operator("/"), root(identifier("n"))],
      ],
      spoken: "mean of B minus mean of A, plus or minus t times s over the root of n",
      numbers: differenceNumbers,
    },
    {
      symbols: [
        ...[identifier("q"), equals, operator("("), constant(1), minus, epsilon, operator(")")],
        ...[identifier("y"), plus, epsilon, operator("/"), identifier("K")],
      ],
      spoken: "target q is 1 minus epsilon times y plus epsilon over K",
      numbers({ settings, classes }) {
        const { eps } = settings[1];
        /** @param {string} name */
        const number = (name) => ({
          name,
          value: eps,
          text: two(eps),
          scrub: "eps.1",
          source: "lossB",
        });
        return [
          ...[equals, operator("("), constant(1), minus, number("share"), operator(")")],
          ...[identifier("y"), plus, number("spread"), operator("/"), constant(classes)],
        ];
      },
    },
  ];

  /** @param {State} state */
  function differenceNumbers({ difference }) {
    if (!difference) return [mathText("after the first seed")];
    const { a, b, quantile, sd, count, mean: gain, half } = difference;
    /**
     * @param {string} name
     * @param {number} value
     * @param {string} source
     */
    const number = (name, value, source) => ({ name, value, text: one(value), source });
    const means = [number("meanB", b, "accuracyB"), minus, number("meanA", a, "accuracyA")];
    if (count < 2) return [equals, ...means, equals, number("difference", gain, "accuracyB")];
    const t = { name: "t", value: quantile, text: two(quantile) };
    const n = { name: "n", value: count, text: String(count), scrub: "seeds" };
    const error = mathRow(number("sd", sd, "accuracyB"), operator("/"), root(n));
    const sum = [number("difference", gain, "accuracyB"), plusMinus, number("half", half, "sd")];
    return [equals, ...means, plusMinus, t, times, error, equals, ...sum];
  }
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
export function results({ sides, difference }) {
  const scores = sides.flatMap(({ mean: values }, side) => [
    {
      name: `accuracy of ${"AB"[side]}, %`,
      value: values ? 100 * values.accuracy : Number.NaN,
      format: one,
    },
    { name: `ECE of ${"AB"[side]}`, value: values?.ece ?? Number.NaN, format: three },
  ]);
  const value = difference?.mean ?? Number.NaN;
  return [...scores, { name: "B − A, points", value, format: one }];
}

/**
 * @param {string} name
 * @param {any} value
 */
function pythonValue(name, value) {
  if (typeof value === "string") return pythonString(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  return FLOATS.includes(name) ? pythonFloat(value) : String(value);
}

/** @param {State} state */
export function codeValues({ settings, seeds, start, usual }) {
  const [a, b] = settings;
  /**
   * Those of a side's settings that differ from the defaults.
   * @param {Settings} side
   * @param {boolean} isSame whether those that both sides share
   */
  function texts(side, isSame) {
    const names = SETTINGS.filter((name) => (a[name] === b[name]) === isSame);
    const changed = names.filter((name) => side[name] !== usual[name]);
    return changed.map((name) => `${name}=${pythonValue(name, side[name])}`);
  }
  const others = settings.map((side) => texts(side, false).map((text) => `, ${text}`));
  const common = texts(a, true);
  if (a.images !== b.images) common.push(`start=${start}`);
  const values = {
    same: common.join(", "),
    a: others[0].join(""),
    b: others[1].join(""),
    end: String(seeds + 1),
    alpha: pythonFloat(b.alpha || 0.4),
    eps: pythonFloat(b.eps),
  };
  return { template: "train", values };
}
