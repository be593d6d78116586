// The arithmetic of progressive resizing: images at other sizes, and what a schedule costs.

import { significant } from "./format.js";

/** @import { Pixels } from "./canvas.js" */
/** @typedef {[size: number, epochs: number]} Stage */

export const MOST_STAGES = 3;
export const MOST_SIZE = 320; // pixels
const SIZE_STEP = 32; // pixels from the last stage to one that is added

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
  const resized = new Uint8ClampedArray(size * size * 4); // rounds to nearest, halves to even
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
 * The middle of a square image, a quarter of its side wide.
 * @param {Pixels} image
 * @returns {Pixels}
 */
export function cropMiddle({ data, width }) {
  const side = Math.ceil(width / 4);
  const corner = Math.floor((width * 3) / 8);
  const cropped = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y++) {
    const from = ((corner + y) * width + corner) * 4;
    cropped.set(data.subarray(from, from + side * 4), y * side * 4);
  }
  return { data: cropped, width: side, height: side };
}

/**
 * @param {Stage[]} stages
 * @param {number} index
 * @returns {Stage} the last one where there are fewer
 */
export function stageAt(stages, index) {
  return stages[index] ?? stages[stages.length - 1];
}

/**
 * @param {Stage[]} stages
 * @param {number} index
 * @param {Stage} stage
 */
export function replaceStage(stages, index, stage) {
  return stages.with(index, stage);
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
 * What a schedule costs, by pixels; an epoch at the largest size costs 1. All stages but the first
 * have an epoch more: `fine_tune` begins with one of its own.
 * @param {Stage[]} stages
 */
export function scheduleCost(stages) {
  const largest = Math.max(...stages.map(([size]) => size));
  const rows = stages.map(([size, epochs], i) => {
    return { size, epochs: i ? epochs + 1 : epochs, each: size ** 2 / largest ** 2 };
  });
  const epochs = rows.reduce((sum, row) => sum + row.epochs, 0);
  const work = rows.reduce((sum, row) => sum + row.each * row.epochs, 0);
  return { largest, rows, epochs, total: work / epochs };
}

/** @typedef {ReturnType<typeof scheduleCost>} Cost total: share of training at the largest size */

/**
 * @param {number} size of a stage, pixels
 * @param {number} file side of the file, pixels
 */
export function describeSize(size, file) {
  if (size > file) return `Past the file's ${file} px: nothing gained.`;
  if (size === file) return "All that the file holds.";
  return `From a file of ${file} px.`;
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

/**
 * The question for the cost of the whole schedule.
 * @param {Cost} cost
 * @param {number} tolerance
 */
export function totalQuestion({ rows, epochs, largest, total }, tolerance) {
  const list = rows.map((row) => `${row.epochs} at ${row.size} px`).join(", ");
  const sum = rows.map((row) => `${row.epochs} × ${significant(row.each)}`).join(" + ");
  const share = `what share of the work of ${epochs} at ${largest} px is that`;
  return {
    text: `${epochs} epochs, ${list}: ${share}, to within ${tolerance}?`,
    answer: total,
    tolerance,
    because: `(${sum}) / ${epochs}`,
  };
}

/**
 * The question for the cost of an epoch of one stage.
 * @param {Cost} cost
 * @param {number} index of the stage; the last one is the largest, and not asked for
 * @param {number} tolerance
 */
export function epochQuestion({ rows, largest }, index, tolerance) {
  const { size, each } = rows[Math.min(index, rows.length - 2)];
  const cost = `What does one at ${size} px cost`;
  return {
    text: `An epoch at ${largest} px costs 1. ${cost}, to within ${tolerance}?`,
    answer: each,
    tolerance,
    because: `it has (${size} / ${largest})² of the pixels`,
  };
}
