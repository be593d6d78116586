// What the page's network predicts for blends of two pictures.

import { cropTensor } from "./crop.js";
import { figure, html, note, setAttributes, setText } from "./dom.js";
import { quoted } from "./format.js";
import { networkBars, topClasses } from "./network.bars.js";
import { networkPart, networkRows, rowsTogether } from "./network.js";
import { curvePlot } from "./network.plot.js";

/** @import { Frame } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */

/**
 * @typedef {object} Blend
 * @property {number} first which picture
 * @property {number} second
 * @property {number} t weight of the first one
 * @property {number} a class of the first one
 * @property {number} b
 * @property {boolean} isLesson whether the classes are those of the lesson's example
 */

const WEIGHTS = Array.from({ length: 11 }, (_, i) => i / 10); // of the curves
/** @type {[from: number, to: number][]} */
const STRAIGHT = [
  [0, 1],
  [1, 0],
]; // of the two classes, as mixup asks for
const CURVE_COLOURS = ["var(--l7-blue)", "var(--l7-orange)"];

/**
 * The rows of a network for blends.
 * @param {PageNetwork} network
 * @param {{ images: Uint8ClampedArray[], side: number }} data
 */
function blendRows(network, { images, side }) {
  const { about } = network;
  const rows = networkRows(network);

  /** @type {Map<number, Float32Array>} of single pictures */
  const tensors = new Map();

  /** @param {number} index */
  function pictureTensor(index) {
    const data = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (images[index]);
    const picture = { data, width: side, height: side };
    const tensor = tensors.get(index) ?? cropTensor(picture, [0, 0, side, side], about.size, about);
    tensors.set(index, tensor);
    return tensor;
  }

  /** @param {string} key */
  function makeTensor(key) {
    const [first, second, t] = key.split(" ").map(Number);
    const [a, b] = [first, second].map(pictureTensor);
    return a.map((value, i) => t * value + (1 - t) * b[i]);
  }
  return {
    ...rows,
    /** @param {string[]} keys */
    request: (keys) => rows.request(keys, makeTensor),
    /** @param {Blend} blend */
    keyOf: ({ first, second, t }) => `${first} ${second} ${t}`,
  };
}

/**
 * How far a curve is from a straight line, on average.
 * @param {(number | undefined)[]} values at equal steps; undefined: not known
 * @param {[from: number, to: number]} straight
 * @returns {number | null} null: some values are not known
 */
function meanDistance(values, [from, to]) {
  const known = values.filter((value) => value !== undefined);
  if (known.length < values.length) return null;
  const last = known.length - 1;
  const distances = known.map((value, i) => Math.abs(value - from - ((to - from) * i) / last));
  return distances.reduce((sum, distance) => sum + distance, 0) / known.length;
}

/**
 * One network's answer to the blend as bars, and as curves over all weights: those of the pictures'
 * classes, or, where the network has other classes, of those that it predicts for each alone.
 * @param {PageNetwork} network
 * @param {{ images: Uint8ClampedArray[], side: number }} data
 * @param {{ name: string, hasLabels: boolean }} options name: of the network; empty: it is alone
 */
function blendColumn(network, data, { name, hasLabels }) {
  const { about } = network;
  const rows = blendRows(network, data);
  const bars = networkBars(about, name || "The network's answer to the blend");
  const plot = curvePlot({
    values: WEIGHTS,
    ticks: [0, 0.5, 1],
    colours: CURVE_COLOURS,
    straight: STRAIGHT,
  });
  const caption = html("figcaption", { "aria-live": "polite" });
  const sentence = note();
  const curves = figure(caption, plot.node);

  /** @param {Blend} blend */
  function curveClasses(blend) {
    if (hasLabels) return [blend.a, blend.b];
    const alone = [1, 0].map((t) => rows.get(rows.keyOf({ ...blend, t })));
    return alone.map((row) => (row ? topClasses(row, 1)[0] : -1));
  }

  /** @param {Blend} blend */
  function draw(blend) {
    bars.draw(rows.get(rows.keyOf(blend)));
    curves.hidden = hasLabels && blend.a === blend.b;
    if (curves.hidden) {
      setText(sentence, "Both pictures are of one class: mixup asks for 1 at every λ.");
      sentence.removeAttribute("data-value");
      return;
    }
    const classes = curveClasses(blend);
    if (classes.includes(-1)) return;
    const all = WEIGHTS.map((t) => rows.get(rows.keyOf({ ...blend, t })));
    const values = classes.map((c) => all.map((row) => row?.[c]));
    plot.draw(values, blend.t);
    const [first, second] = classes.map((c) => quoted(about.classes[c]));
    const text = `${first} (blue) and ${second} (orange) against λ`;
    setText(caption, text);
    setAttributes(plot.node, { "aria-label": `Probabilities of ${text}` });
    drawDistance(values.map((curve, i) => meanDistance(curve, STRAIGHT[i])));
  }

  /** @param {(number | null)[]} distances */
  function drawDistance([first, second]) {
    if (first === null || second === null) return;
    const mean = (first + second) / 2;
    setText(sentence, `On average ${mean.toFixed(2)} from the dotted lines.`);
    setAttributes(sentence, { "data-value": mean });
  }
  return { rows, nodes: [bars.node, curves], sentence, draw };
}

/**
 * The answers of networks to the blend, beside what mixup asks for.
 * @param {Frame} frame
 * @param {PageNetwork[]} networks one that was trained on other images, or the explorer's learners
 * @param {{ images: Uint8ClampedArray[], side: number, isLearned: boolean }} data
 */
export function blendAnswers(frame, networks, data) {
  const isAlone = networks.length === 1;
  const columns = networks.map((network) =>
    blendColumn(network, data, {
      name: isAlone ? "" : upperFirst(network.about.label),
      hasLabels: data.isLearned,
    }),
  );
  const [{ rows }] = columns;
  /**
   * @param {Blend} blend
   * @param {number[]} weights
   */
  const keysAt = (blend, weights) => weights.map((t) => rows.keyOf({ ...blend, t }));
  const part = networkPart(frame, rowsTogether(columns.map((column) => column.rows)), {
    wanted: (/** @type {Blend} */ blend) => keysAt(blend, [blend.t, 0, 1]),
    later: (blend) => keysAt(blend, WEIGHTS),
  });
  const nodes = columns.flatMap((column) => [
    html("div", { class: "l7-network-pair" }, ...column.nodes),
    ...(isAlone ? [] : [column.sentence]),
  ]);
  const legend = note({ text: "Dotted: the probabilities that mixup asks for, λ and 1 − λ." });
  const node = html("div", { class: "l7-mixup-network" }, ...nodes, legend, part.node);

  /** @param {Blend} blend */
  function draw(blend) {
    node.hidden = data.isLearned && blend.isLesson;
    if (node.hidden) return;
    part.draw(blend);
    for (const column of columns) column.draw(blend);
  }
  return { node, draw, setRedraw: part.setRedraw };
}

/** @param {string} text */
const upperFirst = (text) => text.replace(/^./, (letter) => letter.toUpperCase());
