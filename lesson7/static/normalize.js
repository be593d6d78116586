// A batch, its channels before and after normalization, and how batch statistics scatter.

import { decodePng, imageCanvas } from "./canvas.js";
import { button, listNumberField, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, svg } from "./dom.js";
import { fixed } from "./format.js";
import { Frame } from "./frame.js";
import { addGuess } from "./guess.js";
import {
  CHANNELS,
  chosenStatistics,
  countValues,
  describePredictions,
  describeResult,
  describeScatter,
  histogramBins,
  MODEL_RANGE,
  moments,
  normalizeMoments,
  normalizers,
  shownLevels,
  sumCounts,
  tileImages,
} from "./normalize.math.js";
import { axisLine, dotRow, markLine, moveLine, stepPath, tickLabels } from "./plot.js";
import { randomChoice, randomInt } from "./random.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Kind, Moments, Statistics } from "./normalize.math.js" */

/** @type {Record<Kind, string>} */
const KINDS = {
  none: "none",
  batch: "this batch",
  dataset: "whole dataset",
  imagenet: "ImageNet",
  own: "your own",
};
const KIND_CHOICES = /** @type {[Kind, string][]} */ (Object.entries(KINDS));
const TRAITS = ["draw", "bs", "kind", "show", "own_mean", "own_std"];
/** @type {("mean" | "sd")[]} */
const MOMENTS = ["mean", "sd"];
const COLUMNS = ["", "mean before", "sd before", "− mean", "÷ sd", "mean after", "sd after"];
const HIDDEN_COLUMNS = 4; // the guess hides those after
const BINS = 64;
const GUESS_TOLERANCE = 0.02;

