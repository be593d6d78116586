// The arithmetic of progressive resizing: images at other sizes, and what a schedule costs.

import { quoted, significant } from "./format.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Question } from "./guess.js" */
/** @typedef {[size: number, epochs: number]} Stage */

/**
 * @typedef {object} Guesses a model's best classes
 * @property {number} top how many
 * @property {string[]} names
 * @property {Record<number, Record<number, [number, number][]>>} at for each side of the file and
 *   size, [class, probability]
 * @property {number} [threshold] from which a class counts, for a model of several classes an image
 */

export const MOST_STAGES = 3;
// Pixels.
export const MOST_SIZE = 320;
export const MOST_EPOCHS = 20;
// Pixels from the last stage to one that is added.
const SIZE_STEP = 32;
// At the top of the work diagram, pixels.
const DIAGRAM_SIZES = [256, 320];
// At its right end.
const DIAGRAM_EPOCHS = [12, 16, 24, 32, 48, 64];
// Accepted errors of a guess.
const SHARE_TOLERANCE = 0.02;
const EPOCHS_TOLERANCE = 0.1;
const PROBABILITY_TOLERANCE = 0.1;

/**
 * For each of `size` equal stretches of `length` pixels: the first pixel that it touches, and the
 * share of it that each touched pixel covers.
 * @param {number} length
 * @param {number} size
 */
function stretches(length, size) {
  return Array.from({ length: size }, (_, i) => {
    const low = (i * length) / size;
    const high = ((i + 1) * length) / size;
    const first = Math.floor(low);
    const count = Math.min(length, Math.ceil(high)) - first;
    const shares = Array.from({ length: count }, (_, k) => {
      const covered = Math.min(high, first + k + 1) - Math.max(low, first + k);
      return (covered * size) / length;
    });
    return { first, shares };
  });
}

/**
 * A square image at another size: each new pixel is the mean of the area that it covers.
 * @param {Pixels} image
 * @param {number} size
 * @returns {Pixels}
 */
export function resizeImage({ data, width }, size) {
  const parts = stretches(width, size);
  const rows = resizeRows(data, width, parts);
  // Rounds to nearest, halves to even.
  const resized = new Uint8ClampedArray(size * size * 4);
  parts.forEach(({ first, shares }, y) => {
    for (let x = 0; x < size; x++) {
      const to = (y * size + x) * 4;
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < shares.length; k++) {
          sum += shares[k] * rows[((first + k) * size + x) * 3 + c];
        }
        resized[to + c] = sum;
      }
      resized[to + 3] = 255;
    }
  });
  return { data: resized, width: size, height: size };
}

/**
 * @param {Uint8ClampedArray} data RGBA of a square image
 * @param {number} width
 * @param {ReturnType<typeof stretches>} parts
 * @returns {Float64Array} RGB, with a column for each part
 */
function resizeRows(data, width, parts) {
  const rows = new Float64Array(width * parts.length * 3);
  for (let y = 0; y < width; y++) {
    parts.forEach(({ first, shares }, x) => {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < shares.length; k++) {
          sum += shares[k] * data[(y * width + first + k) * 4 + c];
        }
        rows[(y * parts.length + x) * 3 + c] = sum;
      }
    });
  }
  return rows;
}

/**
 * A place in the photo, as shares of its width and height.
 * @typedef {{ x: number, y: number }} Place
 */

/**
 * The pixel of a square image that contains a place.
 * @param {Place} place
 * @param {number} size
 */
export function pixelAt({ x, y }, size) {
  /** @param {number} share */
  const index = (share) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
  return { column: index(x), row: index(y) };
}

/**
 * The place that is some pixels away, in the middle of a pixel.
 * @param {Place} place
 * @param {number} size of the image, pixels
 * @param {[right: number, down: number]} step pixels
 * @returns {Place}
 */
export function neighbour(place, size, [right, down]) {
  const { column, row } = pixelAt(place, size);
  /** @param {number} index */
  const middle = (index) => (Math.min(size - 1, Math.max(0, index)) + 0.5) / size;
  return { x: middle(column + right), y: middle(row + down) };
}

/**
 * A part of a square image: its left and upper edges and its side, as shares of the image's side.
 * @typedef {{ left: number, top: number, side: number }} Box
 */

/**
 * The box of the pixel that contains a place.
 * @param {Place} place
 * @param {number} size
 * @returns {Box}
 */
export function pixelBox(place, size) {
  const { column, row } = pixelAt(place, size);
  return { left: column / size, top: row / size, side: 1 / size };
}

/**
 * A quarter of a square image's side around a place, in whole pixels.
 * @param {Place} place
 * @param {number} size
 * @returns {Box}
 */
export function cropBox({ x, y }, size) {
  const side = Math.ceil(size / 4);
  /** @param {number} middle */
  const start = (middle) => {
    return Math.min(size - side, Math.max(0, Math.floor((middle - 1 / 8) * size)));
  };
  return { left: start(x) / size, top: start(y) / size, side: side / size };
}

