// Shows a label as a hard, smoothed and mixed target, and the loss of each against the model's
// confidence.

import { barChart } from "./bars.js";
import { button, numberField, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { fixed, quoted, significant } from "./format.js";
import { Frame } from "./frame.js";
import { addGuess } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import {
  confidence,
  crossEntropy,
  describePush,
  describeTarget,
  formatBestP,
  formatPush,
  formatSum,
  LOGIT_RANGE,
  logit,
  logitGradient,
  lossCurve,
  lowestPoint,
  MOST_CLASSES,
  otherTarget,
  shortNumber,
  shownClasses,
  targetAt,
  threeDecimals,
  trueClassTargets,
} from "./smoothing.math.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Model, View } from "./frame.js" */
/** @import { Kind } from "./smoothing.math.js" */

/** @type {Kind[]} */
const KINDS = ["hard", "smoothed", "mixed"];
const COLOURS = {
  hard: "var(--l7-red)",
  smoothed: "var(--l7-accent)",
  mixed: "var(--l7-green)",
};
const TRAITS = ["n", "eps", "label", "t", "p", "show", "against"];
const BAR_ROWS = 10; // at most
const WIDTH = 560;
const HEIGHT = 250;
const TICKS = 5; // intervals on the axis
const GRID_LINES = 4;
const MEDIUM_GRID_ABOVE = 4; // largest loss shown; then with lines at 0, 2, 4 and 6
const COARSE_GRID_ABOVE = 8; // then with lines at 0, 3, 6 and 9
const LEAST_TOP = 2.5; // of the loss axis
const TOP_PER_UNIFORM_LOSS = 1.6; // top of the loss axis over a uniform prediction's loss

/**
 * A column of the table.
 * @typedef {object} Column
 * @property {string} title
 * @property {(value: number) => string} format
 * @property {(q: number, p: number, n: number) => number} value of a target with q for the true
 *   class and a prediction with p for it, for n classes
 */

/** @type {Column[]} */
const COLUMNS = [
  { title: "true class", format: shortNumber, value: (q) => q },
  { title: "loss", format: threeDecimals, value: crossEntropy },
  { title: "push", format: formatPush, value: logitGradient },
  // Cross-entropy is lowest where the confidence equals the target.
  { title: "best p", format: formatBestP, value: (q) => q },
  { title: "its logit", format: threeDecimals, value: (q, _p, n) => logit(q, n) },
];

/** @param {Kind} kind */
const dashes = (kind) => (kind === "mixed" ? "8 5" : "none");

/** @param {Model} model */
function readState(model) {
  const [n, eps, t, p] = ["n", "eps", "t", "p"].map((trait) => model.get(trait));
  const label = Math.min(model.get("label"), n - 1);
  const targets = trueClassTargets({ n, eps, t });
  /** @type {Kind} */
  const show = model.get("show");
  const byLogit = model.get("against") === "logit";
  const other = (label + 1) % n; // the class that is mixed in
  return { n, eps, t, p, label, other, targets, show, byLogit };
}

/** @typedef {ReturnType<typeof readState>} State */

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
  frame.set("label", 3);
  frame.set("eps", 0.1);
  frame.set("show", "smoothed");
}

/**
 * @param {Frame} frame
 * @returns {{ draw: (state: State) => void }} shows the slider of the current horizontal axis
 */
function addConfidenceControls(frame) {
  const { model } = frame;
  const range = { min: 0.001, max: 0.999, step: 0.001 };
  const p = slider(frame, "Confidence p", { trait: "p", ...range, format: threeDecimals });
  const z = slider(frame, "Logit of the true class", {
    min: LOGIT_RANGE.low,
    max: LOGIT_RANGE.high,
    step: 0.1,
    traits: ["p", "n"],
    get: () => logit(model.get("p"), model.get("n")),
    set: (value) => frame.set("p", confidence(value, model.get("n"))[0]),
    format: (value) => fixed(value, 1),
  });

  /** @param {State} state */
  function draw({ byLogit }) {
    p.node.hidden = byLogit;
    z.node.hidden = !byLogit;
  }
  return { draw };
}

/** @param {Frame} frame */
function addTargetControls(frame) {
  const { model } = frame;
  const format = shortNumber;
  slider(frame, "eps", { trait: "eps", min: 0, max: 0.99, step: 0.01, format });
  numberField(frame, "Classes, N", {
    trait: "n",
    min: 2,
    max: MOST_CLASSES,
    step: 1,
    set: (n) => setClassCount(frame, n),
  });
  slider(frame, "True class", {
    trait: "label",
    traits: ["label", "n"],
    min: 0,
    max: () => model.get("n") - 1,
    get: () => readState(model).label,
  });
  slider(frame, "Mixed: weight t", {
    trait: "t",
    min: 0,
    max: 1,
    step: 0.01,
    format,
  });
  /** @type {[Kind, string][]} */
  const kinds = KINDS.map((kind) => [kind, kind]);
  select(frame, "Show target", kinds, { trait: "show" });
  /** @type {[string, string][]} */
  const axes = [
    ["p", "the confidence p"],
    ["logit", "the logit"],
  ];
  select(frame, "Loss against", axes, { trait: "against" });
  button(frame, "The lesson's example", () => setLessonExample(frame));
}

