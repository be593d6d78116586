// Shows a label as a hard, smoothed and mixed target, and the loss of each against the model's
// confidence.

import { barChart } from "./bars.js";
import { createNumberBinding } from "./bindings.js";
import { pythonFloat } from "./code.js";
import { button, numberField, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { fixed, quoted, significant, withMinus } from "./format.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { addHandle, grip } from "./handle.js";
import { constant, fraction, identifier, mathRow, mathText, operator, subscript } from "./live.js";
import { showWithNetwork } from "./network.js";
import { withPhoto } from "./photo.js";
import { drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import { randomChoice, randomInt } from "./random.js";
import {
  confidence,
  crossEntropy,
  describePush,
  epsOfTarget,
  formatBestP,
  formatLogit,
  formatProbability,
  formatPush,
  formatShare,
  LOGIT_RANGE,
  logit,
  logitGradient,
  lossCurve,
  lossTerms,
  lowestPoint,
  MOST_CLASSES,
  otherTarget,
  pushDirection,
  shownClasses,
  targetAt,
  trueClassTargets,
} from "./smoothing.math.js";
import { ownPicture, picturePanel, readPictures } from "./smoothing.pictures.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Get } from "./explorer.js" */
/** @import { Question } from "./guess.js" */
/** @import { View } from "./frame.js" */
/** @import { Formula, LiveNode, Quantity } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Kind } from "./smoothing.math.js" */
/** @import { PageNetwork } from "./network.js" */

/** @type {Kind[]} */
const KINDS = ["hard", "smoothed", "mixed"];
const KIND_DASHES = { hard: "2 4", smoothed: "none", mixed: "9 5" };
const KIND_COLOURS = {
  hard: "var(--l7-red)",
  smoothed: "var(--l7-accent)",
  mixed: "var(--l7-green)",
};
const DIAMOND = "M0-7L6 0L0 7L-6 0Z";
const ARROW = "M0-7L11 0L0 7Z";
const TRAITS = ["n", "eps", "label", "t", "p", "show", "against", "picture"];
const BAR_ROWS = 10; // at most
const GUESS_EPS = [0.1, 0.2, 0.3, 0.4];
const GUESS_WEIGHTS = [0.1, 0.2, 0.25, 0.3, 0.4, 0.6, 0.7, 0.75, 0.8, 0.9];
const GUESS_CONFIDENCES = [0.05, 0.1, 0.2, 0.5, 0.8, 0.9];
const LOSS_TOLERANCE = 0.1;
const MIXED_TOLERANCE = 0.005;
const WIDTH = 560;
const HEIGHT = 250;
const TICKS = 5; // intervals on the axis
const GRID_LINES = 4;
const LEGEND_X = [0.14, 0.6]; // of its columns, in the plot's width
const LEGEND_LINE = 20; // px
const MEDIUM_GRID_ABOVE = 4; // largest loss shown; then with lines at 0, 2, 4 and 6
const COARSE_GRID_ABOVE = 8; // then with lines at 0, 3, 6 and 9
const LEAST_TOP = 2.5; // of the loss axis
const TOP_PER_UNIFORM_LOSS = 1.6; // top of the loss axis over a uniform prediction's loss

/** @param {number} value */
const two = (value) => value.toFixed(2);
/** @param {number} value a loss */
const three = (value) => fixed(value, 3);

/**
 * A column of the table.
 * @typedef {object} Column
 * @property {string} title
 * @property {(value: number, n: number) => string} format
 * @property {(q: number, p: number, n: number) => number} value of a target with q for the true
 *   class and a prediction with p for it, for n classes
 */

/** @type {Column[]} */
const COLUMNS = [
  { title: "true class", format: formatShare, value: (q) => q },
  { title: "loss", format: three, value: crossEntropy },
  { title: "push", format: formatPush, value: logitGradient },
  // Cross-entropy is lowest where the confidence equals the target.
  { title: "best p", format: formatBestP, value: (q) => q },
  { title: "its logit", format: formatLogit, value: (q, _p, n) => logit(q, n) },
];

/** @param {Get} get */
function readState(get) {
  const [n, eps, t, p] = ["n", "eps", "t", "p"].map((trait) => +get(trait));
  const label = Math.min(get("label"), n - 1);
  const targets = trueClassTargets({ n, eps, t });
  /** @type {Kind} */
  const show = get("show");
  const byLogit = get("against") === "logit";
  const other = (label + 1) % n; // the class that is mixed in
  /** @type {number} */
  const picture = get("picture");
  return { n, eps, t, p, label, other, targets, show, byLogit, q: targets[show], picture };
}

/** @typedef {ReturnType<typeof readState>} State */

/** @param {Frame} frame */
function currentState({ model }) {
  return readState((trait) => model.get(trait));
}

/**
 * @param {Frame} frame
 * @param {number} n classes
 */
function setClassCount(frame, n) {
  // Lower the label first: it must stay below n.
  if (frame.model.get("label") >= n) frame.set("label", n - 1);
  frame.set("n", n);
}

/** @param {Frame} frame */
function setLessonExample(frame) {
  setClassCount(frame, 10);
  frame.setAll({ label: 3, eps: 0.1, show: "smoothed" });
}

/**
 * The sliders of the confidence and of the logit; the one of the present axis is shown.
 * @param {Frame} frame
 */
function addConfidenceControls(frame) {
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
function addTargetBinding(frame) {
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
function addTargetControls(frame) {
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
function targetBars(frame, className) {
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
function redrawOnChange() {
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

/**
 * Returns whether a position is below the plot's top edge, with a tolerance of one unit.
 * @param {number} y
 */
const isInsidePlot = (y) => y >= -1;

/**
 * The distance between grid lines, such that all of them cover the axis.
 * @param {number} top the largest loss shown
 */
function gridStep(top) {
  if (top > COARSE_GRID_ABOVE) return 3;
  return top > MEDIUM_GRID_ABOVE ? 2 : 1;
}

/**
 * The plot's scales.
 * @param {number} n
 * @param {boolean} byLogit
 */
function plotAxes(n, byLogit) {
  const { low, high } = byLogit ? LOGIT_RANGE : { low: 0, high: 1 };
  const uniformLoss = Math.log(n);
  const top = Math.max(LEAST_TOP, TOP_PER_UNIFORM_LOSS * uniformLoss);
  /** @param {number} value */
  const x = (value) => Math.min(WIDTH, Math.max(0, ((value - low) / (high - low)) * WIDTH));
  /** @param {number} loss */
  const y = (loss) => HEIGHT - (loss / top) * HEIGHT;
  return { n, byLogit, low, high, top, x, y };
}

/** @typedef {ReturnType<typeof plotAxes>} Axes */

/** Horizontal lines with the loss, and numbers below the axis. */
function plotGrid() {
  const lines = Array.from({ length: GRID_LINES }, () => {
    const line = svg("line", { x1: 0, x2: WIDTH, stroke: "var(--l7-line)" });
    const place = { dx: "-0.5em", dy: "0.35em", "text-anchor": "end" };
    return { line, label: svg("text", place) };
  });
  const ticks = Array.from({ length: TICKS + 1 }, () => {
    return svg("text", { y: HEIGHT, dy: "1.3em", "text-anchor": "middle" });
  });
  const nodes = [...lines.flatMap(({ line, label }) => [line, label]), ...ticks];

  /** @param {Axes} axes */
  function draw({ x, y, low, high, top }) {
    const step = gridStep(top);
    lines.forEach(({ line, label }, i) => {
      const position = y(i * step);
      setAttributes(line, { y1: position, y2: position });
      setAttributes(label, { y: position });
      setText(label, i * step);
      setVisible(line, isInsidePlot(position));
      setVisible(label, isInsidePlot(position));
    });
    ticks.forEach((tick, i) => {
      const value = low + (i / TICKS) * (high - low);
      setAttributes(tick, { x: x(value) });
      setText(tick, withMinus(Number(value.toFixed(1))));
    });
  }
  return { nodes, draw };
}

/**
 * @param {number} q target probability of the true class
 * @param {Axes} axes
 */
function curvePath(q, { n, byLogit, top, x, y }) {
  const points = lossCurve(q, n, byLogit);
  const steps = points.map(([value, loss], i) => {
    if (loss > top) return "";
    const isFirst = i === 0 || points[i - 1][1] > top;
    return `${isFirst ? "M" : "L"}${x(value).toFixed(1)} ${y(loss).toFixed(1)}`;
  });
  return steps.join("");
}

/**
 * @param {{ p: number, logit: number, loss: number }} minimum
 * @param {Axes} axes
 * @returns {[x: number, y: number] | null} null: it is beyond the axis
 */
function minimumPosition(minimum, { byLogit, low, high, x, y }) {
  const value = byLogit ? minimum.logit : minimum.p;
  return value >= low && value <= high ? [x(value), y(minimum.loss)] : null;
}

/**
 * The loss at the right end of the axis.
 * @param {number} q target probability of the true class
 * @param {Axes} axes
 */
function lossAtAxisEnd(q, { n, byLogit, high }) {
  const [p, rest] = byLogit ? confidence(high, n) : [1, 0];
  return crossEntropy(q, p, n, rest);
}

/** @param {Kind} kind */
function lineStyle(kind) {
  const stroke = { stroke: KIND_COLOURS[kind], "stroke-dasharray": KIND_DASHES[kind] };
  return { fill: "none", "stroke-width": 3, ...stroke };
}

/**
 * @param {SVGElement} mark of the same size at any width
 * @param {[x: number, y: number] | null} point null hides the mark; so does a point above the plot
 */
function placeMark(mark, point) {
  setVisible(mark, point !== null && isInsidePlot(point[1]));
  if (!point) return;
  const [x, y] = point.map((value) => `${value.toFixed(2)}px`);
  mark.style.transform = `translate(${x}, ${y}) scale(var(--unit, 1))`;
}

/**
 * The curve of one kind of target, with a dot at the model's confidence, and a diamond at the
 * minimum, or an arrow if there is none.
 * @param {Kind} kind
 */
function lossPlot(kind) {
  const colour = KIND_COLOURS[kind];
  const curve = svg("path", { class: "l7-curve", ...lineStyle(kind) });
  const dot = svg("circle", { r: 5.5, fill: colour });
  const outline = { fill: "var(--l7-bg)", stroke: colour, "stroke-width": 2.5 };
  const diamond = svg("path", { d: DIAMOND, ...outline });
  const arrow = svg("path", { d: ARROW, fill: colour });
  const redrawCurve = redrawOnChange();

  /**
   * @param {State} state
   * @param {Axes} axes
   */
  function draw({ n, p, targets, show, byLogit }, axes) {
    const { x, y } = axes;
    const q = targets[kind];
    const value = byLogit ? logit(p, n) : p;
    const isShown = kind === show;
    redrawCurve(`${q} ${n} ${byLogit}`, () => setAttributes(curve, { d: curvePath(q, axes) }));
    curve.classList.toggle("l7-shown", isShown);
    placeMark(dot, [x(value), y(crossEntropy(q, p, n))]);
    setAttributes(dot, { "data-source": isShown ? "loss" : "" });

    const minimum = lowestPoint(q, n);
    placeMark(diamond, minimum && minimumPosition(minimum, axes));
    setAttributes(diamond, { "data-source": isShown ? "best" : "" });
    // Without a minimum, the curve still falls at its end.
    placeMark(arrow, minimum ? null : [WIDTH, y(lossAtAxisEnd(q, axes))]);
  }
  return { curve, dot, diamond, arrow, draw };
}

/**
 * A column of the legend.
 * @param {number} column
 * @param {number} indent of the names
 * @param {[name: SVGTextElement, sample: SVGPathElement][]} rows
 */
function legendColumn(column, indent, rows) {
  rows.forEach(([name, sample], i) => {
    setAttributes(name, { x: indent, dy: "0.35em" });
    for (const node of [name, sample]) {
      node.style.transform = `translate(0, ${i * LEGEND_LINE}px)`;
    }
  });
  const node = svg("g", { class: "l7-legend" }, ...rows.flat());
  node.style.transform = `translate(${LEGEND_X[column] * WIDTH}px, 0px) scale(var(--unit, 1))`;
  return node;
}

/** Which line is which kind of target, and what the marks are. */
function plotLegend() {
  const names = KINDS.map((kind) => svg("text", {}, kind));
  const lines = KINDS.map((kind) => svg("path", { d: "M0 0h28", ...lineStyle(kind) }));
  const diamond = svg("path", { d: DIAMOND, fill: "none", stroke: "currentColor" });
  const arrow = svg("path", { d: ARROW, fill: "currentColor" });
  const kinds = legendColumn(
    0,
    36,
    names.map((name, i) => [name, lines[i]]),
  );
  const marks = legendColumn(1, 16, [
    [svg("text", {}, "minimum"), diamond],
    [svg("text", {}, "no minimum"), arrow],
  ]);

  /** @param {Kind} show */
  function draw(show) {
    names.forEach((name, i) => {
      name.classList.toggle("l7-shown", KINDS[i] === show);
    });
  }
  return { nodes: [kinds, marks], draw };
}

/**
 * The line at the model's confidence, which can be dragged, with the curves' dots on it.
 * @param {SVGElement[]} dots
 */
function confidenceHandle(dots) {
  const target = svg("line", { class: "l7-line-target", y1: 0, y2: HEIGHT });
  const line = markLine(0, HEIGHT);
  const knob = grip();
  for (const part of [target, line, knob.node]) setAttributes(part, { "data-source": "p" });
  const node = svg("g", {}, target, line, ...dots, knob.node);

  /** @param {number} x */
  function move(x) {
    moveLine(target, x);
    moveLine(line, x);
    knob.move(x, 0);
  }
  return { node, move };
}

/** The shown curve and the confidence of a pin. */
function pinMarks() {
  const curve = svg("path", { class: "l7-ghost" });
  const line = pinLine(0, HEIGHT);
  const redrawCurve = redrawOnChange();

  /**
   * @param {State | null} state null: no pin
   * @param {Axes} axes of the present state
   */
  function draw(state, axes) {
    setVisible(curve, state !== null);
    movePin(line, state && axes.x(axes.byLogit ? logit(state.p, state.n) : state.p));
    if (!state) return;
    const { q, n } = state;
    redrawCurve(`${q} ${n} ${axes.n} ${axes.byLogit}`, () => {
      setAttributes(curve, { d: curvePath(q, { ...axes, n }) });
    });
  }
  return { nodes: [curve, line], draw };
}

/**
 * The loss of each kind of target against the model's confidence.
 * @param {Frame} frame
 */
function lossFigure(frame) {
  const grid = plotGrid();
  const plots = KINDS.map(lossPlot);
  const curves = plots.map(({ curve }) => curve);
  const diamonds = plots.map(({ diamond }) => diamond);
  const arrows = plots.map(({ arrow }) => arrow);
  const handle = confidenceHandle(plots.map(({ dot }) => dot));
  const legend = plotLegend();
  const pin = pinMarks();
  const marks = [...pin.nodes, ...curves, ...legend.nodes, ...diamonds, ...arrows, handle.node];
  const chart = drawing({ width: WIDTH, height: HEIGHT }, ...grid.nodes, ...marks);
  const caption = html("figcaption");
  const axis = html("p", { class: "l7-axis" });
  const redrawGrid = redrawOnChange();
  let axes = plotAxes(2, false);
  addHandle(frame, handle.node, {
    trait: "p",
    axis: "x",
    area: chart,
    start: () => (position) => setConfidence(frame, axes, position.x),
  });

  /** @param {State} state */
  function draw(state) {
    const { n, p, byLogit } = state;
    axes = plotAxes(n, byLogit);
    redrawGrid(`${n} ${byLogit}`, () => grid.draw(axes));
    for (const plot of plots) plot.draw(state, axes);
    legend.draw(state.show);
    handle.move(axes.x(byLogit ? logit(p, n) : p));
    setText(caption, `Loss against the ${byLogit ? "logit" : "confidence"}: drag the line`);
    const ofLogit = "logit of the true class, all others 0";
    const ofConfidence = "confidence p, the rest is spread evenly";
    setText(axis, byLogit ? ofLogit : ofConfidence);
    setAttributes(chart, { "aria-label": describeLosses(state) });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    pin.draw(state, axes);
  }
  return { node: figure(caption, chart, axis), draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Axes} axes
 * @param {number} x in the plot
 */
function setConfidence(frame, { byLogit, low, high }, x) {
  const value = low + (x / WIDTH) * (high - low);
  frame.numberBinding(byLogit ? "logit" : "p").setNear(value);
}

/**
 * The plot as text, for screen readers.
 * @param {State} state
 */
function describeLosses({ n, p, targets, byLogit }) {
  const losses = KINDS.map((kind) => {
    const q = targets[kind];
    const loss = three(crossEntropy(q, p, n));
    const minimum = q === 1 ? "no minimum" : `minimum at p = ${formatBestP(q, n)}`;
    return `${kind} ${loss}, ${minimum}`;
  });
  const axis = `Cross-entropy against ${byLogit ? "the logit" : "the confidence"}, ${n} classes`;
  return `${axis}. At confidence ${formatProbability(p)}: ${losses.join("; ")}.`;
}

/**
 * A sample of a kind's line, as in a legend.
 * @param {Kind} kind
 */
function lineSample(kind) {
  const sample = svg("path", { d: "M0 5h28", ...lineStyle(kind) });
  return svg("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, sample);
}

/** The numbers of each kind of target. */
function numbers() {
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
function pushNote() {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw(state) {
    setText(node, describePush(state, state.targets.smoothed));
  }
  return { node, draw };
}

/**
 * Asks for the targets, for the confidence where the loss is lowest, and for a loss. The values of
 * n and eps give targets of at most three decimals.
 * @param {Frame} frame
 * @param {(index: number) => string} className
 */
function createTasks(frame, className) {
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
function headline(state) {
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
function trueClassFormula() {
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
function otherClassFormula() {
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
function sumFormula() {
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
function lossFormula() {
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

function surpriseFormulas() {
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
function results({ n, p, q, targets }) {
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
function codeValues({ n, label, other, eps, t, p, show, byLogit }) {
  const texts = { n: String(n), label: String(label), other: String(other) };
  const numbers = { eps: pythonFloat(eps), t: pythonFloat(t), p: pythonFloat(p) };
  const values = { ...texts, ...numbers, logit: pythonFloat(Number(logit(p, n).toFixed(10))) };
  return { template: `${show} by ${byLogit ? "logit" : "p"}`, values };
}

/**
 * @param {View} view
 * @param {PageNetwork[]} networks
 */
async function build({ model, el }, networks) {
  const pictures = await readPictures(model);
  const frame = new Frame({ model, el }, "Label smoothing");
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @param {number} index */
  const className = (index) => vocab[index] ?? `class ${index}`;
  const confidenceControls = addConfidenceControls(frame);
  const targetControls = addTargetControls(frame);
  addTargetBinding(frame);

  const bars = targetBars(frame, className);
  const sentence = pushNote();
  const losses = lossFigure(frame);
  const table = numbers();
  const panel = pictures && picturePanel(frame, pictures, networks);
  const picture = html(
    "div",
    { class: "l7-smoothing", "data-picture": "" },
    bars.node,
    losses.node,
  );
  frame.body.append(picture);
  const ofTarget = html("div");
  const ofLoss = html("div");
  const below = html(
    "div",
    { class: "l7-smoothing l7-smoothing-below l7-smoothing-formulas" },
    ofTarget,
    ofLoss,
  );
  const low = html("div", { class: "l7-smoothing l7-smoothing-below" }, sentence.node, table.node);
  frame.body.after(low);

  const ofTheTarget = [trueClassFormula(), otherClassFormula(), sumFormula()];
  const ofTheLoss = [lossFormula(), ...surpriseFormulas()];
  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["eps", "t", "p"],
    readState,
    headline,
    results,
    formulas: [...ofTheTarget, ...ofTheLoss],
    code: codeValues,
    parts: [
      ...[confidenceControls, targetControls, bars, sentence, losses, table],
      ...(panel ? [panel] : []),
    ],
    guess: {
      createTask: createTasks(frame, className),
      answerElements: [bars.chart, sentence.node, losses.node, ...table.answerElements],
    },
  });
  // The formulas of the target below its bars, those of the loss below its plot.
  const formulas = [...frame.root.querySelectorAll(".l7-formula")];
  ofTarget.append(...formulas.slice(0, ofTheTarget.length));
  ofLoss.append(...formulas.slice(ofTheTarget.length));
  frame.body.after(below);
  if (panel) low.after(panel.node);
  panel?.setRedraw(redraw);
  return frame;
}

/** @param {View} view */
function renderWithNetworks(view) {
  return showWithNetwork(view, (_, networks) => build(view, networks));
}

const renderWithPhoto = withPhoto(renderWithNetworks, {
  traits: TRAITS,
  predictions: ["predictions"],
  own: ownPicture,
});

/** @param {View} view */
function render(view) {
  const hasPictures = view.model.get("learners").length > 0;
  return hasPictures ? renderWithPhoto(view) : renderWithNetworks(view);
}

export default { render };