/**
 * A box in the coordinates of another one that contains it.
 * @param {Box} box
 * @param {Box} outer
 * @returns {Box}
 */
export function boxWithin(box, outer) {
  return {
    left: (box.left - outer.left) / outer.side,
    top: (box.top - outer.top) / outer.side,
    side: box.side / outer.side,
  };
}

/**
 * @param {Pixels} image square
 * @param {Box} box of whole pixels
 * @returns {Pixels}
 */
export function cropImage({ data, width }, { left, top, side }) {
  const [column, row, count] = [left, top, side].map((share) => Math.round(share * width));
  const cropped = new Uint8ClampedArray(count * count * 4);
  for (let y = 0; y < count; y++) {
    const from = ((row + y) * width + column) * 4;
    cropped.set(data.subarray(from, from + count * 4), y * count * 4);
  }
  return { data: cropped, width: count, height: count };
}

/**
 * What the pixel at a place is computed from, in a sentence.
 * @param {Pixels} image at the size of a stage
 * @param {Place} place
 * @param {number} file side of the file, pixels
 */
export function describePixel({ data, width }, place, file) {
  const { column, row } = pixelAt(place, width);
  const from = (row * width + column) * 4;
  const [red, green, blue] = data.subarray(from, from + 3);
  const side = significant(file / width);
  const pixel = `At ${width} px, pixel (${column}, ${row}) is the mean of ${side} × ${side} pixels`;
  return `${pixel} of the file: red ${red}, green ${green}, blue ${blue}.`;
}

/**
 * @param {Stage[]} stages
 * @param {number} index
 * @returns {Stage} where there are fewer, the one that would be added
 */
export function stageAt(stages, index) {
  return stages[index] ?? withStageCount(stages, stages.length + 1)[stages.length];
}

/**
 * @param {Stage[]} stages
 * @param {{ index: number, part: 0 | 1, value: number }} change of the size (0) or the epochs (1)
 * @returns {Stage[]}
 */
export function replacePart(stages, { index, part, value }) {
  const [size, epochs] = stages[index];
  return stages.with(index, part ? [size, value] : [value, epochs]);
}

/**
 * The epochs that a stage trains: all stages but the first have one more, because `fine_tune`
 * begins with one of its own.
 * @param {number} epochs
 * @param {number} index of the stage
 */
export function trainedEpochs(epochs, index) {
  return index ? epochs + 1 : epochs;
}

/**
 * Gives epochs of the next stage to a stage, or the reverse: the sum stays the same.
 * @param {Stage[]} stages
 * @param {number} index of the left stage
 * @param {number} asked epochs of that stage
 * @returns {Stage[]} the same ones where nothing changes
 */
export function exchangeEpochs(stages, index, asked) {
  const [[size, epochs], [nextSize, nextEpochs]] = stages.slice(index, index + 2);
  const sum = epochs + nextEpochs;
  const [least, most] = [Math.max(1, sum - MOST_EPOCHS), Math.min(MOST_EPOCHS, sum - 1)];
  const left = Math.min(most, Math.max(least, asked));
  if (left === epochs) return stages;
  return stages.with(index, [size, left]).with(index + 1, [nextSize, sum - left]);
}

/**
 * The largest size and number of epochs that the work diagram shows: more than the schedules have,
 * so that each edge can be moved outwards.
 * @param {Cost[]} costs of the schedules that are shown
 */
export function diagramScale(costs) {
  const largest = Math.max(...costs.map((cost) => cost.largest));
  const epochs = Math.max(...costs.map((cost) => cost.epochs));
  return {
    size: DIAGRAM_SIZES.find((size) => size > largest) ?? MOST_SIZE,
    epochs: DIAGRAM_EPOCHS.find((count) => count > epochs) ?? epochs,
  };
}

/**
 * @param {Stage[]} stages
 * @param {number} count
 * @returns {Stage[]} with stages taken away, or one added that is larger than the last
 */
export function withStageCount(stages, count) {
  if (count <= stages.length) return stages.slice(0, count);
  const [size, epochs] = stages[stages.length - 1];
  return [...stages, [Math.min(MOST_SIZE, size + SIZE_STEP), epochs]];
}

/**
 * What a schedule costs, by pixels; an epoch at the largest size costs 1.
 * @param {Stage[]} stages
 */
export function scheduleCost(stages) {
  const largest = Math.max(...stages.map(([size]) => size));
  let epochs = 0;
  const rows = stages.map(([size, ownEpochs], i) => {
    const trained = trainedEpochs(ownEpochs, i);
    const row = { size, epochs: trained, start: epochs, each: size ** 2 / largest ** 2 };
    epochs += trained;
    return row;
  });
  const work = rows.reduce((sum, row) => sum + row.each * row.epochs, 0);
  return { largest, rows, epochs, total: work / epochs };
}

/** @typedef {ReturnType<typeof scheduleCost>} Cost total: share of training at the largest size */

/**
 * @param {number} size of a stage, pixels
 * @param {number} file side of the file, pixels
 */
