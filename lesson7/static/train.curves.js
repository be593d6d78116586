// Curves of two trainings over the epochs, with the range of their seeds.

import { figure, setAttributes, setText, svg } from "./dom.js";
import { addHandle, grip } from "./handle.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import { mean } from "./train.math.js";
import { SIDE_COLOURS, SIDES } from "./train.parts.js";

/** @import { Frame } from "./frame.js" */
/** @import { Side, State } from "./train.state.js" */
/** @import { Evaluation } from "./train.math.js" */
/** @import { Run } from "./train.pool.js" */

const PLOT = { width: 420, height: 190 };
const LABEL_SPACE = 58; // at the right of a plot, for the names of the curves
const LABEL_HEIGHT = 16;

/**
 * The mean over the seeds at each evaluated epoch, with the least and the greatest.
 * @param {Run[]} runs
 * @param {(evaluation: Evaluation) => number} pick
 */
export function curveOf(runs, pick) {
  const known = runs.filter(({ evaluations }) => evaluations.length);
  const most = Math.max(0, ...known.map(({ evaluations }) => evaluations.length));
  return Array.from({ length: most }, (_, i) => {
    const found = known.flatMap(({ evaluations }) => (evaluations[i] ? [evaluations[i]] : []));
    const values = found.map(pick);
    const range = { low: Math.min(...values), high: Math.max(...values) };
    return { epoch: found[0].epoch, value: mean(values), ...range };
  });
}

/** @typedef {ReturnType<typeof curveOf>} Curve */

/**
 * @typedef {object} Scale
 * @property {number} low
 * @property {number} high
 * @property {number} epochs
 */

/**
 * @param {Scale} scale
 * @param {number} epoch
 */
const xOf = ({ epochs }, epoch) => (epoch / epochs) * (PLOT.width - LABEL_SPACE);

/**
 * @param {Scale} scale
 * @param {number} value
 */
function yOf({ low, high }, value) {
  const share = Number.isFinite(value) ? (value - low) / (high - low) : 1;
  return PLOT.height * (1 - Math.min(1, Math.max(0, share)));
}

/**
 * @param {Curve} curve
 * @param {Scale} scale
 */
function linePath(curve, scale) {
  const points = curve.map(({ epoch, value }) => {
    return `${xOf(scale, epoch).toFixed(1)} ${yOf(scale, value).toFixed(1)}`;
  });
  return points.length ? `M${points.join("L")}` : "";
}

/**
 * @param {Curve} curve
 * @param {Scale} scale
 */
function bandPath(curve, scale) {
  const edge = (/** @type {"low" | "high"} */ key) =>
    curve.map((point) => {
      return `${xOf(scale, point.epoch).toFixed(1)} ${yOf(scale, point[key]).toFixed(1)}`;
    });
  const points = [...edge("low"), ...edge("high").reverse()];
  return points.length ? `M${points.join("L")}Z` : "";
}

/**
 * The heights of two labels that do not cover each other.
 * @param {number[]} ys
 */
function separate([first, second]) {
  const gap = LABEL_HEIGHT - Math.abs(second - first);
  if (!(gap > 0)) return [first, second];
  const sign = second >= first ? 1 : -1;
  return [first - (sign * gap) / 2, second + (sign * gap) / 2];
}

/**
 * The point whose epoch is nearest.
 * @param {Curve} curve
 * @param {number} epoch
 */
function nearestPoint(curve, epoch) {
  if (!curve.length) return null;
  const distance = (/** @type {Curve[number]} */ point) => Math.abs(point.epoch - epoch);
  return curve.reduce((best, point) => (distance(point) < distance(best) ? point : best));
}

/**
 * The values of both curves after an epoch.
 * @param {Curve[]} curves
 * @param {number} epoch
 * @param {(value: number) => string} format
 */
function readingsAt(curves, epoch, format) {
  const points = curves.map((curve) => nearestPoint(curve, epoch));
  const texts = points.map((point, i) => (point ? `${SIDES[i]} ${format(point.value)}` : ""));
  return `epoch ${epoch}: ${texts.filter(Boolean).join(", ")}`;
}

