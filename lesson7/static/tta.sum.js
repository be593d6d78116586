// The views as terms of a sum, and what the model predicts for each.

import { barChart } from "./bars.js";
import { imageCanvas } from "./canvas.js";
import { cropResized } from "./crop.js";
import { figure, html, note, setAttributes, setText } from "./dom.js";
import { capitalize, quoted } from "./format.js";
import { liveLine } from "./live.js";
import {
  describePlain,
  describeTogether,
  formatShare,
  ranking,
  sumSigns,
  viewWeights,
} from "./tta.math.js";
import { COMBINED, OBJECT_CLASSES, threeDecimals, VIEW_COLOURS } from "./tta.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data, State } from "./tta.state.js" */

const MOST_BARS = 5;
export const MOST_NAMED_VIEWS = 5; // of more of them, only the numbers are written

/**
 * A term of the sum: the sign before it, the view, its switch, its value and its weight.
 * @param {Frame} frame
 * @param {Data} data
 * @param {number} index
 */
function viewTerm(frame, data, index) {
  const { photos, side, isLearned, windows } = data;
  const name = index ? `window ${index}` : "plain view";
  const sign = html("span", { class: "l7-tta-sign", "aria-hidden": "true" });
  const canvas = imageCanvas({ sharp: true });
  const box = html("input", { type: "checkbox" });
  const word = html("span", { class: "l7-tta-word" }, index ? "window " : "plain view ");
  const chip = html("span", { class: "l7-chip" }, String(index));
  const label = html("label", {}, box, word, chip);
  const value = html("strong");
  const weight = html("span");
  const bestName = html("span", { dir: "auto" });
  const bestValue = html("span");
  const best = html("span", {}, bestName, bestValue);
  const parts = [label, value, weight, ...(isLearned ? [best] : [])];
  const node = html("div", { class: "l7-tta-term" }, canvas.node, ...parts);
  setAttributes(node, { "data-source": `view${index}`, style: `--view: ${VIEW_COLOURS[index]}` });
  setAttributes(canvas.node, { title: "Click: select · double click: switch off or on" });
  box.addEventListener("change", () => switchView(frame, index));
  canvas.node.addEventListener("dblclick", () => switchView(frame, index));
  canvas.node.addEventListener("click", () => {
    if (index) frame.set("moving", index - 1);
  });
  let shown = ""; // photo and box

  /**
   * @param {State} state
   * @param {string} before
   */
  function draw(state, before) {
    const { photo, views, enabled, moving } = state;
    const key = `${photo} ${views[index]}`;
    if (shown !== key) canvas.show(cropResized(photos[photo], views[index], side));
    shown = key;
    box.checked = enabled[index];
    box.toggleAttribute("checked", enabled[index]); // a saved picture keeps attributes
    node.classList.toggle("l7-off", !enabled[index]);
    node.classList.toggle("l7-moving", moving < windows && index === moving + 1);
    setText(sign, before);
    drawTexts(state);
  }

  /** @param {State} state */
  function drawTexts(state) {
    const { values, predictions, classes } = state;
    const [first] = ranking(predictions[index]);
    const text = formatShare(values[index]);
    const ownText = formatShare(predictions[index][first]);
    const own = `${classes[first]} ${ownText}`;
    setText(value, text);
    setAttributes(value, { "data-value": values[index] });
    setText(bestName, classes[first]);
    setText(bestValue, ownText);
    setAttributes(best, { "data-value": predictions[index][first], title: own });
    setText(weight, describeViewWeight(state, index));
    setAttributes(weight, { "data-value": viewWeights(state.enabled, state.reduce)[index] });
    setAttributes(canvas.node, { "aria-label": `${name}: ${isLearned ? own : `shows ${text}`}` });
  }
  return { sign, node, canvas: canvas.node, secrets: [value, weight, best], draw };
}

/** @param {number} weight of a view: 0.1875 where there are five with fastai's weights */
export const formatWeight = (weight) => String(Number(weight.toFixed(4)));

/**
 * @param {State} state
 * @param {number} index
 */
function describeViewWeight({ enabled, reduce, values, combined, top }, index) {
  if (!enabled[index]) return "off";
  if (reduce === "max") return values[index] === combined[top] ? "highest" : "lower";
  return `× ${formatWeight(viewWeights(enabled, reduce)[index])}`;
}

/**
 * @param {Frame} frame
 * @param {number} index
 */
function switchView(frame, index) {
  /** @type {boolean[]} */
  const enabled = frame.model.get("on");
  const next = enabled.with(index, !enabled[index]);
  frame.set("on", next.some(Boolean) ? next : [...enabled]); // one view stays
}