export function describeSize(size, file) {
  if (size > file) return "Past the file: nothing gained.";
  if (size === file) return "All that the file holds.";
  return "";
}

/**
 * What the schedule costs, in a sentence or two.
 * @param {Cost} cost
 * @param {number} file side of the file, pixels
 */
export function describeCost({ epochs, total, largest }, file) {
  const work = `${epochs} epochs do the work of ${(total * epochs).toFixed(1)} at ${largest} px.`;
  const price = total === 1 ? "One size throughout: nothing is saved." : work;
  if (largest <= file) return price;
  return `${price} And ${largest} px pays for pixels that a file of ${file} px does not have.`;
}

/** @param {Cost} cost */
export function labelCost({ rows, largest, total }) {
  const parts = rows.map(({ epochs, size }) => `${epochs} epochs at ${size} pixels`);
  return `${parts.join(", then ")}: ${total.toFixed(3)} of the work at ${largest} throughout`;
}

/** @param {Cost["rows"]} rows */
function describeRows(rows) {
  const list = rows.map((row) => `${row.epochs} at ${row.size} px`).join(", ");
  const sum = rows.map((row) => `${row.epochs} × ${significant(row.each)}`).join(" + ");
  return { list, sum };
}

/**
 * The question for the cost of the whole schedule, as a share.
 * @param {Cost} cost
 * @returns {Question}
 */
export function totalQuestion({ rows, epochs, largest, total }) {
  const { list, sum } = describeRows(rows);
  const share = `what share of the work of ${epochs} at ${largest} px is that`;
  return {
    text: `${epochs} epochs, ${list}: ${share}, to within ${SHARE_TOLERANCE}?`,
    answer: total,
    tolerance: SHARE_TOLERANCE,
    because: `(${sum}) / ${epochs}`,
  };
}

/**
 * The question for the cost of the whole schedule, in epochs.
 * @param {Cost} cost
 * @returns {Question}
 */
export function workQuestion({ rows, epochs, largest, total }) {
  const { list, sum } = describeRows(rows);
  const asked = `As much work as how many epochs at ${largest} px`;
  return {
    text: `${list}. ${asked} is that, to within ${EPOCHS_TOLERANCE}?`,
    answer: total * epochs,
    tolerance: EPOCHS_TOLERANCE,
    because: `${sum}, where an epoch at ${largest} px counts 1`,
  };
}

/**
 * The question for the epochs of one stage that cost as much as one of the largest.
 * @param {Cost} cost
 * @param {number} index of the stage; the last one is the largest, and not asked for
 * @returns {Question}
 */
export function ratioQuestion({ rows, largest }, index) {
  const { size, each } = rows[Math.min(index, rows.length - 2)];
  return {
    text:
      `How many epochs at ${size} px cost as much as one at ${largest} px, ` +
      `to within ${EPOCHS_TOLERANCE}?`,
    answer: 1 / each,
    tolerance: EPOCHS_TOLERANCE,
    because: `${largest} px has (${largest} / ${size})² times the pixels of ${size} px`,
  };
}

/**
 * The question for what a model predicts at a stage's size, beside another stage's: for the
 * probability of the class that is first at the other size; for that of the first class, where the
 * model's best classes at this size are others.
 * @param {Guesses} guesses
 * @param {{ file: number, sizes: number[] }} state side of the file, and size of each stage
 * @param {number} index of the other stage
 * @returns {Question}
 */
export function predictionQuestion({ names, at }, { file, sizes }, index) {
  const [given, size] = index ? sizes : [sizes[1], sizes[0]];
  const [[first, probability]] = at[file][given];
  const best = at[file][size];
  const found = best.find(([c]) => c === first);
  const known = `At ${given} px the model gives ${quoted(names[first])} ${probability.toFixed(2)}.`;
  const sameClass = `How much does it give this class at ${size} px`;
  const otherClass =
    `At ${size} px that is none of its ${best.length} best classes. How much does it give the ` +
    "first one there";
  const list = best.map(([c, p]) => `${quoted(names[c])} ${p.toFixed(2)}`).join(", ");
  return {
    text: `${known} ${found ? sameClass : otherClass}, to within ${PROBABILITY_TOLERANCE}?`,
    answer: (found ?? best[0])[1],
    tolerance: PROBABILITY_TOLERANCE,
    because: `at ${size} px its best classes are ${list}`,
  };
}

/**
 * The question for the cost of an epoch of one stage.
 * @param {Cost} cost
 * @param {number} index of the stage; the last one is the largest, and not asked for
 * @returns {Question}
 */
export function epochQuestion({ rows, largest }, index) {
  const { size, each } = rows[Math.min(index, rows.length - 2)];
  const cost = `What does one at ${size} px cost`;
  return {
    text: `An epoch at ${largest} px costs 1. ${cost}, to within ${SHARE_TOLERANCE}?`,
    answer: each,
    tolerance: SHARE_TOLERANCE,
    because: `it has (${size} / ${largest})² of the pixels`,
  };
}
