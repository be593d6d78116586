// What the page's network predicts for blends of two pictures.

import { cropTensor } from "./crop.js";
import { figure, html, note, setAttributes, setText } from "./dom.js";
import { quoted } from "./format.js";
import { networkBars, topClasses } from "./network.bars.js";
import { networkPart, networkRows } from "./network.js";
import { curvePlot } from "./network.plot.js";

/** @import { Frame } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */

/** @typedef {{ first: number, second: number, t: number }} Blend */

const WEIGHTS = Array.from({ length: 11 }, (_, i) => i / 10); // of the curves
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
 * The network's answer to the blend as bars, and as curves over all weights: the classes that it
 * predicts for the two pictures alone.
 * @param {Frame} frame
 * @param {PageNetwork} network
 * @param {{ images: Uint8ClampedArray[], side: number }} data
 */
export function blendAnswers(frame, network, data) {
  const { about } = network;
  const rows = blendRows(network, data);
  /**
   * @param {Blend} blend
   * @param {number[]} weights
   */
  const keysAt = (blend, weights) => weights.map((t) => rows.keyOf({ ...blend, t }));
  const part = networkPart(frame, rows, {
    wanted: (/** @type {Blend} */ blend) => keysAt(blend, [blend.t, 0, 1]),
    later: (blend) => keysAt(blend, WEIGHTS),
  });
  const bars = networkBars(about, "The network's answer to the blend");
  const plot = curvePlot({
    values: WEIGHTS,
    ticks: [0, 0.5, 1],
    colours: CURVE_COLOURS,
    straight: [
      [0, 1],
      [1, 0],
    ],
  });
  const caption = html("figcaption", { "aria-live": "polite" });
  const curves = figure(caption, plot.node);
  const pair = html("div", { class: "l7-network-pair" }, bars.node, curves);
  const legend = note({ text: "Dotted: the probabilities that mixup asks for, λ and 1 − λ." });
  const node = html("div", { class: "l7-mixup-network" }, pair, legend, part.node);

  /** @param {Blend} blend */
  function draw(blend) {
    part.draw(blend);
    bars.draw(rows.get(rows.keyOf(blend)));
    const [alone, other] = keysAt(blend, [1, 0]).map((key) => rows.get(key));
    if (!alone || !other) return;
    const classes = [alone, other].map((row) => topClasses(row, 1)[0]);
    const values = classes.map((c) => keysAt(blend, WEIGHTS).map((key) => rows.get(key)?.[c]));
    plot.draw(values, blend.t);
    const [first, second] = classes.map((c) => quoted(about.classes[c]));
    const text = `${first} (blue) and ${second} (orange) against λ`;
    setText(caption, text);
    setAttributes(plot.node, { "aria-label": `Probabilities of ${text}` });
  }
  return { node, draw, setRedraw: part.setRedraw };
}
