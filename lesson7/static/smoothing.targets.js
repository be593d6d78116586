// The targets as bars, and the controls that change them.

import { barChart } from "./bars.js";
import { createNumberBinding } from "./bindings.js";
import { button, numberField, select, slider } from "./controls.js";
import { figure, html, setAttributes, setText } from "./dom.js";
import { addHandle } from "./handle.js";
import {
  confidence,
  epsOfTarget,
  formatLogit,
  formatProbability,
  formatShare,
  LOGIT_RANGE,
  logit,
  MOST_CLASSES,
  otherTarget,
  shownClasses,
  targetAt,
} from "./smoothing.math.js";
import {
  currentState,
  KIND_COLOURS,
  KINDS,
  setClassCount,
  setLessonExample,
  two,
} from "./smoothing.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Kind } from "./smoothing.math.js" */
/** @import { State } from "./smoothing.state.js" */

const BAR_ROWS = 10; // at most

/**
 * The sliders of the confidence and of the logit; the one of the present axis is shown.
 * @param {Frame} frame
 */
export function addConfidenceControls(frame) {
  const { model } = frame;
  const range = { min: 0.001, max: 0.999, step: 0.001 };
  const p = slider(frame, "Confidence p", { trait: "p", ...range, format: formatProbability });
  // A link has any confidence: by the logit, it can be closer to 0 and 1 than the slider's ends.
  /** @param {number} value */
  const set = (value) => {
    if (value > 0 && value < 1) frame.set("p", value);
  };
  const nearP = frame.numberBinding("p").setNear;
  frame.addBinding({ ...frame.numberBinding("p"), min: 0, max: () => 1, set, setNear: nearP });

  const logits = {
    min: LOGIT_RANGE.low,
    max: LOGIT_RANGE.high,
    step: 0.1,
    get: () => logit(model.get("p"), model.get("n")),
    set: (/** @type {number} */ value) => frame.set("p", confidence(value, model.get("n"))[0]),
    format: formatLogit,
  };
  const label = "Logit of the true class";
  const z = slider(frame, label, { traits: ["p", "n"], ...logits });
  frame.addBinding(createNumberBinding({ name: "logit", label, isLinked: false, ...logits }));

  /** @param {State} state */
  function draw({ byLogit }) {
    p.node.hidden = byLogit;
    z.node.hidden = !byLogit;
  }
  return { draw };
}

/**
 * The target of the true class as a number of its own: it changes eps, or the mixed weight.
 * @param {Frame} frame
 */
export function addTargetBinding(frame) {
  /** @param {number} q */
  function set(q) {
    const { show, n } = currentState(frame);
    if (show === "mixed") frame.numberBinding("t").setNear(q);
    if (show === "smoothed") frame.numberBinding("eps").setNear(epsOfTarget(q, n));
  }
  const binding = createNumberBinding({
    name: "target",
    label: "Target of the true class",
    isLinked: false,
    min: 0,
    max: 1,
    step: 0.01,
    set,
    get: () => currentState(frame).q,
    format: (value) => formatShare(value, frame.model.get("n")),
  });
  frame.addBinding({ ...binding, setNear: set });
}

/**
 * The controls of the targets. Of eps and the mixed target's weight, the one that the shown target
 * has is among the first controls.
 * @param {Frame} frame
 */
export function addTargetControls(frame) {
  const { model, more: parent } = frame;
  const eps = slider(frame, "eps", { trait: "eps", min: 0, max: 0.99, step: 0.01, format: two });
  /** @type {[Kind, string][]} */
  const kinds = KINDS.map((kind) => [kind, kind]);
  const target = select(frame, "Target", kinds, { trait: "show" });
  numberField(frame, "Classes, N", {
    trait: "n",
    min: 2,
    max: MOST_CLASSES,
    step: 1,
    parent,
    set: (n) => setClassCount(frame, n),
  });
  slider(frame, "True class", {
    trait: "label",
    traits: ["label", "n"],
    min: 0,
    parent,
    max: () => model.get("n") - 1,
    get: () => currentState(frame).label,
  });
  const weights = { trait: "t", min: 0, max: 1, step: 0.01, format: two, parent };
  const weight = slider(frame, "Mixed: weight λ", weights);
  parent.prepend(weight.node);
  /** @type {[string, string][]} */
  const axes = [
    ["p", "the confidence p"],
    ["logit", "the logit"],
  ];
  select(frame, "Loss against", axes, { trait: "against", parent });
  button(parent, "The lesson's example", () => setLessonExample(frame));

  /** @param {State} state */
  function draw({ show }) {
    const [first, rare] = show === "mixed" ? [weight, eps] : [eps, weight];
    if (rare.node.parentElement === parent) return;
    parent.prepend(rare.node);
    target.node.before(first.node);
  }
  return { draw };
}

