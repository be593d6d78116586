// What a model predicts for the pictures of the batch, with any statistics.

import { cropTensor, photoAt } from "./crop.js";
import { html, note, setAttributes, setText } from "./dom.js";
import { quoted } from "./format.js";
import { connectKernel, kernelRows } from "./kernel.js";
import { networkBars, topClasses } from "./network.bars.js";
import { networkPart, networkRows } from "./network.js";
import { describePredictions, describeResult } from "./normalize.math.js";
import { describeStatistics } from "./normalize.words.js";

/** @import { Frame } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { Statistics } from "./normalize.math.js" */
/** @import { Data, State } from "./normalize.state.js" */

const ASKED_LATER = 2; // pictures at a time, while nothing else is asked

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
export function predictions(frame) {
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
export function resultNote(count) {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ kind, after, bs }) {
    setText(node, describeResult(kind, after, bs === count));
  }
  return { node, draw };
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
export function networkAnswers(frame, network, data) {
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
