// Boxes of a photo as square images, resized with the bilinear filter of Pillow and torch.

/** @import { Pixels } from "./canvas.js" */
/** @typedef {[x0: number, y0: number, x1: number, y1: number]} Box */

const OPAQUE = 255; // the largest value of a channel

/** @param {number} value halves are rounded up, as in the module */
export function roundHalfUp(value) {
  return Math.floor(value + 0.5);
}

/**
 * The photo that begins at row `top` of the sheet.
 * @param {Pixels} sheet all photos, one above the other
 * @param {number} top
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
export function photoAt(sheet, top, width, height) {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * sheet.width * 4;
    data.set(sheet.data.subarray(start, start + width * 4), y * width * 4);
  }
  return { data, width, height };
}

/**
 * The antialiased bilinear filter of Pillow and torch: for each output pixel, the first input
 * pixel, how many there are, and their weights, from `pitch` times its index on.
 * @param {number} length of the input
 * @param {number} side of the output
 */
function filterTaps(length, side) {
  const step = length / side;
  const reach = Math.max(step, 1);
  const pitch = Math.ceil(2 * reach) + 1;
  const starts = new Int32Array(side);
  const counts = new Int32Array(side);
  const weights = new Float64Array(side * pitch);
  for (let i = 0; i < side; i++) {
    const centre = (i + 0.5) * step;
    const from = Math.max(0, Math.floor(centre - reach + 0.5));
    const count = Math.min(length, Math.floor(centre + reach + 0.5)) - from;
    const own = weights.subarray(i * pitch, i * pitch + count);
    for (let k = 0; k < count; k++) {
      own[k] = Math.max(0, 1 - Math.abs((from + k - centre + 0.5) / reach));
    }
    const total = own.reduce((sum, weight) => sum + weight, 0);
    for (let k = 0; k < count; k++) own[k] /= total;
    starts[i] = from;
    counts[i] = count;
  }
  return { pitch, starts, counts, weights };
}

/**
 * A box of a photo as a square image; black past the photo's edges.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side of the result, pixels
 * @returns {Pixels}
 */
export function cropResized(photo, box, side) {
  const data = new Uint8ClampedArray(side * side * 4).fill(OPAQUE);
  const planes = cropPlanes(photo, box, side);
  const area = side * side;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < area; i++) data[4 * i + c] = roundHalfUp(planes[c * area + i]);
  }
  return { data, width: side, height: side };
}

/**
 * The same as a network takes it: normalized, and not rounded.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side of the result, pixels
 * @param {{ mean: number[], std: number[] }} statistics of values in [0, 1]
 * @returns {Float32Array} [3, side, side]
 */
export function cropTensor(photo, box, side, { mean, std }) {
  const planes = cropPlanes(photo, box, side);
  const area = side * side;
  const tensor = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) {
    for (let i = c * area; i < (c + 1) * area; i++) {
      tensor[i] = (planes[i] / OPAQUE - mean[c]) / std[c];
    }
  }
  return tensor;
}

/**
 * A box that is resized to a square.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side
 * @returns {Float64Array} red, green and blue one after the other, [3, side, side], from 0 to 255
 */
function cropPlanes(photo, box, side) {
  const rows = cropRows(photo, box, side);
  const { pitch, starts, counts, weights } = filterTaps(box[3] - box[1], side);
  const planes = new Float64Array(3 * side * side);
  const area = (box[3] - box[1]) * side; // of a channel of `rows`
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      const to = (c * side + y) * side;
      for (let k = 0; k < counts[y]; k++) {
        const weight = weights[y * pitch + k];
        const from = c * area + (starts[y] + k) * side;
        for (let x = 0; x < side; x++) planes[to + x] += weight * rows[from + x];
      }
    }
  }
  return planes;
}

/**
 * The rows of a box, `side` pixels wide.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side
 * @returns {Float64Array} red, green and blue one after the other; black past the photo's edges
 */
function cropRows({ data, width, height }, [x0, y0, x1, y1], side) {
  const area = (y1 - y0) * side;
  const rows = new Float64Array(3 * area);
  const { pitch, starts, counts, weights } = filterTaps(x1 - x0, side);
  const last = Math.min(y1, height);
  for (let y = Math.max(0, y0); y < last; y++) {
    for (let i = 0; i < side; i++) {
      const to = (y - y0) * side + i;
      const first = Math.max(0, -(x0 + starts[i]));
      const end = Math.min(counts[i], width - x0 - starts[i]);
      for (let k = first; k < end; k++) {
        const weight = weights[i * pitch + k];
        const pixel = (y * width + x0 + starts[i] + k) * 4;
        rows[to] += weight * data[pixel];
        rows[area + to] += weight * data[pixel + 1];
        rows[2 * area + to] += weight * data[pixel + 2];
      }
    }
  }
  return rows;
}

/**
 * An image as a network takes it.
 * @param {Pixels} image
 * @param {{ mean: number[], std: number[] }} statistics of values in [0, 1]
 * @returns {Float32Array} [3,H,W]
 */
export function imageTensor({ data, width, height }, { mean, std }) {
  const area = width * height;
  const tensor = new Float32Array(3 * area);
  for (let c = 0; c < 3; c += 1) {
    for (let i = 0; i < area; i += 1) {
      tensor[c * area + i] = (data[4 * i + c] / OPAQUE - mean[c]) / std[c];
    }
  }
  return tensor;
}