/**
 * A row of the target: its bar, with a line at the predicted probability. The true class's bar can
 * be dragged; a click on another makes that class the true one.
 * @param {Frame} frame
 * @param {ReturnType<typeof barChart>["rows"][0]} row
 */
function targetRow(frame, { track, cells }) {
  const tick = html("b", { class: "l7-prediction" });
  track.append(tick);
  let index = -1; // of the class; -1: each of the others
  addHandle(frame, track, {
    trait: "eps",
    axis: "x",
    area: track,
    start() {
      if (!track.dataset.handle) return undefined;
      return ({ x }) => frame.numberBinding("target").setNear(x);
    },
  });
  for (const cell of cells) {
    cell.addEventListener("click", () => {
      if (index >= 0) frame.set("label", index);
    });
  }

  /**
   * @param {State} state
   * @param {number} i the class
   */
  function drawHandle({ label, show }, i) {
    index = i;
    const isTrue = i === label;
    for (const cell of cells) {
      cell.classList.toggle("l7-true", isTrue);
      cell.classList.toggle("l7-choice", i >= 0 && !isTrue);
    }
    setAttributes(track, { "data-source": isTrue ? "true" : "other" });
    if (isTrue && show !== "hard") {
      const trait = show === "mixed" ? "t" : "eps";
      setAttributes(track, { "data-handle": trait, "data-axis": "x" });
    } else {
      track.removeAttribute("data-handle");
      track.removeAttribute("data-axis");
    }
  }

  /** @param {State} state */
  function drawPrediction({ label, p, n }) {
    const isTrue = index === label;
    setAttributes(tick, { "data-source": isTrue ? "p" : "rest" });
    tick.style.left = `${100 * (isTrue ? p : (1 - p) / (n - 1))}%`;
  }
  return { drawHandle, drawPrediction };
}

/**
 * @param {State} state
 * @param {number[]} classes that have a row of their own
 * @returns {number[]} the target of each, and of each of the others
 */
function barValues(state, classes) {
  const { n, show } = state;
  const values = classes.map((i) => (i < n ? targetAt(show, state, i) : 0));
  return classes.length < n ? [...values, otherTarget(show, state)] : values;
}

/**
 * The target as bars, with a line at the predicted probability of each class.
 * @param {Frame} frame
 * @param {(index: number) => string} className
 */
export function targetBars(frame, className) {
  const move = html("span");
  const mark = html("span", { class: "l7-prediction" });
  const caption = html("figcaption", {}, "Target (", mark, " prediction): ", move);
  let classCount = 0;
  const chart = barChart(BAR_ROWS, (value) => formatShare(value, classCount));
  const rows = chart.rows.map((row) => targetRow(frame, row));
  /** @type {number[]} */
  let shown = [];

  /** @param {State} state */
  function draw(state) {
    const { n, show } = state;
    classCount = n;
    shown = shownClasses(state, BAR_ROWS);
    const rest = n - shown.length;
    const names = shown.map(className);
    if (rest) names.push(`each of the other ${rest}`);
    const values = barValues(state, shown);
    chart.draw(names.map((name, i) => [name, values[i]]));
    chart.rows.forEach(({ cells }, i) => {
      for (const cell of cells) cell.hidden = i >= names.length;
      rows[i].drawHandle(state, shown[i] ?? -1);
      rows[i].drawPrediction(state);
    });
    // The bars have the colour of "smoothed", --l7-accent, unless it is overridden.
    chart.node.style.setProperty("--l7-accent", show === "smoothed" ? "" : KIND_COLOURS[show]);
    setText(move, show === "hard" ? "click a bar" : "drag or click a bar");
  }

  /** @param {State | null} state */
  function drawPin(state) {
    chart.drawPin(state && barValues(state, shown));
  }
  return { node: figure(caption, chart.node), chart: chart.node, draw, drawPin };
}

/** Returns a function that draws if the key is not that of its last drawing. */
export function redrawOnChange() {
  let drawnKey = "";
  /**
   * @param {string} key the settings that the drawing depends on
   * @param {() => void} draw
   */
  return (key, draw) => {
    if (key !== drawnKey) draw();
    drawnKey = key;
  };
}
