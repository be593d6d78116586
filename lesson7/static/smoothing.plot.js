// The loss of each target against the model's confidence.

import { figure, html, setAttributes, setText, setVisible, svg } from "./dom.js";
import { withMinus } from "./format.js";
import { addHandle, grip } from "./handle.js";
import { drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import {
  confidence,
  crossEntropy,
  formatBestP,
  formatProbability,
  LOGIT_RANGE,
  logit,
  lossCurve,
  lowestPoint,
} from "./smoothing.math.js";
import { KIND_COLOURS, KINDS, three } from "./smoothing.state.js";
import { redrawOnChange } from "./smoothing.targets.js";

/** @import { Frame } from "./frame.js" */
/** @import { Kind } from "./smoothing.math.js" */
/** @import { State } from "./smoothing.state.js" */

const KIND_DASHES = { hard: "2 4", smoothed: "none", mixed: "9 5" };
const DIAMOND = "M0-7L6 0L0 7L-6 0Z";
const ARROW = "M0-7L11 0L0 7Z";
const WIDTH = 560;
const HEIGHT = 250;
const TICKS = 5; // intervals on the axis
const GRID_LINES = 4;
const LEGEND_X = [0.12, 0.57]; // of its columns, in the plot's width
const LEGEND_LINE = 20; // px
const MEDIUM_GRID_ABOVE = 4; // largest loss shown; then with lines at 0, 2, 4 and 6
const COARSE_GRID_ABOVE = 8; // then with lines at 0, 3, 6 and 9
const LEAST_TOP = 2.5; // of the loss axis
const TOP_PER_UNIFORM_LOSS = 1.6; // top of the loss axis over a uniform prediction's loss
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
  const lines = KINDS.map((kind) => svg("path", { d: "M0 0h20", ...lineStyle(kind) }));
  const diamond = svg("path", { d: DIAMOND, fill: "none", stroke: "currentColor" });
  const arrow = svg("path", { d: ARROW, fill: "currentColor" });
  const kinds = legendColumn(
    0,
    26,
    names.map((name, i) => [name, lines[i]]),
  );
  const marks = legendColumn(1, 16, [
    [svg("text", {}, "minimum"), diamond],
    [svg("text", {}, "none"), arrow],
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
export function lossFigure(frame) {
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
export function lineSample(kind) {
  const sample = svg("path", { d: "M0 5h28", ...lineStyle(kind) });
  return svg("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, sample);
}
