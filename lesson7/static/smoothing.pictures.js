// What networks predict for a picture: their confidence, and their logits.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { select } from "./controls.js";
import { cropTensor, photoAt } from "./crop.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { quoted, significant } from "./format.js";
import { tickLabels } from "./histogram.js";
import { networkPart, networkRows, rowsTogether } from "./network.js";
import { axisLine, drawing, moveLine } from "./plot.js";
import { centredLogits, logit, trueClassTargets } from "./smoothing.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Frame, Model } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */

/** @typedef {{ picture: number, eps: number }} Shown */

const MOST_CLASSES_SHOWN = 5;
const WIDTH_OF_LOGITS = 420;
const ROW_OF_LOGITS = 34;
const TICK_STEP = 5;
const ACCENT = "var(--l7-accent)";
const COLOURS_OF_NETWORKS = ["var(--l7-red)", ACCENT];

/**
 * What Python gives and nothing changes; null: no networks were given.
 * @param {Model} model
 */
export async function readPictures(model) {
  /** @type {string[]} */
  const learners = model.get("learners");
  if (!learners.length) return null;
  /** @type {number} */
  const side = model.get("side");
  const sprite = await decodePng(model.get("pixels"));
  const count = sprite.height / side;
  return {
    learners,
    side,
    images: Array.from({ length: count }, (_, i) => photoAt(sprite, i * side, side, side)),
    vocab: /** @type {string[]} */ (model.get("vocab")),
    labels: /** @type {number[]} */ (model.get("labels")),
    predictions: /** @type {number[][][]} */ (model.get("predictions")),
  };
}

/** @typedef {NonNullable<Awaited<ReturnType<typeof readPictures>>>} Pictures */

/**
 * The rows of networks for pictures, one `networkRows` for each of them.
 * @param {PageNetwork[]} networks
 * @param {Pictures} pictures
 */
function pictureAnswers(networks, { images, side }) {
  return networks.map((network) => {
    const { about } = network;
    const rows = networkRows(network);
    /** @param {string} key */
    const makeTensor = (key) => cropTensor(images[+key], [0, 0, side, side], about.size, about);
    return { ...rows, request: (/** @type {string[]} */ keys) => rows.request(keys, makeTensor) };
  });
}

/**
 * The picture, and small ones to choose from.
 * @param {Frame} frame
 * @param {Pictures} pictures
 */
function pictureChoice(frame, { images, labels, vocab }) {
  /** @param {number} i */
  const nameOf = (i) => (labels.length ? `${i + 1}: ${vocab[labels[i]]}` : `${i + 1}`);
  /** @type {[number, string][]} */
  const choices = images.map((_, i) => [i, nameOf(i)]);
  select(frame, "Picture", choices, { trait: "picture", parent: frame.more });
  const large = imageCanvas();
  const buttons = images.map((image, i) => {
    const small = imageCanvas();
    small.show(image);
    setAttributes(small.node, { "aria-hidden": "true" });
    // The keyboard has the control of the same name.
    const label = { "aria-label": `picture ${nameOf(i)}`, title: nameOf(i), tabindex: -1 };
    const node = html("button", { type: "button", ...label }, small.node);
    node.addEventListener("click", () => frame.set("picture", i));
    return node;
  });
  const strip = html("div", { class: "l7-smoothing-strip l7-shortcuts" }, ...buttons);
  const caption = html("figcaption", { dir: "auto" });

  /** @param {number} picture */
  function draw(picture) {
    large.show(images[picture]);
    setAttributes(large.node, { "aria-label": `picture ${nameOf(picture)}` });
    setText(caption, `Picture ${nameOf(picture)}`);
    buttons.forEach((button, i) => {
      setAttributes(button, { "aria-pressed": i === picture });
    });
  }
  return { node: figure(caption, large.node, ...(images.length > 1 ? [strip] : [])), draw };
}

/**
 * One network's most probable classes as bars, with its confidence and its margin in a sentence.
 * @param {string} name
 * @param {string[]} classes
 * @param {string} colour
 */
function networkColumn(name, classes, colour) {
  const count = Math.min(MOST_CLASSES_SHOWN, classes.length);
  const chart = barChart(count);
  chart.node.style.setProperty("--l7-accent", colour === ACCENT ? "" : colour);
  const sentence = html("p", { class: "l7-note", dir: "auto" });
  const node = figure(html("figcaption", { dir: "auto" }, name), chart.node, sentence);

  /** @param {number[]} row */
  function draw(row) {
    const order = row.map((_, c) => c).sort((a, b) => row[b] - row[a]);
    chart.draw(order.slice(0, count).map((c) => [classes[c], row[c]]));
    const margin = centredLogits(row)[order[0]];
    const sure = `${row[order[0]].toFixed(3)} sure of ${quoted(classes[order[0]])}`;
    setText(sentence, `${sure}; its logit is ${margin.toFixed(1)} above the others' mean.`);
    setAttributes(sentence, { "data-value": margin });
  }
  return { node, draw };
}

/**
 * The ends of an axis that shows all values.
 * @param {number[]} values
 */
function logitRange(values) {
  const low = TICK_STEP * Math.floor(Math.min(-TICK_STEP, ...values) / TICK_STEP);
  const high = TICK_STEP * Math.ceil(Math.max(TICK_STEP, ...values) / TICK_STEP);
  return { low, high };
}

