// The arithmetic of normalization: counts of pixel values, their moments, and what changes them.

import { fixed } from "./format.js";

/** @import { Pixels } from "./canvas.js" */
/** @typedef {{ mean: number, sd: number }} Moments of values in [0, 1] */
/** @typedef {[mean: number[], sd: number[]]} Statistics a number for each channel */
/** @typedef {"none" | "batch" | "dataset" | "imagenet" | "own"} Kind */

export const CHANNELS = ["red", "green", "blue"];
export const MODEL_RANGE = 3; // "as the model sees them": black is -3, white is +3
const BYTES = 256;

/**
 * For each image and channel, how many pixels have each value from 0 to 255.
 * @param {Pixels} sprite all images, one above the other
 * @param {number} side of an image, pixels
 * @returns {Uint32Array[][]}
 */
export function countValues({ data }, side) {
  const size = side * side * 4;
  return Array.from({ length: data.length / size }, (_, image) =>
    countChannels(data.subarray(image * size, (image + 1) * size)),
  );
}

/** @param {Uint8ClampedArray} rgba */
function countChannels(rgba) {
  const counts = CHANNELS.map(() => new Uint32Array(BYTES));
  for (let i = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) counts[c][rgba[i + c]]++;
  }
  return counts;
}

/**
 * @param {Uint32Array[][]} counts
 * @param {number[]} images indices of those to add up
 * @returns {Uint32Array[]} a count for each channel
 */
export function sumCounts(counts, images) {
  return CHANNELS.map((_, c) => {
    const total = new Uint32Array(BYTES);
    for (const image of images) {
      for (let value = 0; value < BYTES; value++) total[value] += counts[image][c][value];
    }
    return total;
  });
}

/**
 * Mean and standard deviation (n - 1, as in torch) of value / 255. The sums are whole numbers, so
 * nothing is rounded before the end.
 * @param {Uint32Array} count how many pixels have each value
 * @returns {Moments}
 */
export function moments(count) {
  let n = 0;
  let total = 0;
  let squares = 0;
  count.forEach((pixels, value) => {
    n += pixels;
    total += pixels * value;
    squares += pixels * value * value;
  });
  const variance = (squares - (total * total) / n) / (n - 1);
  return { mean: total / n / 255, sd: Math.sqrt(variance) / 255 };
}

/**
 * The statistics that a batch is normalized with.
 * @param {Kind} kind
 * @param {Moments[]} batch the batch's own moments
 * @param {Record<string, Statistics>} given those of the dataset, of ImageNet and the reader's own
 * @returns {Statistics}
 */
export function chosenStatistics(kind, batch, given) {
  if (kind === "none") return [CHANNELS.map(() => 0), CHANNELS.map(() => 1)];
  if (kind === "batch") return [batch.map(({ mean }) => mean), batch.map(({ sd }) => sd)];
  return given[kind];
}

/**
 * For each channel, the function that normalizes a value.
 * @param {Statistics} statistics
 * @returns {((value: number) => number)[]}
 */
export function normalizers([means, sds]) {
  return means.map((mean, c) => (value) => (value - mean) / sds[c]);
}

/**
 * @param {Moments[]} before
 * @param {Statistics} statistics
 * @returns {Moments[]} after normalization
 */
export function normalizeMoments(before, [means, sds]) {
  return before.map(({ mean, sd }, c) => ({ mean: (mean - means[c]) / sds[c], sd: sd / sds[c] }));
}

/**
 * Counts of values in equal bins from `low` to `high`, both included; others are left out.
 * @param {Uint32Array} count how many pixels have each value from 0 to 255
 * @param {(value: number) => number} position of a value in [0, 1] on the axis
 * @param {{ low: number, high: number, bins: number }} axis
 */
export function histogramBins(count, position, { low, high, bins }) {
  const heights = new Float64Array(bins);
  count.forEach((pixels, value) => {
    const share = (position(value / 255) - low) / (high - low);
    const bin = share === 1 ? bins - 1 : Math.floor(share * bins);
    if (bin >= 0 && bin < bins) heights[bin] += pixels;
  });
  return heights;
}

/**
 * For each channel, the byte that shows each byte of the file.
 * @param {"file" | "model"} show
 * @param {((value: number) => number)[]} normalize
 */