/**
 * The target as bars, with a line at the predicted probability of each class.
 * @param {(index: number) => string} className
 */
function targetBars(className) {
  const caption = html("figcaption");
  const chart = barChart(BAR_ROWS, shortNumber);
  const ticks = chart.rows.map(({ track }) => {
    const tick = html("b");
    track.append(tick);
    return tick;
  });
  const sum = note();

  /** @param {State} state */
  function draw(state) {
    const { n, show, label, p } = state;
    const shown = shownClasses(state, BAR_ROWS);
    const rest = n - shown.length;
    /** @type {[string, number][]} */
    const bars = shown.map((i) => [className(i), targetAt(show, state, i)]);
    if (rest) bars.push([`each of the other ${rest}`, otherTarget(show, state)]);
    chart.draw(bars);
    const predictedOther = (1 - p) / (n - 1);
    chart.rows.forEach(({ cells }, i) => {
      for (const cell of cells) cell.hidden = i >= bars.length;
      const predicted = i === shown.indexOf(label) ? p : predictedOther;
      ticks[i].style.left = `${100 * predicted}%`;
    });
    // The bars have the colour of "smoothed", --l7-accent, unless it is overridden.
    chart.node.style.setProperty("--l7-accent", show === "smoothed" ? "" : COLOURS[show]);
    setText(caption, describeTarget(show, state));
    setText(sum, formatSum(show, state));
  }
  return { node: figure(caption, chart.node), sum, answerElements: [chart.node, sum], draw };
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
    return { line, label: svg("text", { x: -6, "text-anchor": "end" }) };
  });
  const ticks = Array.from({ length: TICKS + 1 }, () => {
    return svg("text", { y: HEIGHT + 20, "text-anchor": "middle" });
  });
  const nodes = [...lines.flatMap(({ line, label }) => [line, label]), ...ticks];

  /** @param {Axes} axes */
  function draw({ x, y, low, high, top }) {
    const step = gridStep(top);
    lines.forEach(({ line, label }, i) => {
      const position = y(i * step);
      setAttributes(line, { y1: position, y2: position });
      setAttributes(label, { y: position + 4 });
      setText(label, i * step);
      setVisible(line, isInsidePlot(position));
      setVisible(label, isInsidePlot(position));
    });
    ticks.forEach((tick, i) => {
      const value = low + (i / TICKS) * (high - low);
      setAttributes(tick, { x: x(value) });
      setText(tick, shortNumber(value));
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

/**
 * @param {SVGElement} mark
 * @param {[x: number, y: number] | null} point null hides the mark; so does a point above the plot
 */
function placeMark(mark, point) {
  setVisible(mark, point !== null && isInsidePlot(point[1]));
  if (!point) return;
  const [x, y] = point.map((value) => value.toFixed(2));
  setAttributes(mark, { transform: `translate(${x} ${y})` });
}

/**
 * The curve of one kind of target, with a dot at the model's confidence, and a diamond at the
 * minimum, or an arrow if there is none.
 * @param {Kind} kind
 */
function lossPlot(kind) {
  const colour = COLOURS[kind];
  const line = { fill: "none", stroke: colour, "stroke-dasharray": dashes(kind) };
  const curve = svg("path", line);
  const dot = svg("circle", { r: 5.5, fill: colour });
  const outline = { fill: "var(--l7-bg)", stroke: colour, "stroke-width": 2.5 };
  const diamond = svg("path", { d: "M0-7L6 0L0 7L-6 0Z", ...outline });
  const arrow = svg("path", { d: "M0-7L11 0L0 7Z", fill: colour });
  const redrawCurve = redrawOnChange();

  /**
   * @param {State} state
   * @param {Axes} axes
   */
  function draw({ n, p, targets, show, byLogit }, axes) {
    const { x, y } = axes;
    const q = targets[kind];
    const value = byLogit ? logit(p, n) : p;
    redrawCurve(`${q} ${n} ${byLogit}`, () => setAttributes(curve, { d: curvePath(q, axes) }));
    setAttributes(curve, { "stroke-width": kind === show ? 3.5 : 2 });
    placeMark(dot, [x(value), y(crossEntropy(q, p, n))]);

    const minimum = lowestPoint(q, n);
    placeMark(diamond, minimum && minimumPosition(minimum, axes));
    // Without a minimum, the curve still falls at its end.
    placeMark(arrow, minimum ? null : [WIDTH, y(lossAtAxisEnd(q, axes))]);
  }
  return { curve, dot, diamond, arrow, draw };
}

/** The loss of each kind of target against the model's confidence. */
function lossFigure() {
  const grid = plotGrid();
  const line = { y1: 0, y2: HEIGHT, stroke: "var(--l7-fg)", "stroke-width": 1.5 };
  const confidenceLine = svg("line", line);
  const plots = KINDS.map(lossPlot);
  const curves = plots.map(({ curve }) => curve);
  const diamonds = plots.map(({ diamond }) => diamond);
  const arrows = plots.map(({ arrow }) => arrow);
  const dots = plots.map(({ dot }) => dot);
  const viewBox = `-30 -9 ${WIDTH + 46} ${HEIGHT + 34}`;
  const marks = [confidenceLine, ...curves, ...diamonds, ...arrows, ...dots];
  const chart = svg("svg", { viewBox, role: "img" }, ...grid.nodes, ...marks);
  const axis = html("p", { class: "l7-axis" });
  const node = figure("Loss (◇ minimum; ▶ no minimum)", chart);
  const redrawGrid = redrawOnChange();

  /** @param {State} state */
  function draw(state) {
    const { n, p, byLogit } = state;
    const axes = plotAxes(n, byLogit);
    redrawGrid(`${n} ${byLogit}`, () => grid.draw(axes));
    for (const plot of plots) plot.draw(state, axes);
    const x = axes.x(byLogit ? logit(p, n) : p);
    setAttributes(confidenceLine, { x1: x, x2: x });
    const ofLogit = "logit of the true class (all other logits are 0)";
    const ofConfidence = "confidence p in the true class; the rest is spread evenly";
    setText(axis, byLogit ? ofLogit : ofConfidence);
    setAttributes(chart, { "aria-label": describeLosses(state) });
  }
  return { node, axis, draw };
}

/**
 * The plot as text, for screen readers.
 * @param {State} state
 */
function describeLosses({ n, p, targets, byLogit }) {
  const losses = KINDS.map((kind) => {
    const q = targets[kind];
    const loss = threeDecimals(crossEntropy(q, p, n));
    const minimum = q === 1 ? "no minimum" : `minimum at p = ${formatBestP(q)}`;
    return `${kind} ${loss}, ${minimum}`;
  });
  const axis = `Cross-entropy against ${byLogit ? "the logit" : "the confidence"}, ${n} classes`;
  return `${axis}. At confidence ${threeDecimals(p)}: ${losses.join("; ")}.`;
}

/**
 * A sample of a kind's line, as in a legend.
 * @param {Kind} kind
 */
function lineSample(kind) {
  const line = { x1: 0, x2: 28, y1: 5, y2: 5, stroke: COLOURS[kind], "stroke-width": 3 };
  const sample = svg("line", { ...line, "stroke-dasharray": dashes(kind) });
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
        setNumber(cells[i], value(q, p, n), format);
      });
    });
  }
  const answerElements = table.rows[KINDS.indexOf("smoothed")].cells;
  return { node: table.node, answerElements, draw };
}

