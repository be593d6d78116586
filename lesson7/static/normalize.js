// (x − mean) ÷ sd of a batch, drawn with its pictures; its channels before and after, and how the
// statistics of batches scatter.

import { createNumberBinding } from "./bindings.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { pythonFloat } from "./code.js";
import { button, numberField, select, slider } from "./controls.js";
import { cropTensor, photoAt } from "./crop.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { capitalize, fixed, quoted } from "./format.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { addHandle, grip, pointerPosition } from "./handle.js";
import { dotRow, stepPath, tickLabels } from "./histogram.js";
import { connectKernel, kernelRows } from "./kernel.js";
import { fraction, identifier, liveLine, mathText, operator, subscript } from "./live.js";
import { networkBars, topClasses } from "./network.bars.js";
import { networkPart, networkRows, showWithNetwork } from "./network.js";
import {
  CHANNELS,
  changeStatistics,
  chosenStatistics,
  countValues,
  describePredictions,
  describeResult,
  describeScatter,
  histogramBins,
  LEAST_SD,
  MODEL_RANGE,
  moments,
  nextPixel,
  normalizeMoments,
  normalizers,
  pixelAt,
  pixelPosition,
  pixelValues,
  predictionQuestion,
  recolour,
  shownLevels,
  sumCounts,
  tileImages,
} from "./normalize.math.js";
import { PhotoError, withPhoto } from "./photo.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import { randomChoice, randomInt } from "./random.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Formula, LiveNode, Quantity } from "./live.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { Kind, Moments, Pixel, Running, Statistics } from "./normalize.math.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Result } from "./pin.js" */

/** @type {Record<Kind, string>} */
const KINDS = {
  none: "none",
  batch: "this batch",
  dataset: "whole dataset",
  imagenet: "ImageNet",
  own: "your own",
};
/** @type {Record<Kind, string>} */
const BEGINNINGS = {
  none: "Without normalization",
  batch: "With its own statistics",
  dataset: "With the dataset's statistics",
  imagenet: "With ImageNet's statistics",
  own: "With your own statistics",
};
const KIND_CHOICES = /** @type {[Kind, string][]} */ (Object.entries(KINDS));
/** @type {[Running, string][]} */
const RUNNING_CHOICES = [
  ["stored", "stored in training"],
  ["batch", "of all pictures here"],
];
const TRAITS = ["draw", "bs", "kind", "show", "running", "own_mean", "own_std"];
/** @type {("mean" | "sd")[]} */
const MOMENTS = ["mean", "sd"];
const BINS = 64;
const CHART_WIDTH = 420;
const CHART_HEIGHT = 46;
const ASKED_LATER = 2; // pictures at a time, while nothing else is asked
const GUESS_TOLERANCE = 0.02;
const MIDDLE_GREY = 0.18; // luminance, 0 to 1
const VALUE_TOLERANCE = 0.05; // of a normalized value
const LARGEST_OWN_MEAN = 1; // where all are above it, `normalize` takes them for those of bytes

/** @param {number} value */
const three = (value) => fixed(value, 3);
/** @param {number} value */
const identity = (value) => value;
/** @param {number} c */
const colour = (c) => `color: var(--l7-${CHANNELS[c]})`;

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
    credits: /** @type {string[]} */ (model.get("credits")),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/** What the reader points at; it is not a part of the state. */
class Pointing {
  redraw = () => {};
  isAtPicture = false;
  /** @type {number | null} a channel that is pointed at */
  channel = null;
  /** @type {number | null} a channel that was pressed */
  pressed = null;

  /** @param {number} side of an image, pixels */
  constructor(side) {
    const centre = Math.floor(side / 2);
    /** @type {Pixel} */
    this.pixel = { tile: 0, x: centre, y: centre };
  }

  /** @param {Partial<Pick<Pointing, "isAtPicture" | "channel" | "pressed" | "pixel">>} change */
  set(change) {
    Object.assign(this, change);
    this.redraw();
  }
}

/**
 * @param {Data} data
 * @param {Pointing} pointing
 */
function stateReader({ sprite, side, counts, draws, known }, pointing) {
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

  /** @param {number[]} images */
  function pointedAt(images) {
    const { isAtPicture, pixel } = pointing;
    const place = pixel.tile < images.length ? pixel : { ...pixel, tile: 0 };
    const image = images[place.tile];
    const values = pixelValues(sprite, side, { ...place, image });
    const alone = pointing.channel ?? pointing.pressed;
    return { place, image, values, isAtPicture, alone, channel: alone ?? 0 };
  }

  /** @param {Get} get */
  return function read(get) {
    /** @type {Kind} */
    const kind = get("kind");
    const draw = +get("draw");
    const bs = +get("bs");
    const batches = Array.from({ length: draw + 1 }, (_, i) => momentsOf(i, bs));
    const before = batches[draw];
    const own = /** @type {Statistics} */ ([get("own_mean"), get("own_std")]);
    const statistics = chosenStatistics(kind, before, { ...known, own });
    const images = draws[draw].slice(0, bs);
    return {
      draw,
      bs,
      kind,
      batches,
      images,
      before,
      statistics,
      isFile: get("show") === "file",
      running: /** @type {Running} */ (get("running")),
      normalize: normalizers(statistics),
      after: normalizeMoments(before, statistics),
      ...pointedAt(images),
    };
  };
}

/** @typedef {ReturnType<ReturnType<typeof stateReader>>} State */

