// What is drawn of two trainings: curves, reliability, digits, the pad, and the runs of this visit.

import { imageCanvas } from "./canvas.js";
import { figure, html, note, setAttributes, setText, svg } from "./dom.js";
import { fixed } from "./format.js";
import { addHandle, grip } from "./handle.js";
import { liveLine } from "./live.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import { numberTable, setNumber } from "./table.js";
import { BINS, mean } from "./train.math.js";

/** @import { Frame } from "./frame.js" */
/** @import { Evaluation } from "./train.math.js" */
/** @import { Run } from "./train.pool.js" */
/** @import { Data, Side, State } from "./train.js" */

const SIDES = ["A", "B"];
const SIDE_COLOURS = ["var(--l7-blue)", "var(--l7-orange)"];
const PLOT = { width: 420, height: 190 };
const LABEL_SPACE = 58; // at the right of a plot, for the names of the curves
const LABEL_HEIGHT = 16;
const LEAST_BIN = 25; // predictions in a bin of the reliability diagram that is drawn
const RELIABILITY_SIDE = 190;
const DIGITS_SHOWN = 6; // of each kind
const RUNS_SHOWN = 8; // in the table of this visit
const PAD_INK = 16;
const EDGE_INK = 5; // beside a dot
const DOT = [
  [0, 0, PAD_INK],
  [1, 0, EDGE_INK],
  [-1, 0, EDGE_INK],
  [0, 1, EDGE_INK],
  [0, -1, EDGE_INK],
]; // columns, rows, ink
const CURSOR_COLOUR = [208, 72, 0];

/** @param {number} value */
export const percentText = (value) => (100 * value).toFixed(1);
/** @param {number} value */
const lossText = (value) => (Number.isFinite(value) ? value.toFixed(3) : "diverged");

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

/** The settings of both sides in words, with their numbers. */
export function sideTable() {
  const columns = ["", "accuracy, %", "loss", "ECE"];
  const names = SIDES.map((side, i) => {
    const letter = html("b", { class: `l7-train-${side.toLowerCase()}` }, side);
    const words = html("span");
    return { words, header: [letter, " ", words], isSecond: i === 1 };
  });
  const table = numberTable(
    columns,
    names.map(({ header }) => header),
  );

  /** @param {State} state */
  function draw({ sides, words }) {
    sides.forEach(({ mean: scores }, i) => {
      setText(names[i].words, words[i]);
      const [accuracy, loss, ece] = table.rows[i].cells;
      setNumber(accuracy, scores ? 100 * scores.accuracy : null, (value) => value.toFixed(1));
      setNumber(loss, scores ? scores.loss : null, lossText);
      setNumber(ece, scores ? scores.ece : null, lossText);
    });
  }
  return { node: table.node, draw };
}

/** How often each side is right, for each bin of its confidence. */
export function reliabilityPlot() {
  const side = RELIABILITY_SIDE;
  const diagonal = svg("line", { x1: 0, y1: side, x2: side, y2: 0, class: "l7-train-turn" });
  const frame = svg("rect", { width: side, height: side, fill: "none", stroke: "var(--l7-line)" });
  const parts = SIDES.map((name, i) => {
    const stroke = { fill: "none", stroke: SIDE_COLOURS[i], "stroke-width": i ? 3 : 2 };
    const line = svg("path", { ...stroke, "data-source": `reliability${name}` });
    const dots = svg("path", {
      stroke: SIDE_COLOURS[i],
      "stroke-width": 7,
      "stroke-linecap": "round",
    });
    const ghost = svg("path", { class: "l7-ghost" });
    const label = svg("text", { class: `l7-train-${name.toLowerCase()}` }, name);
    return { line, dots, ghost, label };
  });
  const texts = [
    svg("text", { x: side / 2, y: side + 16, "text-anchor": "middle" }, "confidence"),
    svg("text", { x: 4, y: 12 }, "share correct"),
  ];
  const nodes = parts.flatMap(({ ghost, line, dots, label }) => [ghost, line, dots, label]);
  const box = { left: -6, top: -6, width: side + 26, height: side + 28 };
  const node = drawing(box, frame, diagonal, ...texts, ...nodes);

  /** @param {Side} trained */
  function pointsOf({ shown }) {
    const sums = Array.from({ length: BINS }, () => [0, 0, 0]);
    for (const scores of shown) {
      scores.bins.forEach((bin, i) => {
        bin.forEach((value, k) => {
          sums[i][k] += value;
        });
      });
    }
    const used = sums.filter(([count]) => count >= LEAST_BIN);
    return used.map(([count, confidence, right]) => [
      (confidence / count) * side,
      (1 - right / count) * side,
    ]);
  }

  /** @param {number[][]} points */
  const path = (points) => {
    const texts = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    return texts.length ? `M${texts.join("L")}` : "";
  };

  /** @param {State} state */
  function draw({ sides }) {
    sides.forEach((trained, i) => {
      const points = pointsOf(trained);
      setAttributes(parts[i].line, { d: path(points) });
      const dots = points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
      setAttributes(parts[i].dots, { d: dots.join("") });
      const [x, y] = points[0] ?? [0, 0];
      const visibility = points.length ? "visible" : "hidden"; // before the first result
      setAttributes(parts[i].label, { x: x - 4, y: y - 8, visibility });
    });
    const errors = sides.map(({ mean: scores }, i) => {
      return scores ? `of ${SIDES[i]} ${lossText(scores.ece)}` : `of ${SIDES[i]} not known yet`;
    });
    const label = `reliability: expected calibration error ${errors.join(", ")}`;
    setAttributes(node, { "aria-label": label });
  }

  /** @param {State | null} pinned */
  function drawPin(pinned) {
    parts.forEach(({ ghost }, i) => {
      setAttributes(ghost, { d: pinned ? path(pointsOf(pinned.sides[i])) : "" });
    });
  }
  const title = "Reliability (dashed: ideal)";
  return { node: figure(title, node), draw, drawPin };
}

