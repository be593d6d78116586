// The arithmetic of normalization: counts of pixel values, their moments, and what changes them.

import { fixed } from "./format.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Question } from "./guess.js" */
/** @typedef {{ mean: number, sd: number }} Moments of values in [0, 1] */
/** @typedef {[mean: number[], sd: number[]]} Statistics a number for each channel */
/** @typedef {"none" | "batch" | "dataset" | "imagenet" | "own"} Kind */
/** @typedef {"stored" | "batch"} Running statistics of batch normalization */

export const CHANNELS = ["red", "green", "blue"];
export const MODEL_RANGE = 3; // "as the model sees them": black is -3, white is +3
export const LEAST_SD = 0.005; // that can be dragged
const BYTES = 256;
const STATISTIC_DECIMALS = 4;
const LEAST_ROUNDED_SD = 0.0001;
// Accepted errors of a guess.
const RIGHT_TOLERANCE = 1;
const SURE_TOLERANCE = 0.1;

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
 * The reader's own statistics after a change of one number: the others are those in use, rounded.
 * @param {Statistics} inUse
 * @param {{ moment: number, channel: number, value: number, isOwn: boolean }} change moment 0: the
 *   mean, 1: the sd; isOwn: those in use are the reader's already
 * @returns {Statistics}
 */