/**
 * One side's curve, with the band of its seeds.
 * @param {number} side
 * @param {string} source
 */
function sideCurve(side, source) {
  const colour = SIDE_COLOURS[side];
  const band = svg("path", { fill: colour, opacity: 0.16 });
  const training = svg("path", {
    fill: "none",
    stroke: colour,
    "stroke-width": 1.5,
    "stroke-dasharray": "2 4",
  });
  const attributes = { fill: "none", stroke: colour, "stroke-width": side ? 3 : 2 };
  const line = svg("path", { ...attributes, "data-source": `${source}${SIDES[side]}` });
  const ghost = svg("path", { class: "l7-ghost" });
  const label = svg("text", { fill: colour, class: `l7-train-${SIDES[side].toLowerCase()}` });
  return { band, training, line, ghost, label, nodes: [band, ghost, training, line, label] };
}

/**
 * @typedef {object} CurveOptions
 * @property {string} title
 * @property {string} source
 * @property {(evaluation: Evaluation) => number} pick
 * @property {(evaluation: Evaluation) => number} [pickTraining]
 * @property {(values: number[]) => { low: number, high: number }} range of the axis
 * @property {(value: number) => string} format
 * @property {boolean} [hasTurn] whether the epoch after which A memorizes is marked
 */

/** The axes of a plot over epochs: three values, and three epochs. */
function curveAxes() {
  const heights = [0, PLOT.height / 2, PLOT.height];
  const lines = heights.map((y) => axisLine(PLOT.width - LABEL_SPACE, y));
  const ticks = heights.map(() => svg("text", { x: 4, class: "l7-train-tick" }));
  const epochs = ["start", "middle", "end"].map((anchor) =>
    svg("text", { y: PLOT.height + 16, "text-anchor": anchor }),
  );

  /**
   * @param {Scale} scale
   * @param {(value: number) => string} format
   */
  function draw(scale, format) {
    const { low, high, epochs: last } = scale;
    [low, (low + high) / 2, high].forEach((value, i) => {
      setText(ticks[i], format(value));
      setAttributes(ticks[i], { y: yOf(scale, value) - 4 });
    });
    [0, last / 2, last].forEach((value, i) => {
      setText(epochs[i], i === 2 ? `${value} epochs` : String(value));
      setAttributes(epochs[i], { x: xOf(scale, value) });
    });
  }
  return { lines, texts: [...ticks, ...epochs], draw };
}

/** The values of the curves at the epoch under the pointer. */
function curveReading() {
  const text = svg("text", { x: PLOT.width - LABEL_SPACE - 4, y: 12, "text-anchor": "end" });
  const line = svg("line", { y1: 0, y2: PLOT.height, class: "l7-train-turn" });
  setAttributes(line, { visibility: "hidden" });

  /**
   * @param {Curve[]} curves
   * @param {Scale} scale
   * @param {number | null} epoch
   * @param {(value: number) => string} format
   */
  function draw(curves, scale, epoch, format) {
    setAttributes(line, { visibility: epoch === null ? "hidden" : "visible" });
    setText(text, epoch === null ? "" : readingsAt(curves, epoch, format));
    if (epoch !== null) moveLine(line, xOf(scale, epoch));
  }
  return { nodes: [line, text], draw };
}

/** The epoch from which A learns its wrong labels by heart. */
function turnMark() {
  const line = svg("line", { y1: 0, y2: PLOT.height, class: "l7-train-turn" });
  const text = svg("text", { y: 12, "text-anchor": "start" });

  /**
   * @param {Scale} scale
   * @param {number | null} epoch
   */
  function draw(scale, epoch) {
    setAttributes(line, { visibility: epoch === null ? "hidden" : "visible" });
    setText(text, epoch === null ? "" : "A memorizes");
    if (epoch === null) return;
    const x = xOf(scale, epoch);
    moveLine(line, x);
    setAttributes(text, { x: x + 4 });
  }
  return { nodes: [line, text], draw };
}

