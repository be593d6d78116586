// One label as a hard, smoothed and mixed target, and the loss that each gives a model of any
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
  formatLowest,
  formatPush,
  formatSum,
  LOGIT_RANGE,
  logit,
  lossCurve,
  lowestPoint,
  MOST_CLASSES,
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
const COLUMNS = ["target", "for the class", "loss now", "pushes logit", "least at p", "at logit"];
const ROWS = 10; // classes with a bar of their own
const WIDTH = 560;
const HEIGHT = 250;
const TICKS = 5; // intervals on the axis
const GRID_LINES = 4;

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
  // The label first: it is never past the last class.
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
 * @returns {{ draw: (state: State) => void }} shows the slider of what the loss is drawn against
 */
function addConfidenceControls(frame) {
  const { model } = frame;
  const range = { min: 0.001, max: 0.999, step: 0.001 };
  const p = slider(frame, "Confidence p", { trait: "p", ...range, format: threeDecimals });
  const z = slider(frame, "Its logit", {
    ...{ min: LOGIT_RANGE.low, max: LOGIT_RANGE.high, step: 0.1, traits: ["p", "n"] },
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
    ...{ trait: "n", min: 2, max: MOST_CLASSES, step: 1 },
    set: (n) => setClassCount(frame, n),
  });
  slider(frame, "True class", {
    ...{ trait: "label", traits: ["label", "n"], min: 0 },
    max: () => model.get("n") - 1,
    get: () => readState(model).label,
  });
  slider(frame, "Mixed: its share", { trait: "t", min: 0, max: 1, step: 0.01, format });
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
 * The target as bars, with a line at what the model gives each class.
 * @param {(index: number) => string} className
 */
function targetBars(className) {
  const caption = html("figcaption");
  const chart = barChart(ROWS, shortNumber);
  const ticks = chart.rows.map(({ track }) => {
    const tick = html("b");
    track.append(tick);
    return tick;
  });
  const sum = note();

  /** @param {State} state */
  function draw(state) {
    const { n, show, label, p } = state;
    const shown = shownClasses(state, ROWS);
    const rest = n - shown.length;
    /** @type {[string, number][]} */
    const bars = shown.map((i) => [className(i), targetAt(show, state, i)]);
    if (rest) bars.push([`each of the other ${rest}`, targetAt(show, state, -1)]);
    chart.draw(bars);
    chart.rows.forEach(({ cells }, i) => {
      for (const cell of cells) cell.hidden = i >= bars.length;
      const predicted = shown[i] === label ? p : (1 - p) / (n - 1);
      ticks[i].style.left = `${100 * predicted}%`;
    });
    chart.node.style.setProperty("--l7-accent", show === "smoothed" ? "" : COLOURS[show]);
    setText(caption, describeTarget(show, state));
    setText(sum, formatSum(show, state));
  }
  return { node: figure(caption, chart.node), sum, secrets: [chart.node, sum], draw };
}

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
    const unit = gridUnit(top);
    lines.forEach(({ line, label }, i) => {
      const position = y(i * unit);
      setAttributes(line, { y1: position, y2: position });
      setAttributes(label, { y: position + 4 });
      setText(label, i * unit);
      setVisible(line, position >= -1);
      setVisible(label, position >= -1);
    });
    ticks.forEach((tick, i) => {
      const value = low + (i / TICKS) * (high - low);
      setAttributes(tick, { x: x(value) });
      setText(tick, threeDecimals(value).replace(/\.?0+$/, "") || "0");
    });
  }
  return { nodes, draw };
}

/** @param {number} top the largest loss shown */
function gridUnit(top) {
  if (top > 8) return 3;
  return top > 4 ? 2 : 1;
}

/**
 * The plot's scales.
 * @param {number} n
 * @param {boolean} byLogit
 */
function plotAxes(n, byLogit) {
  const { low, high } = byLogit ? LOGIT_RANGE : { low: 0, high: 1 };
  const top = Math.max(2.5, 1.6 * Math.log(n));
  /** @param {number} value */
  const x = (value) => Math.min(WIDTH, Math.max(0, ((value - low) / (high - low)) * WIDTH));
  /** @param {number} loss */
  const y = (loss) => HEIGHT - (loss / top) * HEIGHT;
  return { n, byLogit, low, high, top, x, y };
}

/** @typedef {ReturnType<typeof plotAxes>} Axes */

/**
 * @param {number} q what the target gives the true class
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
 * The curve of one kind of target, with a dot where the model is, and a diamond where the loss is
 * lowest or an arrow where it is nowhere.
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
  let drawn = ""; // what the curve was drawn for

  /**
   * @param {State} state
   * @param {Axes} axes
   */
  function draw({ n, p, targets, show, byLogit }, axes) {
    const { low, high, x, y } = axes;
    const q = targets[kind];
    const value = byLogit ? logit(p, n) : p;
    const key = `${q} ${n} ${byLogit}`;
    if (drawn !== key) setAttributes(curve, { d: curvePath(q, axes) });
    drawn = key;
    setAttributes(curve, { "stroke-width": kind === show ? 3.5 : 2 });
    placeMark(dot, [x(value), y(crossEntropy(q, p, 1 - p, n))]);

    const lowest = lowestPoint(q, n);
    const best = byLogit ? lowest.logit : lowest.p;
    const hasLowest = q < 1 && best >= low && best <= high;
    placeMark(diamond, hasLowest ? [x(best), y(lowest.loss)] : null);
    const endLoss = byLogit ? crossEntropy(1, ...confidence(high, n), n) : 0;
    placeMark(arrow, q === 1 ? [WIDTH, y(endLoss)] : null);
  }
  return { curve, dot, diamond, arrow, draw };
}