export function changeStatistics(inUse, { moment, channel, value, isOwn }) {
  /** @param {number} number */
  const rounded = (number) => (isOwn ? number : Number(number.toFixed(STATISTIC_DECIMALS)));
  const [means, sds] = inUse.map((values) => values.map(rounded));
  const possible = sds.map((sd) => Math.max(sd, LEAST_ROUNDED_SD));
  const changed = [means, possible];
  changed[moment] = changed[moment].with(channel, value);
  return /** @type {Statistics} */ (changed);
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
 * The byte that shows each byte of the file, for each channel of the file.
 * @param {((value: number) => number)[] | null} normalize null: the bytes themselves
 */
export function shownLevels(normalize) {
  return CHANNELS.map((_, c) => {
    /** @param {number} byte */
    const level = (byte) => {
      if (!normalize) return byte;
      return ((normalize[c](byte / 255) + MODEL_RANGE) / (2 * MODEL_RANGE)) * 255;
    };
    return Uint8ClampedArray.from({ length: BYTES }, (_, byte) => level(byte));
  });
}

/** @param {number} count of images in a square grid */
export function gridShape(count) {
  const columns = Math.ceil(Math.sqrt(count));
  return { columns, rows: Math.ceil(count / columns) };
}

/**
 * Images of the sprite in a square grid; transparent where its last row has none.
 * @param {Pixels} sprite
 * @param {number} side of an image, pixels
 * @param {number[]} images
 * @returns {Pixels}
 */
export function tileImages({ data }, side, images) {
  const { columns, rows } = gridShape(images.length);
  const [width, height] = [columns * side, rows * side];
  const tiled = new Uint8ClampedArray(width * height * 4);
  images.forEach((image, tile) => {
    const left = (tile % columns) * side;
    const top = Math.floor(tile / columns) * side;
    for (let y = 0; y < side; y++) {
      const from = (image * side + y) * side * 4;
      const row = data.subarray(from, from + side * 4);
      tiled.set(row, ((top + y) * width + left) * 4);
    }
  });
  return { data: tiled, width, height };
}

/**
 * Replaces the colours of pixels.
 * @param {Pixels["data"]} data
 * @param {Uint8ClampedArray[]} levels for each channel, the byte that shows each byte
 * @param {number | null} channel the one that is shown alone, in grey
 */
export function recolour(data, levels, channel) {
  const [red, green, blue] = CHANNELS.map((_, c) => channel ?? c);
  const [redLevels, greenLevels, blueLevels] = [red, green, blue].map((c) => levels[c]);
  for (let i = 0; i < data.length; i += 4) {
    const redByte = redLevels[data[i + red]];
    const greenByte = greenLevels[data[i + green]];
    const blueByte = blueLevels[data[i + blue]];
    data[i] = redByte;
    data[i + 1] = greenByte;
    data[i + 2] = blueByte;
  }
}

/** @typedef {{ tile: number, x: number, y: number }} Pixel of the picture that is the tile */

/**
 * The pixel at a position in the grid; null where there is no picture.
 * @param {{ x: number, y: number }} position shares of the grid's width and height
 * @param {{ count: number, side: number }} grid
 * @returns {Pixel | null}
 */
export function pixelAt({ x, y }, { count, side }) {
  const { columns, rows } = gridShape(count);
  const [column, row] = [x * columns, y * rows].map(Math.floor);
  const tile = row * columns + column;
  if (Math.min(x, y) < 0 || column >= columns || tile >= count) return null;
  const [left, top] = [x * columns - column, y * rows - row];
  return { tile, x: Math.floor(left * side), y: Math.floor(top * side) };
}

/**
 * The position of a pixel's centre in the grid, as shares of its width and height.
 * @param {Pixel} pixel
 * @param {{ count: number, side: number }} grid
 */
export function pixelPosition({ tile, x, y }, { count, side }) {
  const { columns, rows } = gridShape(count);
  const [column, row] = [tile % columns, Math.floor(tile / columns)];
  return { x: (column + (x + 0.5) / side) / columns, y: (row + (y + 0.5) / side) / rows };
}

/**
 * The pixel that an arrow key leads to: the same one of the next picture, or the next pixel.
 * @param {Pixel} pixel
 * @param {{ key: string, isFine: boolean }} press isFine: the next pixel
 * @param {{ count: number, side: number }} grid
 * @returns {Pixel | null} null: it is no arrow key, or there is none
 */
export function nextPixel({ tile, x, y }, { key, isFine }, { count, side }) {
  const horizontal = Number(key === "ArrowRight") - Number(key === "ArrowLeft");
  const vertical = Number(key === "ArrowDown") - Number(key === "ArrowUp");
  if (!horizontal && !vertical) return null;
  const next = isFine ? tile : tile + horizontal + vertical * gridShape(count).columns;
  const pixel = isFine ? { tile, x: x + horizontal, y: y + vertical } : { tile: next, x, y };
  const isInside = Math.min(pixel.x, pixel.y) >= 0 && Math.max(pixel.x, pixel.y) < side;
  return isInside && next >= 0 && next < count ? pixel : null;
}

/**
 * The values of a pixel, in [0, 1], a number for each channel.
 * @param {Pixels} sprite
 * @param {number} side of an image, pixels
 * @param {{ image: number, x: number, y: number }} place
 */
export function pixelValues({ data }, side, { image, x, y }) {
  const start = ((image * side + y) * side + x) * 4;
  return CHANNELS.map((_, c) => data[start + c] / 255);
}

/**
 * What a model predicts for the batch, in a sentence.
 * @param {Record<string, any>} says for each kind, [class, probability] of each image; `batch`
 *   has a list for each draw, of its first images; `all` has the same kinds, with batch
 *   normalization of all images
 * @param {number[]} right the images' classes; may be empty
 * @param {{ kind: Kind, draw: number, images: number[], running?: Running,
 *   best?: number[][] | null }} state best: class and probability of each image, where the model
 *   has been asked about this state
 * @returns {{ text: string, value?: number }} value: images predicted right, else the confidence
 */
export function describePredictions(says, right, state) {
  const { kind, draw, images, running, best } = state;
  if (best) return describeBest(best, right, state);
  if (!says.dataset) return { text: "The model has not answered yet." };
  const given = running === "batch" ? says.all : says;
  if (!given[kind]) return { text: "The model was not asked about these numbers." };
  const batch = kind === "batch" && given.batch[draw];
  if (batch && batch.length !== images.length) {
    return { text: `The model was asked about batches of ${batch.length}.` };
  }
  return describeBest(batch || images.map((image) => given[kind][image]), right, state);
}

/**
 * @param {number[][]} best class and probability of each image
 * @param {number[]} right
 * @param {{ images: number[], running?: Running }} state
 */
function describeBest(best, right, { images, running }) {
  const confidence = best.reduce((sum, [, p]) => sum + p, 0) / best.length;
  const hits = best.filter(([predicted], k) => predicted === right[images[k]]).length;
  const score = right.length ? `${hits} of ${best.length} right, ` : "";
  const how = running === "batch" ? ", with batch normalization of all pictures here" : "";
  const text = `The model${how}: ${score}on average ${confidence.toFixed(2)} sure.`;
  return { text, value: right.length ? hits : confidence };
}

/**
 * The question for what a model predicts for the batch.
 * @param {{ text: string, value?: number }} described what it predicts; no value: not known
 * @param {{ how: string, count: number, isLabelled: boolean }} batch how it is normalized
 * @returns {Question}
 */
export function predictionQuestion({ text, value }, { how, count, isLabelled }) {
  const tolerance = isLabelled ? RIGHT_TOLERANCE : SURE_TOLERANCE;
  const asked = isLabelled
    ? `how many of these ${count} does the model get right`
    : `how sure is the model of these ${count} on average`;
  return {
    text: `${how}, ${asked}, to within ${tolerance}?`,
    answer: value ?? Number.NaN,
    tolerance,
    because: `the ${text.slice("The ".length, -".".length)}`,
  };
}

/** @type {Record<Kind, string>} */
const RESULTS = {
  none: "Nothing is changed: the values are still in 0 to 1, up to # from mean 0 and sd 1.",
  batch: "Exactly mean 0 and sd 1, but the next batch would be shifted by other numbers.",
  dataset: "The same numbers for every batch: this one is within # of mean 0 and sd 1.",
  imagenet: "ImageNet's numbers, as in the lesson: this batch is within # of mean 0 and sd 1.",
  own: "Your own numbers: this batch is within # of mean 0 and sd 1.",
};
const WHOLE = "Exactly mean 0 and sd 1: the batch has all pictures, so the next one has the same.";

/**
 * How near a normalized batch is to mean 0 and sd 1, in a sentence.
 * @param {Kind} kind
 * @param {Moments[]} after
 * @param {boolean} isWhole whether the batch has all images
 */
export function describeResult(kind, after, isWhole) {
  if (kind === "batch" && isWhole) return WHOLE;
  const distances = after.map(({ mean, sd }) => Math.max(Math.abs(mean), Math.abs(sd - 1)));
  return RESULTS[kind].replace("#", fixed(Math.max(...distances), 3));
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