/**
 * Small images with a line of text each.
 * @param {Data} data
 * @param {string} source
 */
function imageRow({ side, values, columns, most }, source) {
  const slots = Array.from({ length: DIGITS_SHOWN }, () => {
    const image = imageCanvas({ sharp: true });
    setAttributes(image.node, { role: "presentation" });
    image.node.hidden = !side;
    const text = html("span", { dir: "auto" });
    return { image, text, node: html("div", {}, image.node, text), shown: -1 };
  });
  const nodes = slots.map(({ node }) => node);
  const node = html("div", { class: "l7-train-images", "data-source": source }, ...nodes);

  /** @param {{ index: number, text: string }[]} items */
  function draw(items) {
    slots.forEach((slot, i) => {
      slot.node.hidden = !items[i];
      if (!items[i]) return;
      const { index, text } = items[i];
      setText(slot.text, text);
      if (!side || slot.shown === index) return;
      const pixels = new Uint8ClampedArray(4 * columns).fill(255);
      for (let k = 0; k < columns; k++) {
        pixels.fill(255 - (255 * values[index * columns + k]) / most, 4 * k, 4 * k + 3);
      }
      slot.image.show({ data: pixels, width: side, height: side });
      slot.shown = index;
    });
  }
  return { node, draw };
}

/**
 * The validation images that a side gets wrong most often, and the wrong labels it has memorized.
 * @param {Data} data
 */
export function imageLists(data) {
  const rows = SIDES.map((name) => {
    const mistakes = imageRow(data, `mistakes${name}`);
    const memory = imageRow(data, `memory${name}`);
    const [first, second] = [html("figcaption"), html("figcaption")];
    const figures = [figure(first, mistakes.node), figure(second, memory.node)];
    return { mistakes, memory, first, second, figures };
  });
  const figures = rows.flatMap((row) => row.figures);
  const node = html("div", { class: "l7-train-lists" }, ...figures);

  /** @param {State} state */
  function draw({ sides, seeds, isBusy }) {
    if (isBusy) return; // they are looked at when the training has ended
    rows.forEach((row, i) => {
      const { mistakes, memory } = sides[i].lists();
      const { found, wrong, shown } = memory;
      row.mistakes.draw(mistakes);
      row.memory.draw(shown);
      const all = seeds === 1 ? "1 seed" : `${seeds} seeds`;
      setText(row.first, `${SIDES[i]} gets wrong most often (${all}): class\u00a0→\u00a0answer`);
      const share = `${found} of ${wrong} wrong labels (seed 1): class\u00a0→\u00a0label`;
      setText(row.second, `${SIDES[i]} memorized ${wrong ? share : "no label: none is wrong"}`);
    });
  }
  return { node, draw };
}

/**
 * A drawing with one more dot, and paler ink beside it.
 * @param {number[]} values of the pixels, 0 to `PAD_INK`
 * @param {number} column
 * @param {number} row
 * @param {number} side of the image, pixels
 */
function withDot(values, column, row, side) {
  const painted = [...values];
  for (const [dx, dy, ink] of DOT) {
    const [x, y] = [column + dx, row + dy];
    const isInside = x >= 0 && y >= 0 && x < side && y < side;
    if (isInside) painted[y * side + x] = Math.max(painted[y * side + x], ink);
  }
  return painted;
}

/**
 * The RGBA bytes of a drawing: dark ink, and the cursor.
 * @param {number[]} values of the pixels, 0 to `PAD_INK`
 * @param {number} cursor index of a pixel; -1: none
 */