/**
 * A field for one number of a list.
 * @param {Frame} frame
 * @param {string} label
 * @param {string} trait
 * @param {number} index
 * @param {{ min: number, max: number, step: number }} range
 */
function listNumberField(frame, label, trait, index, range) {
  /** @type {() => number[]} */
  const list = () => frame.model.get(trait);
  return numberField(frame, label, {
    ...range,
    trait: `${trait}.${index}`,
    traits: [trait],
    get: () => list()[index],
    set: (value) => frame.set(trait, list().with(index, value)),
  });
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addControls(frame, { draws, counts }) {
  select(frame, "Normalize with", KIND_CHOICES, { trait: "kind" });
  button(frame.controls, "Another batch", () => {
    frame.set("draw", (frame.model.get("draw") + 1) % draws.length);
  });
  slider(frame, "Batch size", { trait: "bs", min: 1, max: counts.length });
  const parent = frame.more;
  slider(frame, "Batch", {
    trait: "draw",
    min: 0,
    max: draws.length - 1,
    parent,
    format: (draw) => `${draw + 1} of ${draws.length}`,
  });
  /** @type {[string, string][]} */
  const views = [
    ["file", "as in the file"],
    ["model", "as the model sees them"],
  ];
  select(frame, "Large pictures", views, { trait: "show", parent });
  if (frame.model.get("has_batch_norm")) {
    select(frame, "Batch normalization", RUNNING_CHOICES, { trait: "running", parent });
  }
  const fields = CHANNELS.flatMap((name, c) => {
    const mean = { min: -10, max: 10, step: 0.001, parent };
    const sd = { ...mean, min: 0.001 };
    return [
      listNumberField(frame, `${name} mean`, "own_mean", c, mean).node,
      listNumberField(frame, `${name} sd`, "own_std", c, sd).node,
    ];
  });
  frame.on(["kind"], showFields);
  showFields();

  function showFields() {
    for (const field of fields) field.hidden = frame.model.get("kind") !== "own";
  }
}

/**
 * Numbers that can be changed in the text and in the histograms: the statistics in use, and what
 * they make of the batch. Changing one selects the reader's own statistics.
 * @param {Frame} frame
 * @param {() => State} read
 */
function addNumbers(frame, read) {
  /**
   * @param {number} moment
   * @param {number} channel
   * @param {number} value
   */
  function change(moment, channel, value) {
    const { statistics, kind } = read();
    const isOwn = kind === "own";
    const [means, sds] = changeStatistics(statistics, { moment, channel, value, isOwn });
    frame.setAll({ own_mean: means, own_std: sds, kind: "own" });
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {{ min: number, max: number, step: number, get: () => number,
   *   set: (value: number) => void }} options
   */
  function add(name, label, options) {
    frame.addBinding(
      createNumberBinding({ name, label, isLinked: false, format: three, ...options }),
    );
  }

  CHANNELS.forEach((channel, c) => {
    MOMENTS.forEach((moment, m) => {
      add(`${moment}.${c}`, `${channel} ${moment} in use`, {
        min: m * LEAST_SD,
        max: 1,
        step: LEAST_SD,
        get: () => read().statistics[m][c],
        set: (value) => change(m, c, value),
      });
    });
    const after = { min: -MODEL_RANGE, max: MODEL_RANGE, step: 0.01 };
    add(`after.mean.${c}`, `${channel} mean after`, {
      ...after,
      get: () => read().after[c].mean,
      set(value) {
        const { before, statistics } = read();
        change(0, c, rounded(before[c].mean - value * statistics[1][c]));
      },
    });
    add(`after.sd.${c}`, `${channel} sd after`, {
      ...after,
      min: 0.05,
      get: () => read().after[c].sd,
      set: (value) => change(1, c, Math.max(0.001, rounded(read().before[c].sd / value))),
    });
  });
}

/** @param {number} value */
const rounded = (value) => Number(value.toFixed(3));

/**
 * A number as it is shown in a line.
 * @param {string} name
 * @param {number} value
 * @param {string} source
 * @param {string} [scrub]
 * @returns {Quantity}
 */
function shownNumber(name, value, source, scrub) {
  return { name, value, text: three(value), source, scrub };
}

/**
 * A statistic in use.
 * @param {State} state
 * @param {number} m 0: the mean, 1: the sd
 * @param {number} c
 * @param {string} [name]
 */
function statistic({ statistics }, m, c, name = `${MOMENTS[m]}.${c}`) {
  const source = `${MOMENTS[m]}.${c}`;
  return shownNumber(name, statistics[m][c], source, source);
}

/**
 * The batch in a grid, with a ring around the pixel that the formula is about.
 * @param {Pointing} pointing
 * @param {Data} data
 */
function batchPicture(pointing, { sprite, side }) {
  const canvas = imageCanvas();
  const ring = html("i", { class: "l7-normalize-ring" });
  const node = html("div", { class: "l7-normalize-grid" }, canvas.node, ring);
  let count = 0;
  let shown = "";

  /** @param {PointerEvent} event */
  function point(event) {
    const pixel = pixelAt(pointerPosition(node, event), { count, side });
    if (pixel) pointing.set({ pixel, isAtPicture: true });
  }
  node.addEventListener("pointermove", point);
  node.addEventListener("pointerdown", point);
  node.addEventListener("pointerleave", () => {
    if (!node.matches(":focus")) pointing.set({ isAtPicture: false });
  });

  /**
   * @param {State} state
   * @param {((value: number) => number)[] | null} normalize
   */
  function draw({ images, place, alone, statistics }, normalize) {
    count = images.length;
    const key = JSON.stringify([images, alone, normalize && statistics]);
    if (key !== shown) {
      const tiled = tileImages(sprite, side, images);
      const isPlain = !normalize && alone === null;
      if (!isPlain) recolour(tiled.data, shownLevels(normalize), alone);
      canvas.show(tiled);
    }
    shown = key;
    const { x, y } = pixelPosition(place, { count, side });
    Object.assign(ring.style, { left: `${100 * x}%`, top: `${100 * y}%` });
  }
  return { node, canvas: canvas.node, draw };
}

/**
 * The batch as in its files: focused, arrow keys lead from picture to picture.
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
function filePicture(pointing, data, read) {
  const picture = batchPicture(pointing, data);
  const { node } = picture;
  setAttributes(node, { tabindex: 0, role: "application" });
  node.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const { place, images } = read();
    const press = { key: event.key, isFine: event.shiftKey };
    const pixel = nextPixel(place, press, { count: images.length, side: data.side });
    if (pixel) pointing.set({ pixel, isAtPicture: true });
  });
  node.addEventListener("focus", () => pointing.set({ isAtPicture: true }));
  node.addEventListener("blur", () => pointing.set({ isAtPicture: false }));

  /** @param {State} state */
  function draw(state) {
    picture.draw(state, null);
    const { bs, image, place, channel } = state;
    setAttributes(picture.canvas, { "aria-label": `${bs} pictures, as in the file` });
    const at = `picture ${place.tile + 1}, pixel ${place.x}, ${place.y}`;
    const keys = "Arrow keys: another picture; with Shift: another pixel";
    setAttributes(node, {
      "aria-label": `The batch: ${at}. ${keys}`,
      title: data.credits[image] ?? "",
      "data-source": `x.${channel}`,
    });
  }
  return { node, draw };
}

/**
 * @param {Pointing} pointing
 * @param {Data} data
 */
function modelPicture(pointing, data) {
  const picture = batchPicture(pointing, data);
  const scale = [html("span", {}, "−3"), html("i"), html("span", {}, "+3")];
  const legend = html("div", { class: "l7-normalize-scale", "aria-hidden": "true" }, ...scale);

  /** @param {State} state */
  function draw(state) {
    picture.draw(state, state.normalize);
    const label = `${state.bs} pictures, as the model sees them: −3 is black, +3 is white`;
    setAttributes(picture.canvas, { "aria-label": label });
    setAttributes(picture.node, { "data-source": `z.${state.channel}` });
  }
  return { node: picture.node, legend, draw };
}

/**
 * A colour: the mean or the sd in use of each channel, with its numbers.
 * @param {Frame} frame
 * @param {number} m 0: the mean, 1: the sd
 */
function swatch(frame, m) {
  const lines = CHANNELS.map(() => html("span"));
  const drawLines = lines.map((line) => liveLine(frame, line));
  const label = `${MOMENTS[m]} in use, of each channel`;
  const group = { class: "l7-normalize-swatch", role: "group", "aria-label": label };
  const node = html("div", group, ...lines);

  /** @param {State} state */
  function draw(state) {
    const values = state.statistics[m];
    const bytes = values.map((value) => Math.min(255, Math.max(0, Math.round(255 * value))));
    const [red, green, blue] = bytes.map((byte) => (byte / 255) ** 2.2);
    const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    const isDark = luminance < MIDDLE_GREY;
    node.style.background = `rgb(${bytes})`;
    node.style.color = isDark ? "#fff" : "#000";
    setAttributes(node, { "data-source": `${MOMENTS[m]}.${state.channel}` });
    drawLines.forEach((drawLine, c) => {
      drawLine([`${CHANNELS[c]} `, statistic(state, m, c)]);
    });
  }
  return { node, draw };
}

/**
 * The line of arithmetic: the batch, minus the mean, divided by the sd, is what the model sees.
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
function pictureLine(frame, pointing, data, read) {
  const file = filePicture(pointing, data, read);
  const seen = modelPicture(pointing, data);
  const swatches = [swatch(frame, 0), swatch(frame, 1)];
  const captions = ["", "μ: mean", "σ: sd", ""].map((text) => html("figcaption", {}, text));
  setAttributes(captions[0], { "aria-live": "polite" });
  /** @param {string} text */
  const sign = (text) => html("span", { "aria-hidden": "true" }, text);
  const parts = [
    ...[sign("("), figure(captions[0], file.node), sign("−")],
    ...[figure(captions[1], swatches[0].node), sign(")"), sign("÷")],
    ...[figure(captions[2], swatches[1].node), sign("=")],
    figure(captions[3], seen.node, seen.legend),
  ];
  const node = html("div", { class: "l7-normalize-line", "data-picture": "" }, ...parts);

  /** @param {State} state */
  function draw(state) {
    for (const part of [file, seen, ...swatches]) part.draw(state);
    const { isFile, alone, isAtPicture, place, image } = state;
    setAttributes(node, { "data-large": isFile ? "file" : "model" });
    const only = alone === null ? null : `${CHANNELS[alone]} alone`;
    const credit = data.credits[image] ? `, photo: ${data.credits[image]}` : "";
    const batch = `batch ${state.draw + 1} of ${data.draws.length}`;
    const what = isAtPicture ? `picture ${place.tile + 1}${credit}` : (only ?? batch);
    setText(captions[0], `x: ${what}`);
    setText(captions[3], `z: ${only ?? `what the model sees${isFile ? "" : ", −3 to +3"}`}`);
  }
  return { node, draw };
}