/**
 * The sum of the views, as the formula has it.
 * @param {Frame} frame
 * @param {Data} data
 */
export function viewSum(frame, data) {
  const terms = Array.from({ length: data.windows + 1 }, (_, i) => viewTerm(frame, data, i));
  const answer = html("p", { class: "l7-tta-answer" });
  const drawAnswer = liveLine(frame, answer);
  const groups = terms.map(({ sign, node }) => html("div", {}, sign, node));
  const isLong = terms.length > MOST_NAMED_VIEWS;
  const kind = isLong ? "l7-views l7-tta-many" : "l7-views";
  const attributes = { class: kind, style: `--views: ${terms.length}` };
  const sum = html("div", attributes, ...groups, answer);
  const caption = html("figcaption");
  const node = figure(caption, sum);

  /** @param {State} state */
  function draw(state) {
    const { enabled, reduce, combined, top, count, classes } = state;
    const { before, divisor } = sumSigns(enabled, reduce);
    terms.forEach((term, i) => {
      term.draw(state, before[i]);
    });
    const isMean = divisor === count;
    const windows = { name: "windows", value: divisor, text: String(divisor) };
    const below = isMean ? viewCount(count) : windows;
    const result = combined[top];
    const total = { name: "answer", value: result, text: threeDecimals(result) };
    drawAnswer(reduce === "max" ? [") = ", total] : [") / ", below, " = ", total]);
    const what = `What each view predicts for ${quoted(classes[top])}`;
    setText(caption, data.isLearned ? what : "What each view shows of the object");
  }
  const answerElements = [...terms.flatMap(({ secrets }) => secrets), answer];
  return { node, answerElements, canvases: terms.map(({ canvas }) => canvas), draw };
}

/**
 * The number of views as a number of the text, which the reader can change.
 * @param {number} count
 */
export function viewCount(count) {
  return { name: "views", value: count, text: String(count), scrub: "views" };
}

/**
 * The prediction of the plain view beside that of all views together.
 * @param {Data} data
 */
export function comparison({ isLearned, vocab, gridOf }) {
  const names = gridOf(0)?.classes ?? vocab;
  const shown = isLearned ? Math.min(MOST_BARS, names.length) : OBJECT_CLASSES.length;
  const alone = barChart(shown, formatShare);
  const together = barChart(shown, threeDecimals);
  alone.node.classList.add("l7-other");
  const caption = html("figcaption");
  const aloneFigure = figure("Plain view alone", alone.node);
  const togetherFigure = figure(caption, together.node);
  const node = html("div", { class: "l7-tta-bars" }, aloneFigure, togetherFigure);
  const sentence = note({ spoken: true });
  /** @type {string[]} */
  let drawn = [];

  /** @param {State} state */
  function draw({ predictions, combined, reduce, classes, threshold, count, object }) {
    const [plain] = predictions;
    const rows = object ? [0, 1] : ranking(combined).slice(0, shown);
    drawn = rows.map((c) => classes[c]);
    alone.draw(rows.map((c) => [classes[c], plain[c]]));
    together.draw(rows.map((c) => [classes[c], combined[c]]));
    setText(caption, capitalize(`${COMBINED[reduce]} of ${countViews(count)}`));
    setText(sentence, describeTogether(combined, { classes, reduce, threshold }));
  }

  /** @param {State | null} pin */
  function drawPin(pin) {
    const pinned = (/** @type {number[]} */ values) =>
      drawn.map((name) => values[pin?.classes.indexOf(name) ?? -1] ?? 0);
    alone.drawPin(pin && pinned(pin.predictions[0]));
    together.drawPin(pin && pinned(pin.combined));
  }
  const answerElements = [aloneFigure, togetherFigure, sentence];
  return { node, sentence, answerElements, draw, drawPin };
}

/** @param {number} count */
function countViews(count) {
  return count === 1 ? "1 view" : `${count} views`;
}

/** @param {Data} data */
export function stageNotes({ isLearned, inputSide }) {
  const object =
    "No model here: a view's value is the share of the dashed yellow box, “the object”, " +
    "that it shows.";
  const size = `The model sees each view ${inputSide} pixels wide.`;
  const plain = note();
  const node = html("div", {}, plain, note({ text: isLearned ? size : object }));

  /** @param {State} state */
  function draw(state) {
    setText(plain, describePlain(state.width, state.height, state.plain));
  }
  return { node, draw };
}