/**
 * Curves of A and B over the epochs. The vertical line is dragged to the epoch that is shown.
 * @param {Frame} frame
 * @param {CurveOptions} options
 */
export function curvePlot(frame, { title, source, pick, pickTraining, range, format, hasTurn }) {
  const sides = SIDES.map((_, side) => sideCurve(side, source));
  const cursor = markLine(0, PLOT.height);
  const ghost = pinLine(0, PLOT.height);
  const handle = grip();
  const [axes, reading, turn] = [curveAxes(), curveReading(), turnMark()];
  const box = { left: -2, top: -18, width: PLOT.width + 4, height: PLOT.height + 40 };
  const curves = sides.flatMap(({ nodes }) => nodes);
  const marks = [...turn.nodes, ghost, ...reading.nodes, cursor, handle.node];
  const node = drawing(box, ...axes.lines, ...curves, ...axes.texts, ...marks);
  /** @type {Scale} */
  let scale = { low: 0, high: 1, epochs: 1 };
  /** @type {Curve[]} */
  let drawn = [];

  addHandle(frame, handle.node, {
    trait: "epoch",
    axis: "x",
    area: node,
    start: () => (position) => {
      const share = position.x / (PLOT.width - LABEL_SPACE);
      frame.numberBinding("epoch").setNear(share * scale.epochs);
    },
  });
  node.addEventListener("pointermove", ({ clientX }) => {
    const { left, width } = node.getBoundingClientRect();
    const x = box.left + ((clientX - left) / width) * box.width;
    const epoch = (x / (PLOT.width - LABEL_SPACE)) * scale.epochs;
    const nearest = nearestPoint(drawn[0] ?? [], epoch);
    reading.draw(drawn, scale, nearest?.epoch ?? null, format);
  });
  node.addEventListener("pointerleave", () => reading.draw(drawn, scale, null, format));

  /** @param {Side[]} all */
  function drawLabels(all) {
    const values = all.map(({ mean: scores }) => scores?.[/** @type {"loss"} */ (source)]);
    const known = values.map((value) => value ?? Number.NaN);
    const heights = separate(known.map((value) => yOf(scale, value)));
    sides.forEach(({ label }, i) => {
      const isKnown = values[i] !== undefined;
      setText(label, isKnown ? `${SIDES[i]} ${format(known[i])}` : "");
      if (isKnown) setAttributes(label, { x: PLOT.width - LABEL_SPACE + 6, y: heights[i] + 4 });
    });
    return SIDES.map((side, i) => {
      return values[i] === undefined ? `${side} is training` : `${side} ${format(known[i])}`;
    });
  }

  /** @param {State} state */
  function draw({ sides: all, epochs, epoch, turnEpoch }) {
    drawn = all.map(({ runs }) => curveOf(runs, pick));
    const training = all.map(({ runs }) => (pickTraining ? curveOf(runs, pickTraining) : []));
    const points = [...drawn, ...training].flat();
    scale = { ...range(points.map(({ value }) => value).filter(Number.isFinite)), epochs };
    sides.forEach(({ band, line, training: dashes }, i) => {
      setAttributes(band, { d: bandPath(drawn[i], scale) });
      setAttributes(line, { d: linePath(drawn[i], scale) });
      setAttributes(dashes, { d: linePath(training[i], scale) });
    });
    axes.draw(scale, format);
    moveLine(cursor, xOf(scale, epoch));
    handle.move(xOf(scale, epoch), 0);
    turn.draw(scale, hasTurn ? turnEpoch : null);
    const values = drawLabels(all).join(", ");
    setAttributes(node, { "aria-label": `${title} after epoch ${epoch}: ${values}` });
  }

  /** @param {State | null} pinned */
  function drawPin(pinned) {
    movePin(ghost, pinned && xOf(scale, Math.min(pinned.epoch, scale.epochs)));
    sides.forEach((side, i) => {
      const curve = pinned ? curveOf(pinned.sides[i].runs, pick) : [];
      setAttributes(side.ghost, { d: linePath(curve, scale) });
    });
  }
  return { node: figure(title, node), draw, drawPin };
}