function padPixels(values, cursor) {
  const pixels = new Uint8ClampedArray(4 * values.length).fill(255);
  values.forEach((value, i) => {
    const level = 255 - (255 * value) / PAD_INK;
    pixels.set(i === cursor ? CURSOR_COLOUR : [level, level, level], 4 * i);
  });
  return pixels;
}

/**
 * An image that the reader draws, and what both sides see in it.
 * @param {Frame} frame
 * @param {Data} data
 */
export function drawingPad(frame, { side, columns }) {
  const image = imageCanvas({ sharp: true });
  const help = "Draw a digit: arrow keys move, space draws, Delete clears.";
  setAttributes(image.node, { role: "application", tabindex: 0, "aria-label": help });
  const line = note({ spoken: true });
  const clear = html("button", { type: "button", tabindex: -1 }, "Clear");
  const place = html("div", { class: "l7-train-pad" }, image.node, clear);
  const node = figure("Draw a digit for A and B", place, line);
  node.hidden = !side;
  let cursor = -1;

  /** @returns {number[]} */
  function values() {
    const pad = frame.model.get("pad");
    return pad.length ? [...pad] : Array(columns).fill(0);
  }

  /**
   * @param {number} column
   * @param {number} row
   */
  function paint(column, row) {
    const isInside = column >= 0 && row >= 0 && column < side && row < side;
    if (isInside) frame.set("pad", withDot(values(), column, row, side));
  }

  /** @param {PointerEvent} event */
  function paintAt({ clientX, clientY }) {
    const box = image.node.getBoundingClientRect();
    const share = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    const [column, row] = share.map((value) => Math.floor(value * side));
    paint(column, row);
  }

  image.node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    paintAt(event);
    frame.drag(event, paintAt);
  });
  image.node.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: side, ArrowUp: -side };
    const move = /** @type {Record<string, number>} */ (moves)[event.key];
    const start = Math.max(0, cursor);
    if (move) cursor = cursor < 0 ? 0 : Math.min(columns - 1, Math.max(0, cursor + move));
    else if (event.key === " ") paint(start % side, Math.floor(start / side));
    else if (event.key === "Delete") frame.set("pad", []);
    else return;
    event.preventDefault();
    show();
  });
  image.node.addEventListener("blur", () => {
    cursor = -1;
    show();
  });
  clear.addEventListener("click", () => frame.set("pad", []));

  function show() {
    image.show({ data: padPixels(values(), cursor), width: side, height: side });
  }

  /** @param {State} state */
  function draw({ answers }) {
    if (!side) return;
    show();
    setText(line, answers);
  }
  return { node, draw };
}

/**
 * The comparisons of this visit; a button sets one up again.
 * @param {Frame} frame
 * @param {string[]} traits
 */
export function runTable(frame, traits) {
  /** @type {{ key: string, words: string, numbers: string[], state: Record<string, any> }[]} */
  const kept = [];
  const columns = ["comparison", "A, %", "B, %", "B − A"];
  const buttons = Array.from({ length: RUNS_SHOWN }, (_, i) => {
    const node = html("button", { type: "button" }, "none yet");
    node.addEventListener("click", () => frame.setAll(kept[i].state));
    return node;
  });
  const table = numberTable(
    columns,
    buttons.map((button) => [button]),
  );
  const caption = note({ text: "Comparisons of this visit; press one to set it up again:" });
  const node = html("div", { class: "l7-panel l7-train-runs" }, caption, table.node);

  function show() {
    table.rows.forEach(({ node: row, cells }, i) => {
      row.hidden = !kept[i];
      if (!kept[i]) return;
      setText(buttons[i], kept[i].words);
      cells.forEach((cell, k) => {
        setText(cell, kept[i].numbers[k]);
      });
    });
  }
  show();

  /** @param {State} state */
  function draw({ isBusy, sides, difference, words, key }) {
    const [a, b] = sides.map(({ mean: scores }) => scores);
    if (isBusy || !a || !b || kept[0]?.key === key) return;
    const before = kept.findIndex((row) => row.key === key);
    if (before > 0) kept.splice(before, 1);
    const gain = difference?.mean ?? 0;
    const numbers = [percentText(a.accuracy), percentText(b.accuracy), fixed(gain, 1)];
    const text = `A: ${words[0]}. B: ${words[1]}`;
    kept.unshift({ key, words: text, numbers, state: frame.snapshot(traits) });
    kept.length = Math.min(kept.length, RUNS_SHOWN);
    show();
  }
  return { node, draw };
}

/**
 * A sentence with numbers below the headline.
 * @param {Frame} frame
 */
export function verdictLine(frame) {
  const node = note();
  const drawLine = liveLine(frame, node);

  /** @param {State} state */
  function draw({ verdict }) {
    drawLine([verdict]);
  }
  return { node, draw };
}