/**
 * @param {{ low: number, high: number }} axis
 * @returns {(value: number) => number} x coordinate, at an end for values past it
 */
function axisPosition({ low, high }) {
  return (value) => {
    const share = (value - low) / (high - low);
    return CHART_WIDTH * Math.min(1, Math.max(0, share));
  };
}

/** @param {number[] | Float64Array} bins */
function binPath(bins) {
  const top = Math.max(...bins) || 1;
  const tops = Array.from(bins, (pixels) => CHART_HEIGHT * (1 - (0.95 * pixels) / top));
  return stepPath(tops, CHART_WIDTH, CHART_HEIGHT);
}

/**
 * A histogram with a line and a band of one standard deviation on both sides of it.
 * @param {{ low: number, high: number, ticks: number[], sources: string[] }} options sources: of
 *   the line, the band, the mark and the dashed line
 */
function histogram({ low, high, ticks, sources }) {
  const x = axisPosition({ low, high });
  const [lineSource, bandSource, markSource, otherSource] = sources;
  const area = { y: 0, height: CHART_HEIGHT };
  const paint = { ...area, fill: "currentColor", opacity: 0.16, "data-source": bandSource };
  const band = svg("rect", paint);
  const shape = svg("path", { fill: "currentColor", opacity: 0.75 });
  const one = svg("path", { class: "l7-normalize-one" });
  const ghosts = {
    band: svg("rect", { ...area, class: "l7-ghost" }),
    line: pinLine(0, CHART_HEIGHT),
  };
  const line = markLine(0, CHART_HEIGHT);
  setAttributes(line, { "data-source": lineSource });
  const dashed = { class: "l7-normalize-other", "data-source": otherSource };
  const other = svg("line", { ...dashed, y1: 0, y2: CHART_HEIGHT });
  const mark = svg("path", { class: "l7-normalize-mark", "data-source": markSource });
  const axis = axisLine(CHART_WIDTH, CHART_HEIGHT);
  const labels = tickLabels(ticks, CHART_WIDTH, CHART_HEIGHT + 16);
  const box = { left: -8, top: -8, width: CHART_WIDTH + 16 };
  const height = CHART_HEIGHT + (ticks.length ? 28 : 14);
  const marks = [band, shape, one, axis, ghosts.band, ghosts.line, other, line, mark, ...labels];
  const node = drawing({ ...box, height }, ...marks);

  /**
   * @param {SVGRectElement} rect
   * @param {Moments} moments
   */
  function moveBand(rect, { mean, sd }) {
    const left = x(mean - sd);
    setAttributes(rect, { x: left, width: x(mean + sd) - left });
  }

  /**
   * @param {{ counts: Uint32Array[], position: (value: number) => number, moments: Moments,
   *   reference: number, pixel: number }} options counts: of the batch, and of the picture that is
   *   pointed at; position: on the axis, of a value in [0, 1]; reference: dashed; pixel: marked
   */
  function draw({ counts, position, moments, reference, pixel }) {
    const paths = counts.map((count) =>
      binPath(histogramBins(count, position, { low, high, bins: BINS })),
    );
    setAttributes(shape, { d: paths[0] });
    setAttributes(one, { d: paths[1] ?? "" });
    moveLine(line, x(moments.mean));
    moveLine(other, x(reference));
    moveBand(band, moments);
    const place = `M${x(pixel)} ${CHART_HEIGHT - 2}`;
    setAttributes(mark, { d: `${place}l-5 8h10Z` });
  }

  /** @param {Moments | null} moments */
  function drawPin(moments) {
    movePin(ghosts.line, moments && x(moments.mean));
    setVisible(ghosts.band, moments !== null);
    if (moments) moveBand(ghosts.band, moments);
  }
  drawPin(null);
  return { node, x, draw, drawPin };
}

