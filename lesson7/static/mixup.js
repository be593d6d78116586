// Two images and their targets, blended by one weight; where weights come from; what two learners
// predict for the blend.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { figure, html, setAttributes, setText } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { quoted } from "./format.js";
import { Frame } from "./frame.js";
import { addHandle } from "./handle.js";
import { liveLine } from "./live.js";
import { addControls, pictureStrip, setWeight } from "./mixup.controls.js";
import { createTasks } from "./mixup.guess.js";
import { blendPixels, formatTarget, mixTargets, stackImages } from "./mixup.math.js";
import { blendAnswers } from "./mixup.network.js";
import { learnerBars, targetBars, weightPlot } from "./mixup.plots.js";
import { FIRST_COLOUR, readData, readState, SECOND_COLOUR, two } from "./mixup.state.js";
import { codeValues, formulas, headline, results } from "./mixup.words.js";
import { showWithNetwork } from "./network.js";
import { OWN_NAME, withPhoto } from "./photo.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { View } from "./frame.js" */
/** @import { LiveNode } from "./live.js" */
/** @import { Data, State } from "./mixup.state.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */

const TRAITS = ["first", "second", "t", "alpha", "keep", "drawn", "classes"];
const MOST_PICTURES = 12;
const MOST_ROWS = 12; // classes that are shown one by one

/**
 * A term of the sum: a weight, a picture, and its target.
 * @param {Frame} frame
 * @param {{ side: number, source: string, colours: string[] }} options
 */
function term(frame, { side, source, colours }) {
  const caption = html("figcaption", { dir: "auto" });
  const drawCaption = liveLine(frame, caption);
  const image = imageCanvas();
  setAttributes(image.node, { "data-source": source });
  const chart = barChart(2, two);
  chart.rows.forEach(({ track }, i) => {
    track.style.setProperty("--colour", colours[i]);
  });
  const code = html("code");
  const node = figure(caption, image.node, chart.node, code);

  /**
   * @param {Uint8ClampedArray<ArrayBuffer>} pixels
   * @param {string} label
   * @param {LiveNode[]} text
   */
  function drawImage(pixels, label, text) {
    image.show({ data: pixels, width: side, height: side });
    setAttributes(image.node, { "aria-label": label });
    drawCaption(text);
  }

  /**
   * @param {State} state
   * @param {number[]} target
   */
  function drawTarget({ names, a, b }, target) {
    /** @type {[string, number][]} */
    const bars = a === b ? [[names[a], target[a]]] : [a, b].map((k) => [names[k], target[k]]);
    chart.draw(bars);
    for (const cell of chart.rows[1].cells) cell.hidden = a === b;
    setText(code, formatTarget(target));
  }
  return { node, canvas: image.node, caption, chart, code, drawImage, drawTarget };
}

/**
 * The sum: weight times picture plus weight times picture is the blend.
 * @param {Frame} frame
 * @param {Data} data
 */