export function shownLevels(show, normalize) {
  return normalize.map((toModel) => {
    /** @param {number} byte */
    const level = (byte) => {
      if (show === "file") return byte;
      return ((toModel(byte / 255) + MODEL_RANGE) / (2 * MODEL_RANGE)) * 255;
    };
    return Uint8ClampedArray.from({ length: BYTES }, (_, byte) => level(byte));
  });
}

/**
 * Images of the sprite in a square grid; transparent where its last row has none.
 * @param {Pixels} sprite
 * @param {number} side of an image, pixels
 * @param {number[]} images
 * @param {Uint8ClampedArray[]} levels for each channel, the byte that shows each byte
 * @returns {Pixels}
 */
export function tileImages({ data }, side, images, levels) {
  const columns = Math.ceil(Math.sqrt(images.length));
  const width = columns * side;
  const height = Math.ceil(images.length / columns) * side;
  const tiled = new Uint8ClampedArray(width * height * 4);
  images.forEach((image, tile) => {
    const left = (tile % columns) * side;
    const top = Math.floor(tile / columns) * side;
    for (let y = 0; y < side; y++) {
      const from = (image * side + y) * side * 4;
      const to = ((top + y) * width + left) * 4;
      for (let i = 0; i < side * 4; i += 4) {
        for (let c = 0; c < 3; c++) tiled[to + i + c] = levels[c][data[from + i + c]];
        tiled[to + i + 3] = 255;
      }
    }
  });
  return { data: tiled, width, height };
}

/**
 * What a model predicts for the batch, in a sentence.
 * @param {Record<string, any>} says for each kind, [class, probability] of each image; `batch`
 *   has a list for each draw, of its first images
 * @param {number[]} right the images' classes; may be empty
 * @param {{ kind: Kind, draw: number, images: number[] }} state
 * @returns {{ text: string, value?: number }} value: images predicted right, else the confidence
 */
export function describePredictions(says, right, { kind, draw, images }) {
  if (!says[kind]) return { text: "The model was not asked about your own numbers." };
  const batch = says.batch[draw];
  if (kind === "batch" && batch.length !== images.length) {
    return { text: `The model was asked about batches of ${batch.length}.` };
  }
  /** @type {[number, number][]} */
  const best = kind === "batch" ? batch : images.map((image) => says[kind][image]);
  const confidence = best.reduce((sum, [, p]) => sum + p, 0) / best.length;
  const hits = best.filter(([predicted], k) => predicted === right[images[k]]).length;
  const score = right.length ? `${hits} of ${best.length} right, ` : "";
  const text = `The model: ${score}on average ${confidence.toFixed(2)} sure.`;
  return { text, value: right.length ? hits : confidence };
}

/**
 * How near a normalized batch is to mean 0 and sd 1, in a sentence.
 * @param {Kind} kind
 * @param {Moments[]} after
 */
export function describeResult(kind, after) {
  const distances = after.map(({ mean, sd }) => Math.max(Math.abs(mean), Math.abs(sd - 1)));
  const off = Math.max(...distances).toFixed(2);
  const sentences = {
    none: `Untouched: the values stay in 0 to 1, up to ${off} away from mean 0 and sd 1.`,
    batch: "Exactly mean 0 and sd 1, but the next batch would be shifted by other numbers.",
    dataset: `The same numbers for every batch: this one lands within ${off} of mean 0 and sd 1.`,
    imagenet:
      "ImageNet's numbers, as the lesson uses: " +
      `these pictures land within ${off} of mean 0 and sd 1.`,
    own: `Your numbers: this batch lands within ${off} of mean 0 and sd 1.`,
  };
  return sentences[kind];
}

/**
 * How the batches drawn so far scatter around the dataset, in a sentence.
 * @param {number[]} means of red, one for each batch
 * @param {number} bs images in a batch
 * @param {number} dataset the mean of red in the whole dataset
 */
export function describeScatter(means, bs, dataset) {
  const low = fixed(Math.min(...means), 3);
  const high = fixed(Math.max(...means), 3);
  const many = `${means.length} batches of ${bs}: red means from ${low} to ${high}`;
  const range = means.length > 1 ? many : `One batch of ${bs}: red mean ${low}`;
  return `${range}; the whole dataset's is ${fixed(dataset, 3)}.`;
}