/**
 * Grips on the mean's line and on both edges of the band, which change the statistics in use.
 * @param {Frame} frame
 * @param {ReturnType<typeof histogram>} chart
 * @param {number} c
 * @param {() => State} read
 */
function statisticGrips(frame, { node, x }, c, read) {
  const [mean, left, right] = [grip(), grip(), grip()];
  node.append(left.node, right.node, mean.node);
  setAttributes(mean.node, { "data-source": `mean.${c}` });
  addHandle(frame, mean.node, {
    trait: "own_mean",
    axis: "x",
    area: node,
    start: () => (position) => frame.numberBinding(`mean.${c}`).setNear(position.x / CHART_WIDTH),
  });
  for (const edge of [left, right]) {
    setAttributes(edge.node, { "data-source": `sd.${c}` });
    addHandle(frame, edge.node, {
      trait: "own_std",
      axis: "x",
      area: node,
      start: () => (position) => {
        const distance = Math.abs(position.x / CHART_WIDTH - read().statistics[0][c]);
        frame.numberBinding(`sd.${c}`).setNear(distance);
      },
    });
  }

  /** @param {Moments} moments */
  return function draw(moments) {
    mean.move(x(moments.mean), 0);
    left.move(x(moments.mean - moments.sd), CHART_HEIGHT / 2);
    right.move(x(moments.mean + moments.sd), CHART_HEIGHT / 2);
  };
}

/**
 * A channel's name: pointing at it, or pressing it, shows that channel alone.
 * @param {Pointing} pointing
 * @param {number} c
 */