function blendFigures(frame, data) {
  const { images, side, pictures } = data;
  const colours = [FIRST_COLOUR, SECOND_COLOUR];
  const first = term(frame, { side, colours, source: "x1" });
  const second = term(frame, { side, colours, source: "x2" });
  const blend = term(frame, { side, colours, source: "blend" });
  const strips = [pictureStrip(frame, data, "first"), pictureStrip(frame, data, "second")];
  [first, second].forEach(({ canvas }, i) => {
    strips[i].node.style.setProperty("--colour", colours[i]);
    canvas.after(strips[i].node);
  });
  const signs = ["+", "="].map((sign) => html("span", { "aria-hidden": "true" }, sign));
  const terms = [first.node, signs[0], second.node, signs[1], blend.node];
  const node = html("div", { class: "l7-mixup-sum", "data-picture": "" }, ...terms);
  addHandle(frame, blend.canvas, {
    trait: "t",
    axis: "x",
    area: blend.canvas,
    start({ x }) {
      const t = frame.model.get("t");
      return (position) => setWeight(frame, t + position.x - x);
    },
  });

  /** @param {State} state */
  function draw(state) {
    const { t, a, b, names, target } = state;
    const [pixels, others] = [state.first, state.second].map((i) => images[i]);
    const [name, otherName] = [state.first, state.second].map((i) => quoted(pictures[i]));
    const count = names.length;
    const rest = { name: "rest", value: 1 - t, text: two(1 - t), source: "x2" };
    const weight = { name: "t", value: t, text: two(t), source: "x1" };
    first.drawImage(pixels, `first picture: ${name}`, [weight, ` × ${quoted(names[a])}`]);
    second.drawImage(others, `second picture: ${otherName}`, [rest, ` × ${quoted(names[b])}`]);
    const parts = `${two(t)} of ${name} and ${two(1 - t)} of ${otherName}`;
    blend.drawImage(blendPixels(pixels, others, t), `blend: ${parts}`, [
      "what the model trains on",
    ]);
    first.drawTarget(state, mixTargets(count, { a, b, t: 1 }));
    second.drawTarget(state, mixTargets(count, { a, b, t: 0 }));
    blend.drawTarget(state, target);
    strips[0].draw(state.first);
    strips[1].draw(state.second);
  }
  const answerElements = [second.caption, blend.chart.node, blend.code];
  return { node, answerElements, blend: blend.canvas, draw };
}

/**
 * @param {View} view
 * @param {PageNetwork[]} networks
 */
async function build({ model, el }, networks) {
  const data = await readData(model, networks.length > 0);
  const frame = new Frame({ model, el }, "Mixup");
  addControls(frame, data);

  const figures = blendFigures(frame, data);
  const target = targetBars(frame, data);
  const learners = learnerBars(data);
  const weights = weightPlot(frame, data);
  const left = html("div", {}, target.node, target.sentence);
  const right = html("div", {}, weights.node, weights.summary);
  const answers = data.isOnGrid ? [learners.node] : [];
  const low = html("div", { class: "l7-mixup-low" }, left, right);
  frame.body.append(html("div", { class: "l7-mixup" }, figures.node, ...answers, low));
  const asked = networks.length ? blendAnswers(frame, networks, data) : null;
  if (asked) frame.body.append(asked.node);

  /** @param {Get} get */
  const read = (get) => readState(get, data);
  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["t"],
    readState: read,
    headline,
    formulas: formulas(),
    code: codeValues,
    parts: [figures, target, learners, weights, ...(asked ? [asked] : [])],
    results: (state) => results(state, data),
    guess: {
      createTask: createTasks(() => read((trait) => model.get(trait)), data.labels),
      answerElements: [...figures.answerElements, ...target.answerElements, learners.node],
      ariaHiddenElements: [figures.blend],
    },
  });
  asked?.setRedraw(redraw);
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (_, networks) => build(view, networks));
}

/**
 * What the explorer has with the reader's own photo: it is the first picture, of its own class.
 * @param {OpenPhoto} photo
 * @param {Get} get
 */
async function ownTraits(photo, get) {
  /** @type {number} */
  const side = get("side");
  /** @type {Pixels} */
  const sprite = await decodePng(get("pixels"));
  const others = /** @type {number[]} */ (get("labels")).slice(0, MOST_PICTURES - 1);
  const vocab = [OWN_NAME, ...get("vocab")];
  const labels = [0, ...others.map((label) => label + 1)];
  const isShort = vocab.length <= MOST_ROWS;
  const rows = isShort ? vocab.map((_, k) => k) : [...new Set(labels)].sort((a, b) => a - b);
  const pixels = stackImages([photo.square(side), sprite], side, labels.length);
  const second = Math.min(others.length, get("second") + 1);
  return { pixels, vocab, labels, rows, first: 0, second };
}

export default {
  render: withPhoto(render, { traits: TRAITS, predictions: ["predictions"], own: ownTraits }),
};