/**
 * The logits of all classes as dots, a row for each network.
 * @param {string[]} learners
 * @param {number} count of classes
 */
function logitPlot(learners, count) {
  const height = learners.length * ROW_OF_LOGITS;
  const rows = learners.map((name, i) => {
    const [y, fill] = [(i + 0.6) * ROW_OF_LOGITS, COLOURS_OF_NETWORKS[i]];
    const line = axisLine(WIDTH_OF_LOGITS, y);
    const text = svg("text", { x: 0, y: y - 10 }, name);
    const dots = Array.from({ length: count }, () => svg("circle", { cy: y, fill }));
    return { line, text, dots };
  });
  const best = svg("line", {
    y1: 0,
    y2: height,
    stroke: "var(--l7-fg)",
    "stroke-dasharray": "4 3",
  });
  const ticks = svg("g", {});
  const box = { left: -8, top: -4, width: WIDTH_OF_LOGITS + 16, height: height + 28 };
  const marks = rows.flatMap(({ line, text, dots }) => [line, text, ...dots]);
  const node = drawing(box, ...marks, best, ticks);

  /**
   * @param {number[][]} logits of each network
   * @param {number} bestMargin
   */
  function draw(logits, bestMargin) {
    const { low, high } = logitRange(logits.flat());
    /** @param {number} value */
    const placeOf = (value) => (WIDTH_OF_LOGITS * (value - low)) / (high - low);
    rows.forEach(({ dots }, i) => {
      const most = Math.max(...logits[i]);
      dots.forEach((dot, c) => {
        const isHighest = logits[i][c] === most;
        const size = isHighest ? { r: 6, opacity: 1 } : { r: 3.5, opacity: 0.45 };
        setAttributes(dot, { cx: placeOf(logits[i][c]), ...size });
      });
    });
    const isShown = bestMargin <= high;
    setVisible(best, isShown);
    if (isShown) moveLine(best, placeOf(bestMargin));
    const values = Array.from(
      { length: (high - low) / TICK_STEP + 1 },
      (_, i) => low + i * TICK_STEP,
    );
    ticks.replaceChildren(...tickLabels(values, WIDTH_OF_LOGITS, height + 16));
  }
  return { node, draw };
}

/**
 * What the networks predict for the picture: before the page runs them, what Python computed.
 * @param {Frame} frame
 * @param {Pictures} pictures
 * @param {PageNetwork[]} networks that the page runs; may be none
 */
export function picturePanel(frame, pictures, networks) {
  const { learners, vocab, predictions } = pictures;
  const classes = networks.length ? networks[0].about.classes : vocab;
  const answers = pictureAnswers(networks, pictures);
  const choice = pictureChoice(frame, pictures);
  const columns = learners.map((name, i) => networkColumn(name, classes, COLOURS_OF_NETWORKS[i]));
  const plot = logitPlot(learners, classes.length);
  const caption = html("figcaption", {}, "Logits of all classes, less the mean of the others'");
  const sentence = note();
  const part = networks.length
    ? networkPart(frame, rowsTogether(answers), {
        wanted: (/** @type {Shown} */ { picture }) => [String(picture)],
      })
    : null;
  const found = html(
    "div",
    { class: "l7-smoothing-found" },
    ...columns.map((column) => column.node),
    figure(caption, plot.node, sentence),
  );
  const empty = note({ text: "The networks have not seen this picture." });
  const nodes = [choice.node, found, empty, ...(part ? [part.node] : [])];
  const node = html("div", { class: "l7-smoothing-pictures" }, ...nodes);

  /** @param {number} picture */
  function rowsOf(picture) {
    const asked = answers.map((rows) => rows.get(String(picture)));
    return networks.length ? asked : predictions.map((rows) => rows[picture]);
  }

  /** @param {Shown} state */
  function draw(state) {
    part?.draw(state);
    choice.draw(state.picture);
    const rows = rowsOf(state.picture).flatMap((row) => (row ? [row] : []));
    const isKnown = rows.length === learners.length;
    if (isKnown) drawRows(rows, state.eps);
    found.hidden = !isKnown && !networks.length;
    empty.hidden = !found.hidden;
  }

  /**
   * @param {number[][]} rows
   * @param {number} eps
   */
  function drawRows(rows, eps) {
    columns.forEach((column, i) => {
      column.draw(rows[i]);
    });
    const n = classes.length;
    const best = logit(trueClassTargets({ n, eps, t: 1 }).smoothed, n);
    const logits = rows.map(centredLogits);
    plot.draw(logits, best);
    const margins = logits.map((row, i) => `${learners[i]} ${Math.max(...row).toFixed(1)}`);
    setAttributes(plot.node, { "aria-label": `Highest logits: ${margins.join(", ")}` });
    const lowest = `Dashed: where the smoothed loss is lowest for eps ${significant(eps)}`;
    setText(sentence, eps ? `${lowest}, ${best.toFixed(2)}.` : "");
  }
  return { node, draw, setRedraw: part ? part.setRedraw : () => {} };
}

/**
 * What the explorer has with the reader's own photo.
 * @param {{ square: (side: number) => Pixels }} photo
 * @param {(trait: string) => any} get
 */
export function ownPicture(photo, get) {
  return { pixels: photo.square(get("side")), labels: [], picture: 0 };
}