function channelName(pointing, c) {
  const attributes = { type: "button", class: "l7-kept", style: colour(c) };
  const node = html("button", attributes, CHANNELS[c]);
  const show = () => pointing.set({ channel: c });
  const hide = () => pointing.set({ channel: null });
  node.addEventListener("pointerenter", show);
  node.addEventListener("pointerleave", hide);
  node.addEventListener("focus", show);
  // Drawn once the focus has moved: the numbers of the formulas, which may get it, are replaced.
  node.addEventListener("blur", () => setTimeout(() => pointing.channel === c && hide()));
  node.addEventListener("click", () => {
    pointing.set({ pressed: pointing.pressed === c ? null : c });
  });
  return node;
}

/**
 * A channel's histogram with its name and moments.
 * @param {Frame} frame
 * @param {{ c: number, chart: ReturnType<typeof histogram>, name: Node, when: string }} options
 */
function channelRow(frame, { c, chart, name, when }) {
  const numbers = html("span");
  const drawNumbers = liveLine(frame, numbers);
  const head = html("div", { class: "l7-normalize-head" }, name, numbers);
  const node = html("div", { style: colour(c) }, head, chart.node);

  /** @param {Moments} moments */
  function draw({ mean, sd }) {
    const source = `${when}.${c}`;
    const [first, second] = [mean, sd].map((value, m) => {
      return shownNumber(`${source}.${MOMENTS[m]}`, value, source);
    });
    drawNumbers(["mean ", first, ", sd ", second]);
    const text = `mean ${three(mean)}, sd ${three(sd)}`;
    setAttributes(chart.node, { "aria-label": `${CHANNELS[c]} ${when}: ${text}` });
  }
  return { node, draw };
}

/**
 * The histogram of a channel before normalization, and the one after it.
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {{ c: number, read: () => State }} options
 */