/** Sentences on the gradients of the hard and of the smoothed label. */
function pushNote() {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ p, targets, eps }) {
    setText(node, describePush(p, targets.smoothed, eps));
  }
  return { node, draw };
}

/**
 * A task: the smoothed target of the true class, or of another one. The values of n and eps give
 * answers of at most three decimals.
 * @param {Model} model
 * @param {(index: number) => string} className
 */
function createTask(model, className) {
  const n = randomChoice([2, 4, 5, 10, 20]);
  const step = randomInt(2) ? 1 + randomInt(n - 1) : 0; // 0: the true class
  const eps = randomChoice([0.1, 0.2, 0.3, 0.4]);
  const state = { n, eps, label: randomInt(n), show: "smoothed" };
  return { state, getQuestion: () => targetQuestion(readState(model), className, step) };
}

/**
 * @param {State} state
 * @param {(index: number) => string} className
 * @param {number} step from the true class to the one that is asked for
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

/** @param {View} view */
async function render({ model, el }) {
  const frame = new Frame({ model, el }, "Label smoothing: how confident should a model be?");
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @param {number} index */
  const className = (index) => vocab[index] ?? `class ${index}`;
  const confidenceControls = addConfidenceControls(frame);
  addTargetControls(frame);

  const bars = targetBars(className);
  const sentence = pushNote();
  const losses = lossFigure();
  const table = numbers();
  const left = html("div", {}, bars.node, bars.sum, sentence.node);
  const right = html("div", {}, html("div", {}, losses.node, losses.axis), table.node);
  frame.root.append(html("div", { class: "l7-smoothing" }, left, right));

  frame.redraw(TRAITS, () => {
    const state = readState(model);
    for (const part of [confidenceControls, bars, sentence, losses, table]) part.draw(state);
  });
  const answerElements = [
    ...bars.answerElements,
    sentence.node,
    losses.node,
    ...table.answerElements,
  ];
  addGuess(frame, TRAITS, { createTask: () => createTask(model, className), answerElements });
  return () => frame.close();
}

export default { render };