/** @param {number} value */
const three = (value) => fixed(value, 3);
/** @param {string} channel */
const colour = (channel) => `color: var(--l7-${channel})`;

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
async function readData(model) {
  /** @type {Pixels} */
  const sprite = await decodePng(model.get("pixels"));
  /** @type {number} */
  const side = model.get("side");
  return {
    sprite,
    side,
    counts: countValues(sprite, side),
    draws: /** @type {number[][]} */ (model.get("draws")),
    known: /** @type {Record<string, Statistics>} */ (model.get("known")),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/**
 * @param {Model} model
 * @param {Data} data
 * @returns {() => State} reads the model and computes what the parts show
 */
function stateReader(model, { counts, draws, known }) {
  /** @type {Map<string, Moments[]>} */
  const batchMoments = new Map();

  /**
   * @param {number} draw
   * @param {number} bs
   */
  function momentsOf(draw, bs) {
    const key = `${draw} ${bs}`;
    const found = batchMoments.get(key);
    if (found) return found;
    const computed = sumCounts(counts, draws[draw].slice(0, bs)).map(moments);
    batchMoments.set(key, computed);
    return computed;
  }

  return () => {
    const [draw, bs, kind, show, ownMean, ownSd] = TRAITS.map((trait) => model.get(trait));
    const batches = Array.from({ length: draw + 1 }, (_, i) => momentsOf(i, bs));
    const before = batches[draw];
    const statistics = chosenStatistics(kind, before, { ...known, own: [ownMean, ownSd] });
    const images = draws[draw].slice(0, bs);
    return {
      ...{ draw, bs, kind, show, batches, images, before, statistics },
      count: sumCounts(counts, images),
      normalize: normalizers(statistics),
      after: normalizeMoments(before, statistics),
    };
  };
}

/**
 * @typedef {object} State
 * @property {number} draw which batch
 * @property {number} bs images in it
 * @property {Kind} kind
 * @property {"file" | "model"} show
 * @property {Moments[][]} batches for each batch so far, the moments of each channel
 * @property {number[]} images of the batch
 * @property {Uint32Array[]} count of pixel values in each channel
 * @property {Moments[]} before
 * @property {Statistics} statistics
 * @property {((value: number) => number)[]} normalize
 * @property {Moments[]} after
 */

/**
 * @param {Frame} frame
 * @param {Data} data
 * @returns {HTMLElement[]} the fields for the reader's own statistics
 */
function addControls(frame, { draws, counts }) {
  slider(frame, "Batch", {
    ...{ trait: "draw", min: 0, max: draws.length - 1 },
    format: (draw) => `${draw + 1} of ${draws.length}`,
  });
  button(frame, "Another batch", () => {
    frame.set("draw", (frame.model.get("draw") + 1) % draws.length);
  });
  slider(frame, "Images in it", { trait: "bs", min: 1, max: counts.length });
  select(frame, "Normalize with", KIND_CHOICES, { trait: "kind" });
  /** @type {[string, string][]} */
  const views = [
    ["file", "as in the file"],
    ["model", "as the model sees them"],
  ];
  select(frame, "Show pictures", views, { trait: "show" });
  return CHANNELS.flatMap((name, c) => {
    const mean = { min: -10, max: 10, step: 0.01 };
    const sd = { min: 0.001, max: 10, step: 0.01 };
    return [
      listNumberField(frame, `${name} mean`, "own_mean", c, mean).node,
      listNumberField(frame, `${name} sd`, "own_std", c, sd).node,
    ];
  });
}

/**
 * A histogram with a line at the mean and a band of one standard deviation on both sides.
 * @param {number} low
 * @param {number} high
 * @param {number[]} ticks
 */
function histogram(low, high, ticks) {
  const width = 260;
  const height = 52;
  /** @param {number} value */
  function clippedX(value) {
    return Math.min(width, Math.max(0, ((value - low) / (high - low)) * width));
  }

  const band = svg("rect", { y: 0, height, fill: "currentColor", opacity: 0.16 });
  const shape = svg("path", { fill: "currentColor", opacity: 0.75 });
  const line = markLine(0, height);
  const axis = axisLine(width, height);
  const labels = tickLabels(ticks, width, height + 12);
  const viewBox = `0 0 ${width} ${height + 15}`;
  const node = svg("svg", { viewBox, role: "img" }, band, shape, line, axis, ...labels);

  /**
   * @param {Uint32Array} count how many pixels have each value from 0 to 255
   * @param {(value: number) => number} position of a value in [0, 1] on the axis
   * @param {Moments} moments on the axis
   */
  function draw(count, position, { mean, sd }) {
    const bins = histogramBins(count, position, { low, high, bins: BINS });
    const top = Math.max(...bins) || 1;
    const tops = Array.from(bins, (pixels) => height - (pixels / top) * (height - 3));
    setAttributes(shape, { d: stepPath(tops, width, height) });
    moveLine(line, clippedX(mean));
    const left = clippedX(mean - sd);
    setAttributes(band, { x: left, width: clippedX(mean + sd) - left });
  }
  return { node, draw };
}

/** A histogram for each channel, before and after. */
function histograms() {
  const before = CHANNELS.map(() => histogram(0, 1, [0, 0.5, 1]));
  const ticks = Array.from({ length: 2 * MODEL_RANGE + 1 }, (_, i) => i - MODEL_RANGE);
  const after = CHANNELS.map(() => histogram(-MODEL_RANGE, MODEL_RANGE, ticks));
  /** @param {{ node: SVGElement }[]} charts */
  const coloured = (charts) =>
    charts.map(({ node }, c) => html("div", { style: colour(CHANNELS[c]) }, node));
  const beforeNode = figure("Before: pixel / 255", ...coloured(before));
  const afterNode = figure("After: (x − mean) / sd", ...coloured(after));

  /** @param {State} state */
  function draw(state) {
    CHANNELS.forEach((name, c) => {
      const charts = [
        { when: "before", chart: before[c], moments: state.before[c] },
        { when: "after", chart: after[c], moments: state.after[c] },
      ];
      for (const { when, chart, moments } of charts) {
        const position = when === "before" ? (/** @type {number} */ v) => v : state.normalize[c];
        chart.draw(state.count[c], position, moments);
        const text = `mean ${three(moments.mean)}, sd ${three(moments.sd)}`;
        setAttributes(chart.node, { "aria-label": `${name} ${when}: ${text}` });
      }
    });
  }
  return { node: html("div", { class: "l7-two l7-wide" }, beforeNode, afterNode), afterNode, draw };
}

/**
 * A dot for each batch drawn so far, and a line for the whole dataset.
 * @param {number} count of batches
 * @param {number} whole the dataset's value, in the middle
 * @param {number} spread distance from it to either end
 */
function strip(count, whole, spread) {
  const width = 150;
  const height = 26;
  const middle = width / 2;
  const dots = dotRow(count, height / 2);
  const line = markLine(2, height - 2);
  moveLine(line, middle);
  const parts = [axisLine(width, height / 2), ...dots.nodes, line];
  const node = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" }, ...parts);

  /** @param {number[]} values of the batches so far */
  function draw(values) {
    dots.draw(values.map((value) => middle + ((value - whole) / spread) * (middle - 6)));
  }
  return { node, draw };
}

/**
 * A strip for the mean and one for the standard deviation of each channel.
 * @param {Data} data
 */
function scatter({ counts, draws, known }) {
  const single = counts.map((image) => image.map(moments)); // of batches of one, the widest
  const [means, sds] = known.dataset;
  const strips = CHANNELS.map((_, c) => {
    return MOMENTS.map((moment) => {
      const whole = moment === "mean" ? means[c] : sds[c];
      const spread = Math.max(...single.map((image) => Math.abs(image[c][moment] - whole)));
      return { moment, whole, ...strip(draws.length, whole, spread || 1) };
    });
  });
  const nodes = strips.flatMap((pair, c) =>
    pair.map(({ node }) => html("div", { style: colour(CHANNELS[c]) }, node)),
  );
  const titles = MOMENTS.map((moment) => html("span", {}, moment));
  const grid = html("div", { class: "l7-two" }, ...titles, ...nodes);
  const summary = note();

  /** @param {State} state */
  function draw({ batches, bs }) {
    strips.forEach((pair, c) => {
      for (const { moment, whole, node, draw: drawStrip } of pair) {
        drawStrip(batches.map((batch) => batch[c][moment]));
        const what = `${CHANNELS[c]} ${moment} of ${batches.length} batches`;
        setAttributes(node, { "aria-label": `${what} beside the whole dataset's ${three(whole)}` });
      }
    });
    const reds = batches.map((batch) => batch[0].mean);
    setText(summary, describeScatter(reds, bs, means[0]));
  }
  return { node: figure("Each batch drawn, beside the whole dataset (line)", grid), summary, draw };
}

/**
 * The batch as a picture.
 * @param {Data} data
 */
function picture({ sprite, side }) {
  const caption = html("figcaption");
  const canvas = imageCanvas();

  /** @param {State} state */
  function draw({ images, show, normalize, bs }) {
    canvas.show(tileImages(sprite, side, images, shownLevels(show, normalize)));
    const isFile = show === "file";
    const range = "The batch, from −3 (black) to +3 (white)";
    setText(caption, isFile ? "The batch, as in the file" : range);
    const how = isFile ? "as in the file" : "as the model sees them";
    setAttributes(canvas.node, { "aria-label": `${bs} pictures, ${how}` });
  }
  return { node: figure(caption, canvas.node), draw };
}

/** The numbers before and after. */
function numbers() {
  const headers = CHANNELS.map((name) => [html("span", { style: colour(name) }, name)]);
  const table = numberTable(COLUMNS, headers);

  /** @param {State} state */
  function draw({ before, statistics: [means, sds], after }) {
    table.rows.forEach(({ cells }, c) => {
      const row = [before[c].mean, before[c].sd, means[c], sds[c], after[c].mean, after[c].sd];
      row.forEach((value, i) => {
        setNumber(cells[i], value, three);
      });
    });
  }
  const answerElements = table.rows.flatMap(({ cells }) => cells.slice(HIDDEN_COLUMNS));
  return { node: table.node, answerElements, draw };
}

/**
 * What a model predicts for the batch; hidden where there is none.
 * @param {Model} model
 */
function predictions(model) {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw(state) {
    const says = model.get("says");
    node.hidden = !says.dataset;
    if (node.hidden) return;
    const { text, value } = describePredictions(says, model.get("right"), state);
    setText(node, text);
    if (value !== undefined) setAttributes(node, { "data-value": value });
  }
  return { node, draw };
}

/** @param {HTMLElement[]} ownFields shown where the reader's own statistics are chosen */
function resultNote(ownFields) {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ kind, after }) {
    setText(node, describeResult(kind, after));
    for (const field of ownFields) field.hidden = kind !== "own";
  }
  return { node, draw };
}

