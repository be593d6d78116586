// The target as bars, and the density of the weight.

import { barChart } from "./bars.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { quoted } from "./format.js";
import { addHandle, grip } from "./handle.js";
import { dotRow, stepPath, tickLabels } from "./histogram.js";
import { setWeight } from "./mixup.controls.js";
import {
  describeDraws,
  describeWeight,
  foldDensity,
  LESSON,
  misplaced,
  predictionAt,
} from "./mixup.math.js";
import { FIRST_COLOUR, SECOND_COLOUR, two } from "./mixup.state.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data, State } from "./mixup.state.js" */

const MOST_DRAWS = 40; // dots in the plot
const PLOT_WIDTH = 420;
const PLOT_HEIGHT = 96;
const DENSITY_TOP = 5; // the largest density shown

/**
 * The mixed target as bars, two of which can be dragged, and what it means.
 * @param {Frame} frame
 * @param {Data} data
 */
export function targetBars(frame, { rowNames, rows }) {
  const own = targetChart(frame, rowNames.length);
  const lesson = targetChart(frame, LESSON.vocab.length);
  const sentence = note({ spoken: true });
  const title = "Mixed target: drag one of its two bars";
  const node = figure(title, own.chart.node, lesson.chart.node);

  /** @param {State} state */
  function draw(state) {
    const { isLesson, names, target, rowTargets, a, b } = state;
    own.chart.node.hidden = isLesson;
    lesson.chart.node.hidden = !isLesson;
    if (isLesson) lesson.draw(names, target, [a, b]);
    else own.draw(rowNames, rowTargets, [rows.indexOf(a), rows.indexOf(b)]);
    setText(sentence, describeWeight(state, [quoted(names[a]), quoted(names[b])]));
  }

  /** @param {State | null} state */
  function drawPin(state) {
    own.chart.drawPin(state && !state.isLesson ? state.rowTargets : null);
    lesson.chart.drawPin(state?.isLesson ? state.target : null);
  }
  const answerElements = [own.chart.node, lesson.chart.node, sentence];
  return { node, sentence, answerElements, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {number} count of classes
 */
function targetChart(frame, count) {
  const chart = barChart(count, two);
  let pair = [0, 1]; // rows of the classes of the first and of the second picture
  chart.rows.forEach(({ track }, row) => {
    addHandle(frame, track, {
      trait: "t",
      axis: "x",
      area: track,
      start() {
        if (!track.dataset.handle) return undefined;
        const isFirst = row === pair[0];
        return ({ x }) => setWeight(frame, isFirst ? x : 1 - x);
      },
    });
  });

  /**
   * @param {string[]} names
   * @param {number[]} target
   * @param {number[]} rows
   */
  function draw(names, target, rows) {
    pair = rows;
    chart.draw(names.map((name, k) => [name, target[k]]));
    chart.rows.forEach(({ track }, row) => {
      const isHandle = pair.includes(row) && pair[0] !== pair[1];
      track.toggleAttribute("data-axis", isHandle);
      if (isHandle) setAttributes(track, { "data-handle": "t", "data-axis": "x" });
      else track.removeAttribute("data-handle");
      const colour = row === pair[0] ? FIRST_COLOUR : SECOND_COLOUR;
      track.style.setProperty("--colour", colour);
    });
  }
  return { chart, draw };
}

/**
 * What a learner trained with mixup and one trained without predict; hidden where there are none.
 * @param {Data} data
 */
export function learnerBars({ rowNames, predictions, isOnGrid }) {
  const learners = ["Trained with mixup", "Trained without"].map((name) => {
    return { name, chart: barChart(rowNames.length), caption: html("figcaption") };
  });
  const figures = learners.map(({ caption, chart }) => figure(caption, chart.node));
  const node = html("div", { class: "l7-two l7-wide" }, ...figures);

  /** @param {State} state */
  function draw(state) {
    node.hidden = !isOnGrid || state.isLesson;
    if (node.hidden) return;
    learners.forEach(({ name, chart, caption }, learner) => {
      const prediction = predictionAt(predictions, learner, state);
      chart.draw(rowNames.map((row, k) => [row, prediction[k]]));
      setText(caption, `${name}: ${two(misplaced(prediction, state.rowTargets))} misplaced`);
    });
  }
  return { node, draw };
}

/**
 * The outline of a density, cut off at DENSITY_TOP.
 * @param {number[]} density at equal steps
 */
function densityPath(density) {
  const tops = density.map((value) => {
    return PLOT_HEIGHT - (Math.min(value, DENSITY_TOP) / DENSITY_TOP) * PLOT_HEIGHT;
  });
  return stepPath(tops, PLOT_WIDTH, PLOT_HEIGHT);
}

/** @param {State} state */
function titleDensity({ alpha, keep }) {
  const beta = `Beta(${alpha}, ${alpha})`;
  const filled = keep === "half" ? `max(λ, 1 − λ); dashed: ${beta}` : beta;
  return `Drag λ. Filled: density of ${filled}`;
}

/** @param {State} state */
function labelDensity({ alpha, keep, weights, t }) {
  const folded = keep === "half" ? ", folded onto 0.5 to 1" : "";
  const density = `density of Beta(${alpha}, ${alpha})${folded}`;
  return `${density}, ${weights.length} draws, t at ${two(t)}`;
}

/**
 * The density of the weights, a dot for each draw, and a line at λ that can be dragged.
 * @param {Frame} frame
 * @param {number[][]} curves for each alpha, the density at equal steps
 */
function densityPlot(frame, curves) {
  const shape = svg("path", { fill: "currentColor", opacity: 0.3 });
  const dashes = { fill: "none", opacity: 0.55, "stroke-dasharray": "3 3" };
  const unfolded = svg("path", { ...dashes, stroke: "var(--l7-fg)" });
  const line = markLine(0, PLOT_HEIGHT);
  const ghost = pinLine(0, PLOT_HEIGHT);
  const handle = grip();
  const dots = dotRow(MOST_DRAWS, PLOT_HEIGHT + 9);
  const labels = tickLabels([0, 0.5, 1], PLOT_WIDTH, PLOT_HEIGHT + 28);
  const box = { left: -8, top: -8, width: PLOT_WIDTH + 16, height: PLOT_HEIGHT + 40 };
  const axis = axisLine(PLOT_WIDTH, PLOT_HEIGHT);
  const marks = [shape, unfolded, axis, ghost, line, ...dots.nodes, ...labels, handle.node];
  const node = drawing(box, ...marks);
  addHandle(frame, handle.node, {
    trait: "t",
    axis: "x",
    area: node,
    start: () => (position) => setWeight(frame, position.x / PLOT_WIDTH),
  });

  /** @param {State} state */
  function draw(state) {
    const isFolded = state.keep === "half";
    const density = curves[state.alphaIndex];
    setAttributes(shape, { d: densityPath(isFolded ? foldDensity(density) : density) });
    setAttributes(unfolded, { d: densityPath(density) });
    setVisible(unfolded, isFolded);
    moveLine(line, state.t * PLOT_WIDTH);
    handle.move(state.t * PLOT_WIDTH, 0);
    dots.draw(state.weights.map((weight) => weight * PLOT_WIDTH));
    setAttributes(node, { "aria-label": labelDensity(state) });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    movePin(ghost, state && state.t * PLOT_WIDTH);
  }
  return { node, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
export function weightPlot(frame, { curves, isOnGrid }) {
  const plot = densityPlot(frame, curves);
  const summary = note();
  const caption = html("figcaption");

  /** @param {State} state */
  function draw(state) {
    plot.draw(state);
    setText(summary, describeDraws(state.weights, isOnGrid));
    setText(caption, titleDensity(state));
  }
  return { node: figure(caption, plot.node), summary, draw, drawPin: plot.drawPin };
}
