// What the explorer says about its state: headline, formulas, results and code.

import { pythonFloat, pythonString } from "./code.js";
import { roundHalfUp } from "./crop.js";
import { setAttributes } from "./dom.js";
import { quoted } from "./format.js";
import { constant, fraction, identifier, mathRow, operator, subscript } from "./live.js";
import { combine, formatShare, PLAIN_WEIGHT, ranking, sumSigns, viewWeights } from "./tta.math.js";
import { COMBINED, threeDecimals } from "./tta.state.js";
import { viewCount } from "./tta.sum.js";

/** @import { Frame } from "./frame.js" */
/** @import { Formula, LiveNode, Quantity } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Reduce } from "./tta.math.js" */
/** @import { Data, State } from "./tta.state.js" */

const COMPARED_CLASSES = 3; // by a pin

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
export function headline(state) {
  const { predictions, reduce, combined, top, count, classes, threshold, object } = state;
  if (threshold !== undefined) return thresholdHeadline(state, threshold);
  const [first] = object ? [top] : ranking(predictions[0]);
  const alone = predictions[0][first];
  const plain = { name: "plain", value: alone, text: formatShare(alone), source: "view0" };
  const views = viewCount(count);
  const text = threeDecimals(combined[top]);
  const answer = { name: "answer", value: combined[top], text };
  const ofViews = count === 1 ? " view" : " views";
  const together = [`the ${COMBINED[reduce]} of `, views];
  if (object) {
    const share = { ...plain, text: `${roundHalfUp(100 * alone)} %` };
    const shows = ["The plain view shows ", share, " of the object; "];
    return [...shows, ...together, `${ofViews} is `, answer];
  }
  const [name, best] = [first, top].map((c) => quoted(classes[c]));
  const predicts = [`The plain view predicts ${name} (`, plain, "); "];
  return [...predicts, ...together, `${ofViews} predicts ${best} (`, answer, ")"];
}

/**
 * For a model of several classes an image.
 * @param {State} state
 * @param {number} threshold
 * @returns {LiveNode[]}
 */
function thresholdHeadline({ predictions, combined, reduce, count }, threshold) {
  /**
   * @param {string} name
   * @param {number[]} values
   */
  function above(name, values) {
    const found = values.filter((value) => value > threshold).length;
    return { name, value: found, text: String(found) };
  }
  const views = viewCount(count);
  return [
    ...["The plain view finds ", above("plain", predictions[0]), ` classes above ${threshold}; `],
    ...[`the ${COMBINED[reduce]} of `, views, count === 1 ? " view finds " : " views finds "],
    above("answer", combined),
  ];
}

const [plus, equals, comma] = ["+", "=", ","].map(operator);

/**
 * @param {LiveNode[]} items
 * @param {LiveNode} separator
 */
function separated(items, separator) {
  return items.flatMap((item, i) => (i ? [separator, item] : [item]));
}

/**
 * The values of the views in use, as the terms of a formula.
 * @param {State} state
 * @returns {{ index: number, term: Quantity }[]}
 */
function usedTerms({ enabled, values }) {
  const terms = values.map((value, index) => {
    return { index, term: { name: `view${index}`, value, text: formatShare(value) } };
  });
  return terms.filter(({ index }) => enabled[index]);
}

/**
 * What a way to combine the values gives.
 * @param {State} state
 * @param {Reduce} reduce
 */