/**
 * Asks for a channel's mean or sd after normalization of another batch; with the reader's own
 * statistics where these are chosen.
 * @param {Model} model
 * @param {number} batches
 * @param {() => State} readState
 */
function createMomentTask(model, batches, readState) {
  const channel = randomInt(CHANNELS.length);
  const moment = randomChoice(MOMENTS);
  const isOwn = model.get("kind") === "own";
  const kind = isOwn ? "own" : randomChoice(["batch", "dataset", "imagenet"]);
  const getQuestion = () => momentQuestion(readState(), channel, moment);
  return { state: { draw: randomInt(batches), kind }, getQuestion };
}

/**
 * @param {State} state
 * @param {number} channel
 * @param {"mean" | "sd"} moment
 */
function momentQuestion({ kind, before, statistics, after }, channel, moment) {
  const name = CHANNELS[channel][0].toUpperCase() + CHANNELS[channel].slice(1);
  const mean = three(before[channel].mean);
  const sd = three(before[channel].sd);
  const [usedMean, usedSd] = statistics.map((values) => three(values[channel]));
  const shifted = `(${mean} − ${usedMean}) / ${usedSd}`;
  const scaled = `${sd} / ${usedSd}: the mean taken off changes no spread`;
  return {
    text:
      `${name} has mean ${mean} and sd ${sd}. Normalized with ${usedMean} and ${usedSd} ` +
      `(${KINDS[kind]}), what is its ${moment}, to within ${GUESS_TOLERANCE}?`,
    answer: after[channel][moment],
    tolerance: GUESS_TOLERANCE,
    because: moment === "mean" ? shifted : scaled,
  };
}

/** @param {View} view */
async function render({ model, el }) {
  const data = await readData(model);
  const frame = new Frame({ model, el }, "Normalization: what the model sees");
  const ownFields = addControls(frame, data);
  const readState = stateReader(model, data);

  const batch = picture(data);
  const predicted = predictions(model);
  const dots = scatter(data);
  const shapes = histograms();
  const table = numbers();
  const result = resultNote(ownFields);
  const left = html("div", {}, batch.node, predicted.node, dots.node, dots.summary);
  const right = html("div", {}, shapes.node, table.node, result.node);
  frame.root.append(html("div", { class: "l7-normalize" }, left, right));

  frame.redraw(TRAITS, () => {
    const state = readState();
    for (const part of [batch, predicted, dots, shapes, table, result]) part.draw(state);
  });
  addGuess(frame, TRAITS, {
    createTask: () => createMomentTask(model, data.draws.length, readState),
    answerElements: [shapes.afterNode, result.node, ...table.answerElements],
    allowNegative: true,
  });
  return () => frame.close();
}

export default { render };
