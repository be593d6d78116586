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
 * For each output pixel, the first input pixel and the weights of the antialiased bilinear filter
 * of Pillow and torch.
 * @param {number} length of the input
 * @param {number} side of the output
 */
function filterTaps(length, side) {
  const step = length / side;
  const reach = Math.max(step, 1);
  return Array.from({ length: side }, (_, i) => {
    const centre = (i + 0.5) * step;
    const from = Math.max(0, Math.floor(centre - reach + 0.5));
    const to = Math.min(length, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: to - from }, (_, k) => {
      return Math.max(0, 1 - Math.abs((from + k - centre + 0.5) / reach));
    });
    const total = raw.reduce((sum, weight) => sum + weight);
    return { from, weights: raw.map((weight) => weight / total) };
  });
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
  visitCrop(photo, box, side, (pixel, channel, value) => {
    data[4 * pixel + channel] = roundHalfUp(value);
  });
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
  const tensor = new Float32Array(3 * side * side);
  visitCrop(photo, box, side, (pixel, channel, value) => {
    tensor[channel * side * side + pixel] = (value / OPAQUE - mean[channel]) / std[channel];
  });
  return tensor;
}

/**
 * Calls `visit` with each value of a box that is resized to a square.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side
 * @param {(pixel: number, channel: number, value: number) => void} visit
 */
function visitCrop(photo, box, side, visit) {
  const rows = cropRows(photo, box, side);
  filterTaps(box[3] - box[1], side).forEach(({ from, weights }, y) => {
    for (let x = 0; x < side; x++) {
      for (let c = 0; c < 3; c++) {
        let value = 0;
        for (let k = 0; k < weights.length; k++) {
          value += weights[k] * rows[((from + k) * side + x) * 3 + c];
        }
        visit(y * side + x, c, value);
      }
    }
  });
}

/**
 * The rows of a box, `side` pixels wide.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side
 * @returns {Float64Array} RGB
 */
function cropRows({ data, width, height }, [x0, y0, x1, y1], side) {
  const rows = new Float64Array((y1 - y0) * side * 3);
  const taps = filterTaps(x1 - x0, side);
  const last = Math.min(y1, height);
  for (let y = Math.max(0, y0); y < last; y++) {
    taps.forEach(({ from, weights }, i) => {
      const to = ((y - y0) * side + i) * 3;
      for (let k = 0; k < weights.length; k++) {
        const x = x0 + from + k;
        if (x < 0 || x >= width) continue;
        const pixel = (y * width + x) * 4;
        for (let c = 0; c < 3; c++) rows[to + c] += weights[k] * data[pixel + c];
      }
    });
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