/**
 * @param {SVGElement} mark
 * @param {[x: number, y: number] | null} point null: it is hidden, as it is above the plot
 */
function placeMark(mark, point) {
  setVisible(mark, point !== null && point[1] >= -1);
  if (!point) return;
  const [x, y] = point.map((value) => value.toFixed(2));
  setAttributes(mark, { transform: `translate(${x} ${y})` });
}

/** The loss of each kind of target against the model's confidence. */
function lossFigure() {
  const grid = plotGrid();
  const now = svg("line", { y1: 0, y2: HEIGHT, stroke: "var(--l7-fg)", "stroke-width": 1.5 });
  const plots = KINDS.map(lossPlot);
  const curves = plots.map(({ curve }) => curve);
  const diamonds = plots.map(({ diamond }) => diamond);
  const arrows = plots.map(({ arrow }) => arrow);
  const dots = plots.map(({ dot }) => dot);
  const viewBox = `-30 -9 ${WIDTH + 46} ${HEIGHT + 34}`;
  const marks = [now, ...curves, ...diamonds, ...arrows, ...dots];
  const chart = svg("svg", { viewBox, role: "img" }, ...grid.nodes, ...marks);
  const axis = html("p", { class: "l7-axis" });
  const node = figure("The loss, and where it is lowest (◇; ▶ nowhere)", chart);
  let drawn = ""; // what the grid was drawn for

  /** @param {State} state */
  function draw(state) {
    const { n, p, byLogit } = state;
    const axes = plotAxes(n, byLogit);
    if (drawn !== `${n} ${byLogit}`) grid.draw(axes);
    drawn = `${n} ${byLogit}`;
    for (const plot of plots) plot.draw(state, axes);
    const x = axes.x(byLogit ? logit(p, n) : p);
    setAttributes(now, { x1: x, x2: x });
    const ofLogit = "logit of the true class, where the others' is 0";
    const ofConfidence = "confidence p in the true class; the rest is spread evenly";
    setText(axis, byLogit ? ofLogit : ofConfidence);
    setAttributes(chart, { "aria-label": labelLosses(state) });
  }
  return { node, axis, draw };
}

/** @param {State} state */
function labelLosses({ n, p, targets, byLogit }) {
  const losses = KINDS.map((kind) => {
    const q = targets[kind];
    const loss = threeDecimals(crossEntropy(q, p, 1 - p, n));
    return kind === "hard" ? `hard ${loss}` : `${kind} ${loss}, lowest at ${formatLowest(q)}`;
  });
  const axis = `Cross-entropy against ${byLogit ? "the logit" : "the confidence"}, ${n} classes`;
  const [hard, smoothed, mixed] = losses;
  return `${axis}. At confidence ${threeDecimals(p)}: ${hard}, ${smoothed}; ${mixed}.`;
}

/** @param {Kind} kind */
function tableKey(kind) {
  const line = { x1: 0, x2: 28, y1: 5, y2: 5, stroke: COLOURS[kind], "stroke-width": 3 };
  const sample = svg("line", { ...line, "stroke-dasharray": dashes(kind) });
  return svg("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, sample);
}

/** The numbers of each kind of target. */
function numbers() {
  const table = numberTable(
    COLUMNS,
    KINDS.map((kind) => [tableKey(kind), kind]),
  );

  /** @param {State} state */
  function draw({ n, p, targets }) {
    const formats = [shortNumber, threeDecimals, formatPush, formatLowest, threeDecimals];
    table.rows.forEach(({ cells }, k) => {
      const q = targets[KINDS[k]];
      const row = [q, crossEntropy(q, p, 1 - p, n), p - q, q, logit(q, n)];
      row.forEach((value, i) => {
        setNumber(cells[i], value, formats[i]);
      });
    });
  }
  const secrets = table.rows[KINDS.indexOf("smoothed")].cells;
  return { node: table.node, secrets, draw };
}

function pushNote() {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ p, targets, eps }) {
    setText(node, describePush(p, targets.smoothed, eps));
  }
  return { node, draw };
}

/**
 * Asks for the smoothed value of the true class, or of another one. N and eps are such that three
 * decimals are exact.
 * @param {Model} model
 * @param {(index: number) => string} className
 */
function askTarget(model, className) {
  const n = randomChoice([2, 4, 5, 10, 20]);
  const ofTrue = randomInt(2) === 0;
  const step = 1 + randomInt(n - 1);
  const eps = randomChoice([0.1, 0.2, 0.3, 0.4]);
  const state = { n, eps, label: randomInt(n), show: "smoothed" };
  return { state, read: () => targetQuestion(readState(model), className, ofTrue ? 0 : step) };
}

/**
 * @param {State} state
 * @param {(index: number) => string} className
 * @param {number} step from the true class to the one that is asked for
 */
function targetQuestion({ n, eps, label, targets }, className, step) {
  const share = eps / n;
  const [epsText, shareText] = [significant(eps), significant(share)];
  const asked = step ? quoted(className((label + step) % n)) : "it";
  const besides = step ? "" : `, and the true class has 1 − ${epsText} besides`;
  const given = `${n} classes, eps ${epsText}, and the true one is ${quoted(className(label))}`;
  return {
    text: `${given}: what does the smoothed target say for ${asked}?`,
    answer: step ? share : targets.smoothed,
    tolerance: share / 10, // forgetting eps/N is wrong
    because: `eps/N is ${epsText}/${n} = ${shareText}${besides}`,
  };
}

/** @param {View} view */
async function render({ model, el }) {
  const frame = new Frame({ model, el }, "Label smoothing: how sure should a model be?");
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
  const hide = [...bars.secrets, sentence.node, losses.node, ...table.secrets];
  addGuess(frame, TRAITS, { ask: () => askTarget(model, className), hide });
  return () => frame.close();
}

export default { render };
