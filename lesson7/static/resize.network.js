// What the page's network predicts for the photo at different input sizes.

import { imageTensor } from "./crop.js";
import { figure, html, note, setAttributes, setText } from "./dom.js";
import { quoted } from "./format.js";
import { networkBars, topClasses } from "./network.bars.js";
import { networkPart, networkRows } from "./network.js";
import { curvePlot } from "./network.plot.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Frame } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { Stage } from "./resize.math.js" */

/** @typedef {{ stages: Stage[], file: number }} ShownSizes */
/** @typedef {(file: number, size: number) => Pixels} ImageAt */

// Of the curve, pixels.
const FIRST_SIZE = 64;
const LAST_SIZE = 320;
const CURVE_STEP = 32;
const SIZES = Array.from(
  { length: (LAST_SIZE - FIRST_SIZE) / CURVE_STEP + 1 },
  (_, i) => FIRST_SIZE + CURVE_STEP * i,
);

const SIZE_TICKS = [64, 128, 192, 256, 320];

/**
 * What the curve says, in a sentence.
 * @param {(number | undefined)[]} probabilities
 * @param {string} name of the class
 */
function describeSizes(probabilities, name) {
  const known = probabilities.filter((value) => value !== undefined);
  if (known.length < SIZES.length) {
    return `The network has answered for ${known.length} of ${SIZES.length} sizes.`;
  }
  const best = known.indexOf(Math.max(...known));
  const most = known[best].toFixed(2);
  return `Of these sizes, ${SIZES[best]} px gives ${quoted(name)} the most: ${most}.`;
}

/**
 * The answers at the stages' sizes as bars, and at all sizes as a curve.
 * @param {Frame} frame
 * @param {PageNetwork} network
 * @param {ImageAt} imageAt
 */
export function sizeAnswers(frame, network, imageAt) {
  const { about } = network;
  const found = networkRows(network);
  /**
   * @param {number} file
   * @param {number} size
   */
  const keyOf = (file, size) => `${file} ${size}`;
  const rows = {
    ...found,
    /** @param {string[]} keys */
    request(keys) {
      const sizeOf = (/** @type {string} */ key) => Number(key.split(" ")[1]);
      const makeTensor = (/** @type {string} */ key) => {
        const [file, size] = key.split(" ").map(Number);
        return imageTensor(imageAt(file, size), about);
      };
      return found.request(keys, makeTensor, sizeOf);
    },
  };
  const part = networkPart(frame, rows, {
    wanted: (/** @type {ShownSizes} */ { stages, file }) =>
      [...stages.map(([size]) => size), about.size].map((size) => keyOf(file, size)),
    later: ({ file }) => SIZES.map((size) => keyOf(file, size)),
  });
  const bars = Array.from({ length: 3 }, () => networkBars(about, ""));
  const pictures = html("div", { class: "l7-network-pair" }, ...bars.map(({ node }) => node));
  const plot = curvePlot({ values: SIZES, ticks: SIZE_TICKS, colours: ["var(--l7-blue)"] });
  const caption = html("figcaption");
  const sentence = note({ spoken: true });
  const curve = figure(caption, plot.node);
  const node = html("div", { class: "l7-resize-network" }, pictures, curve, sentence, part.node);

  /** @param {ShownSizes} state */
  function draw(state) {
    part.draw(state);
    const { stages, file } = state;
    bars.forEach((bar, i) => {
      bar.node.hidden = i >= stages.length;
      if (bar.node.hidden) return;
      const [size] = stages[i];
      bar.setCaption(`At ${size} px`);
      bar.draw(rows.get(keyOf(file, size)));
    });
    const trained = rows.get(keyOf(file, about.size));
    if (trained) drawCurve(file, topClasses(trained, 1)[0]);
  }

  /**
   * @param {number} file
   * @param {number} c the class
   */
  function drawCurve(file, c) {
    const name = about.classes[c];
    const values = SIZES.map((size) => rows.get(keyOf(file, size))?.[c]);
    plot.draw([values], about.size);
    setText(
      caption,
      `Probability of ${quoted(name)} against the input size; dashed: the training's ` +
        `${about.size} px`,
    );
    const text = describeSizes(values, name);
    setText(sentence, text);
    setAttributes(plot.node, { "aria-label": text });
  }
  return { node, draw, setRedraw: part.setRedraw };
}