function channelCharts(frame, pointing, { c, read }) {
  const isLast = c === CHANNELS.length - 1;
  const range = { low: -MODEL_RANGE, high: MODEL_RANGE };
  const ticks = isLast ? [-3, -2, -1, 0, 1, 2, 3] : [];
  const charts = {
    before: histogram({
      low: 0,
      high: 1,
      ticks: isLast ? [0, 0.5, 1] : [],
      sources: [`mean.${c}`, `sd.${c}`, `x.${c}`, `before.${c}`],
    }),
    after: histogram({ ...range, ticks, sources: [`after.${c}`, `after.${c}`, `z.${c}`, ""] }),
  };
  const drawGrips = statisticGrips(frame, charts.before, c, read);
  const [name, plain] = [channelName(pointing, c), html("span", {}, CHANNELS[c])];
  const before = channelRow(frame, { c, chart: charts.before, name, when: "before" });
  const after = channelRow(frame, { c, chart: charts.after, name: plain, when: "after" });

  /** @param {State} state */
  const inUse = ({ statistics: [means, sds] }) => ({ mean: means[c], sd: sds[c] });

  /**
   * @param {State} state
   * @param {Uint32Array[]} shown counts of the batch, and of the picture that is pointed at
   */
  function draw(state, shown) {
    const [own, result, moments] = [state.before[c], state.after[c], inUse(state)];
    const value = state.values[c];
    const plain = { counts: shown, position: identity, pixel: value };
    charts.before.draw({ ...plain, moments, reference: own.mean });
    const position = state.normalize[c];
    const changed = { counts: shown, position, pixel: position(value) };
    charts.after.draw({ ...changed, moments: result, reference: 0 });
    drawGrips(moments);
    before.draw(own);
    after.draw(result);
    setAttributes(name, { "aria-pressed": pointing.pressed === c });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    charts.before.drawPin(state && inUse(state));
    charts.after.drawPin(state?.after[c] ?? null);
  }
  return { before: before.node, after: after.node, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
function histograms(frame, pointing, { counts }, read) {
  const rows = CHANNELS.map((_, c) => channelCharts(frame, pointing, { c, read }));
  const title = "Before: drag μ, or an edge of μ ± σ (dashed: the batch's mean)";
  const before = figure(title, ...rows.map((row) => row.before));
  const afterTitle = "After: the batch's mean ± sd (dashed: 0)";
  const after = figure(afterTitle, ...rows.map((row) => row.after));
  const node = html("div", { class: "l7-normalize-charts" }, before, after);

  /** @param {State} state */
  function draw(state) {
    const { images, image, isAtPicture } = state;
    const shown = [sumCounts(counts, images), ...(isAtPicture ? [counts[image]] : [])];
    rows.forEach((row, c) => {
      row.draw(
        state,
        shown.map((count) => count[c]),
      );
    });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    for (const row of rows) row.drawPin(state);
  }
  return { node, after, draw, drawPin };
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
  const node = drawing({ width, height }, axisLine(width, height / 2), ...dots.nodes, line);

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
  const rows = strips.flatMap((pair, c) => {
    const name = html("span", { style: colour(c) }, CHANNELS[c]);
    return [name, ...pair.map(({ node }) => html("div", { style: colour(c) }, node))];
  });
  const titles = ["", ...MOMENTS].map((title) => html("span", {}, title));
  const attributes = { class: "l7-normalize-dots", "data-source": "dots" };
  const grid = html("div", attributes, ...titles, ...rows);
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

/** @param {string[]} keys */
function picturesOfKeys(keys) {
  return { pictures: keys.map((key) => key.split(" ").map(Number)) };
}

/**
 * The pictures of the batch, each with the statistics in use; a 1 at the end where batch
 * normalization takes those of all pictures.
 * @param {State} state
 */
function batchKeys({ images, statistics: [means, sds], running }) {
  const end = running === "batch" ? [1] : [];
  return images.map((image) => [image, ...means, ...sds, ...end].join(" "));
}

/**
 * What a model predicts for the batch; hidden where there is none. In a kernel, it predicts with
 * any statistics.
 * @param {Frame} frame
 */
function predictions(frame) {
  const { model } = frame;
  const text = note({ spoken: true });
  const kernel = connectKernel(model, picturesOfKeys);
  const rows = kernel && kernelRows(kernel);
  const asking = rows && networkPart(frame, rows, { wanted: batchKeys });
  const node = html("div", {}, text, ...(asking ? [asking.node] : []));

  /** @param {State} state */
  function describe(state) {
    const best = rows?.lookup(batchKeys(state), `${state.running} ${state.bs}`) ?? null;
    const given = { ...model.get("says"), all: model.get("batch_says") };
    return describePredictions(given, model.get("right"), { ...state, best });
  }

  /**
   * What the model predicts, without a value until it has answered.
   * @param {State} state
   */
  function answer(state) {
    const isLate = rows && !rows.hasAll(batchKeys(state));
    return isLate ? { text: "" } : describe(state);
  }

  /** Whether there is a model. */
  const isThere = () => Boolean(model.get("says").dataset || kernel);

  /** @param {State} state */
  function draw(state) {
    asking?.draw(state);
    node.hidden = !isThere();
    if (node.hidden) return;
    const described = describe(state);
    setText(text, described.text);
    if (described.value === undefined) delete text.dataset.value;
    else setAttributes(text, { "data-value": described.value });
  }

  /** @param {() => void} redraw */
  function setRedraw(redraw) {
    asking?.setRedraw(redraw);
    kernel?.onChange(redraw);
  }
  return { node, draw, setRedraw, answer, isThere };
}

/** @typedef {ReturnType<typeof predictions>} Predictions */

/** @param {number} count of all images */
function resultNote(count) {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ kind, after, bs }) {
    setText(node, describeResult(kind, after, bs === count));
  }
  return { node, draw };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function headline({ kind, channel, after }) {
  const [mean, sd] = MOMENTS.map((moment) => {
    const scrub = `after.${moment}.${channel}`;
    return shownNumber(moment, after[channel][moment], `after.${channel}`, scrub);
  });
  const beginning = `${BEGINNINGS[kind]}, this batch has mean `;
  return [beginning, mean, " and sd ", sd, ` in ${CHANNELS[channel]}`];
}

/** @returns {Formula<State>[]} */
function formulas() {
  const [minus, equals] = ["−", "="].map(operator);
  const comma = mathText(",\u2003");
  const [x, z, mean, sd] = ["x", "z", "μ", "σ"].map(identifier);
  const [meanX, meanZ] = [x, z].map((letter) => {
    return { tag: "mover", children: [letter, operator("¯")] };
  });
  const [sdX, sdZ] = [x, z].map((letter) => subscript(identifier("s"), letter));

  return [
    {
      symbols: [z, equals, fraction([x, minus, mean], [sd])],
      spoken: "z is x minus mu, divided by sigma",
      numbers(state) {
        const { channel, values, normalize } = state;
        const value = values[channel];
        const before = shownNumber("x", value, `x.${channel}`);
        const after = shownNumber("z", normalize[channel](value), `z.${channel}`);
        const [used, usedSd] = [0, 1].map((m) => statistic(state, m, channel, MOMENTS[m]));
        return [equals, fraction([before, minus, used], [usedSd]), equals, after];
      },
    },
    {
      symbols: [
        ...[meanZ, equals, fraction([meanX, minus, mean], [sd]), comma],
        ...[sdZ, equals, fraction([sdX], [sd])],
      ],
      spoken:
        "the mean of z is the mean of x minus mu, divided by sigma; " +
        "the sd of z is the sd of x divided by sigma",
      numbers(state) {
        const { channel, before, after } = state;
        const [own, ownSd, result, resultSd] = [before, after].flatMap((all, i) => {
          const when = ["before", "after"][i];
          return MOMENTS.map((moment) => {
            return shownNumber(`${moment} ${when}`, all[channel][moment], `${when}.${channel}`);
          });
        });
        const [used, usedSd] = [0, 1].map((m) => statistic(state, m, channel, MOMENTS[m]));
        const again = { ...usedSd, name: "sd again" };
        return [
          ...[equals, fraction([own, minus, used], [usedSd]), equals, result, comma],
          ...[fraction([ownSd], [again]), equals, resultSd],
        ];
      },
    },
  ];
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
function results({ after }) {
  return CHANNELS.flatMap((name, c) => {
    return MOMENTS.map((moment) => {
      return { name: `${name}: ${moment} after`, value: after[c][moment], format: three };
    });
  });
}

/** @param {State} state */
function codeValues({ kind, images, statistics }) {
  const [mean, sd] = statistics.map((numbers) => `[${numbers.map(pythonFloat).join(", ")}]`);
  const isLarge = kind === "own" && Math.min(...statistics[0]) > LARGEST_OWN_MEAN;
  const values = { images: `[${images.join(", ")}]`, mean, sd };
  return { template: isLarge ? "large" : kind, values };
}

/**
 * Asks about another batch: for a channel's mean or sd after normalization, or for one value before
 * or after it; with the reader's own statistics where these are chosen. Where there is a model, for
 * what it predicts, too.
 * @param {Model} model
 * @param {number} batches
 * @param {() => State} read
 * @param {Predictions} predicted
 */
function createTasks(model, batches, read, predicted) {
  /** @param {(state: State, channel: number) => Question} ask */
  function task(ask) {
    const channel = randomInt(CHANNELS.length);
    const isOwn = model.get("kind") === "own";
    const kind = isOwn ? "own" : randomChoice(["batch", "dataset", "imagenet"]);
    const getQuestion = () => ask(read(), channel);
    return { state: { draw: randomInt(batches), kind }, getQuestion };
  }
  const moments = MOMENTS.map((moment) => {
    return () => task((state, channel) => momentQuestion(state, channel, moment));
  });
  const values = [valueQuestion, byteQuestion].map((ask) => () => {
    const byte = randomInt(256);
    return task((state, channel) => ask(state, channel, byte));
  });
  const ofModel = () => createModelTask(model, batches, read, predicted);
  return taskDeck([...moments, ...values, ...(predicted.isThere() ? [ofModel] : [])]);
}

/**
 * Asks what the model predicts for another batch, with the kind of statistics that is chosen.
 * @param {Model} model
 * @param {number} batches
 * @param {() => State} read
 * @param {Predictions} predicted
 */
function createModelTask(model, batches, read, predicted) {
  const kind = randomChoice(/** @type {Kind[]} */ (["none", "dataset", "imagenet"]));
  const isLabelled = model.get("right").length > 0;
  const getQuestion = () => {
    const state = read();
    const batch = { how: BEGINNINGS[state.kind], count: state.bs, isLabelled };
    return predictionQuestion(predicted.answer(state), batch);
  };
  return { state: { draw: randomInt(batches), kind }, getQuestion };
}

/**
 * @param {State} state
 * @param {number} channel
 * @param {"mean" | "sd"} moment
 * @returns {Question}
 */
function momentQuestion({ kind, before, statistics, after }, channel, moment) {
  const name = capitalize(CHANNELS[channel]);
  const mean = three(before[channel].mean);
  const sd = three(before[channel].sd);
  const [usedMean, usedSd] = statistics.map((values) => three(values[channel]));
  const shifted = `(${mean} − ${usedMean}) / ${usedSd}`;
  const scaled = `${sd} / ${usedSd}: subtracting a mean changes no spread`;
  return {
    text:
      `${name} has mean ${mean} and sd ${sd}. Normalized with ${usedMean} and ${usedSd} ` +
      `(${KINDS[kind]}), what is its ${moment}, to within ${GUESS_TOLERANCE}?`,
    answer: after[channel][moment],
    tolerance: GUESS_TOLERANCE,
    because: moment === "mean" ? shifted : scaled,
  };
}

/**
 * Asks what the model sees of a value.
 * @param {State} state
 * @param {number} channel
 * @param {number} byte
 * @returns {Question}
 */
function valueQuestion({ kind, statistics, normalize }, channel, byte) {
  const [mean, sd] = statistics.map((values) => three(values[channel]));
  const x = byte / 255;
  return {
    text:
      `A pixel has ${CHANNELS[channel]} ${three(x)} in the file. Normalized with ${mean} and ` +
      `${sd} (${KINDS[kind]}), what does the model see, to within ${VALUE_TOLERANCE}?`,
    answer: normalize[channel](x),
    tolerance: VALUE_TOLERANCE,
    because: `(${three(x)} − ${mean}) / ${sd}`,
  };
}

/**
 * Asks which value of the file the model sees as a given one.
 * @param {State} state
 * @param {number} channel
 * @param {number} byte
 * @returns {Question}
 */
function byteQuestion({ kind, statistics, normalize }, channel, byte) {
  const [mean, sd] = statistics.map((values) => three(values[channel]));
  const x = byte / 255;
  const z = fixed(normalize[channel](x), 2);
  return {
    text:
      `The model sees ${CHANNELS[channel]} ${z}, normalized with ${mean} and ${sd} ` +
      `(${KINDS[kind]}). What is it in the file, from 0 to 1, to within ${GUESS_TOLERANCE}?`,
    answer: x,
    tolerance: GUESS_TOLERANCE,
    because: `${z} × ${sd} + ${mean} undoes the normalization`,
  };
}

/**
 * The rows of a network for the pictures, each with the statistics in use and with its own.
 * @param {PageNetwork} network
 * @param {Data} data
 */
function pictureRows({ about, source, name }, { sprite, side }) {
  const rows = networkRows({ about, source, name });

  /**
   * @param {number} image
   * @param {Statistics} statistics
   */
  const keyOf = (image, [mean, std]) => [image, ...mean, ...std].join(" ");

  /** @param {string} key */
  function makeTensor(key) {
    const [image, ...numbers] = key.split(" ").map(Number);
    const statistics = { mean: numbers.slice(0, 3), std: numbers.slice(3) };
    const picture = photoAt(sprite, image * side, side, side);
    return cropTensor(picture, [0, 0, side, side], about.size, statistics);
  }

  /**
   * @param {number} image
   * @param {Statistics} statistics in use
   */
  function keysOf(image, statistics) {
    return [keyOf(image, statistics), keyOf(image, [about.mean, about.std])];
  }
  return {
    ...rows,
    keysOf,
    request: (/** @type {string[]} */ keys) => rows.request(keys, makeTensor),
  };
}

/**
 * What the page's network predicts for the picture that is pointed at, with the statistics in use
 * and with those that it was trained with; and for how many pictures of the batch they differ.
 * @param {Frame} frame
 * @param {PageNetwork} network
 * @param {Data} data
 */
function networkAnswers(frame, network, data) {
  const { about } = network;
  const rows = pictureRows(network, data);
  const part = networkPart(frame, rows, {
    wanted: (/** @type {State} */ { image, statistics }) => rows.keysOf(image, statistics),
    later: ({ images, statistics }) => missingKeys(images, statistics).slice(0, ASKED_LATER),
  });
  const used = networkBars(about, "With the statistics in use");
  const own = networkBars(about, `With ${about.label}'s own: ${describeStatistics(about)}`);
  const [change, count] = [note({ spoken: true }), note()];
  const pair = html("div", { class: "l7-network-pair" }, used.node, own.node);
  const node = html("div", { class: "l7-normalize-answers" }, pair, change, count, part.node);

  /**
   * @param {number[]} images
   * @param {Statistics} statistics
   */
  function missingKeys(images, statistics) {
    const keys = images.flatMap((image) => rows.keysOf(image, statistics));
    return keys.filter((key) => !rows.get(key));
  }

  /** @param {(number[] | undefined)[]} pair of rows */
  const firstClasses = (pair) => pair.map((row) => (row ? topClasses(row, 1)[0] : -1));

  /** @param {State} state */
  function draw(state) {
    part.draw(state);
    const { images, image, statistics, place } = state;
    const found = rows.keysOf(image, statistics).map((key) => rows.get(key));
    used.draw(found[0]);
    own.draw(found[1]);
    const [now, before] = firstClasses(found);
    const isKnown = found.every(Boolean);
    const picture = `Picture ${place.tile + 1}`;
    used.setCaption(`${picture}, with the statistics in use`);
    const [from, to] = [before, now].map((c) => quoted(about.classes[c] ?? ""));
    const same = `${picture} stays ${from}.`;
    if (isKnown) setText(change, now === before ? same : `${picture}: ${from} becomes ${to}.`);
    setText(count, describeChanges(images, statistics));
  }

  /**
   * @param {number[]} images
   * @param {Statistics} statistics
   */
  function describeChanges(images, statistics) {
    const pairs = images.map((image) => rows.keysOf(image, statistics).map((key) => rows.get(key)));
    const known = pairs.filter((found) => found.every(Boolean));
    const changed = known.filter((found) => {
      const [now, before] = firstClasses(found);
      return now !== before;
    });
    setAttributes(count, { "data-value": changed.length });
    const [answered, all] = [known.length, images.length];
    if (answered < all) return `The network has answered for ${answered} of ${all} pictures.`;
    return `These statistics change the class of ${changed.length} of ${all} pictures.`;
  }
  return { node, draw, setRedraw: part.setRedraw };
}

/** @param {{ mean: number[], std: number[] }} statistics */
function describeStatistics({ mean, std }) {
  /** @param {number[]} values of the channels */
  function listed(values) {
    const texts = values.map(three);
    return texts.every((text) => text === texts[0]) ? texts[0] : texts.join(", ");
  }
  return `mean ${listed(mean)}, sd ${listed(std)}`;
}

/**
 * @param {View} view
 * @param {PageNetwork | null} network
 */
async function build({ model, el }, network) {
  const data = await readData(model);
  const frame = new Frame({ model, el }, "Normalization");
  const pointing = new Pointing(data.side);
  const readState = stateReader(data, pointing);
  const read = () => readState((trait) => model.get(trait));
  addControls(frame, data);
  addNumbers(frame, read);

  const line = pictureLine(frame, pointing, data, read);
  const shapes = histograms(frame, pointing, data, read);
  const dots = scatter(data);
  const predicted = predictions(frame);
  const answers = network && networkAnswers(frame, network, data);
  const sentence = resultNote(data.counts.length);
  const notes = html("div", {}, sentence.node, predicted.node, dots.summary);
  const low = html("div", { class: "l7-normalize-low" }, dots.node, notes);
  frame.body.append(html("div", { class: "l7-normalize" }, line.node, shapes.node));

  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["own_mean", "own_std"],
    readState,
    headline,
    formulas: formulas(),
    code: codeValues,
    results,
    parts: [line, shapes, dots, predicted, sentence, ...(answers ? [answers] : [])],
    guess: {
      createTask: createTasks(model, data.draws.length, read, predicted),
      answerElements: [shapes.after, sentence.node, predicted.node],
      allowNegative: true,
    },
  });
  pointing.redraw = redraw;
  for (const part of [answers, predicted]) part?.setRedraw(redraw);
  frame.tools.before(low); // after the formulas
  if (answers) low.after(answers.node);
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (network) => build(view, network));
}

/**
 * What the explorer has of the reader's own photo: it is the whole batch.
 * @param {OpenPhoto} photo
 * @param {Get} get
 */
function ownTraits(photo, get) {
  /** @type {number} */
  const side = get("side");
  const pixels = photo.square(side);
  const [counts] = countValues(pixels, side);
  if (counts.some((count) => moments(count).sd === 0)) {
    throw new PhotoError("A channel of this photo has one value only: it has no sd to divide by.");
  }
  const draws = get("draws").map(() => [0]);
  return { pixels, draws, right: [], credits: [""], has_batch_norm: false, draw: 0, bs: 1 };
}

export default {
  render: withPhoto(render, { traits: TRAITS, predictions: ["says"], own: ownTraits }),
};