function resultOf({ predictions, enabled, top, reduce: chosen }, reduce) {
  const value = combine(predictions, enabled, reduce)[top];
  const source = reduce === chosen ? "answer" : reduce;
  return { name: reduce, value, text: threeDecimals(value), source };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function meanNumbers(state) {
  const { count } = state;
  const terms = usedTerms(state).map(({ term }) => term);
  const views = viewCount(count);
  const mean = fraction(separated(terms, plus), [views]);
  return [equals, mean, equals, resultOf(state, "mean")];
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function weightedNumbers(state) {
  const used = usedTerms(state);
  const result = resultOf(state, "lerp");
  const { divisor } = sumSigns(state.enabled, "lerp");
  const terms = used.map(({ term }) => term);
  const others = divisor < used.length ? terms.slice(1) : terms;
  const below = { name: "windows", value: divisor, text: String(divisor) };
  const mean = fraction(separated(others, plus), [below]);
  if (divisor === used.length) return [equals, mean, equals, result];
  const weights = [PLAIN_WEIGHT, 1 - PLAIN_WEIGHT].map(constant);
  const plain = mathRow(weights[0], operator("·"), terms[0]);
  return [equals, plain, plus, weights[1], operator("·"), mean, equals, result];
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function highestNumbers(state) {
  const terms = usedTerms(state).map(({ term }) => term);
  const highest = [identifier("max"), operator("("), ...separated(terms, comma), operator(")")];
  return [equals, ...highest, equals, resultOf(state, "max")];
}

/** @returns {Formula<State>[]} */
export function formulas() {
  const n = identifier("n");
  /** @param {string | number} index */
  const p = (index) => subscript(identifier("p"), index === "n" ? n : constant(index));
  const dots = operator("…");
  const all = [p(0), plus, p(1), plus, dots, plus, p("n")];
  const windows = fraction([p(1), plus, dots, plus, p("n")], [n]);
  const [plain, others] = [PLAIN_WEIGHT, 1 - PLAIN_WEIGHT].map(constant);
  const dot = operator("·");
  const weighted = [plain, dot, p(0), plus, others, dot, windows];
  const list = separated([p(0), p(1), dots, p("n")], comma);
  return [
    {
      symbols: [identifier("mean"), equals, fraction(all, [n, plus, constant(1)])],
      spoken: "the mean is the sum of p 0 to p n, divided by n plus 1",
      numbers: meanNumbers,
    },
    {
      symbols: [identifier("fastai"), equals, ...weighted],
      spoken: "fastai's is 0.25 times p 0 plus 0.75 times the mean of p 1 to p n",
      numbers: weightedNumbers,
    },
    {
      symbols: [identifier("max"), operator("("), ...list, operator(")")],
      spoken: "the maximum of p 0 to p n",
      numbers: highestNumbers,
    },
  ];
}

/**
 * Marks the formula that the explorer uses.
 * @param {Frame} frame
 */
export function chosenFormula({ root }) {
  /** @param {State} state */
  function draw({ reduce }) {
    const chosen = ["mean", "lerp", "max"].indexOf(reduce);
    root.querySelectorAll(".l7-formula").forEach((node, i) => {
      node.classList.add("l7-tta-formula");
      setAttributes(node, { tabindex: 0 }); // many views do not fit on a phone: it scrolls
      node.classList.toggle("l7-chosen", i === chosen);
    });
  }
  return { draw };
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
export function results({ predictions, combined, classes, object, count }) {
  const views = { name: "views in use", value: count, format: String };
  const rows = object ? [0] : ranking(combined).slice(0, COMPARED_CLASSES);
  const values = rows.flatMap((c) => [
    { name: `${classes[c]}, plain view`, value: predictions[0][c], format: threeDecimals },
    { name: `${classes[c]}, together`, value: combined[c], format: threeDecimals },
  ]);
  return [...values, views];
}

/**
 * The line that does the same in fastai.
 * @param {boolean[]} enabled
 * @param {Reduce} reduce
 */
function fastaiCall(enabled, reduce) {
  const [hasPlain, ...windows] = enabled;
  const n = windows.filter(Boolean).length;
  if (!n) return "learn.get_preds()";
  const suffix = hasPlain ? "" : "  # with the plain view";
  if (reduce === "max") return `learn.tta(n=${n}, use_max=True)${suffix}`;
  const [beta] = viewWeights(enabled, reduce);
  return `learn.tta(n=${n}, beta=${pythonFloat(beta)})`;
}

/**
 * @param {State} state
 * @param {Data} data
 */
export function codeValues({ photo, views, object, enabled, reduce }, { names, template }) {
  const used = views.flatMap((box, i) => {
    const name = i ? `window ${i}` : "plain view";
    return enabled[i] ? [`    (${box.join(", ")}),  # ${name}`] : [];
  });
  const isMean = reduce === "lerp" && !enabled[0];
  return {
    template,
    values: {
      photo: String(photo),
      name: pythonString(names[photo]),
      boxes: used.join("\n"),
      object: object ? `(${object.join(", ")})` : "",
      reduce: isMean ? "mean" : reduce,
      fastai: fastaiCall(enabled, reduce),
    },
  };
}
