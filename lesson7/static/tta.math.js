// The arithmetic of test time augmentation: windows of a photo, what they show, and how the
// predictions of the views are combined. Boxes are [x0, y0, x1, y1] in pixels of the photo.

import { describeThreshold } from "./format.js";

/** @import { Pixels } from "./canvas.js" */
/** @typedef {[x0: number, y0: number, x1: number, y1: number]} Box */
/** @typedef {[x: number, y: number]} Point */
/** @typedef {"crop" | "squish" | "pad"} Plain how the plain view is made square */
/** @typedef {"mean" | "max" | "lerp"} Reduce */

/** @type {Plain[]} */
export const PLAINS = ["crop", "squish", "pad"];
export const SCALES = [0.6, 0.85, 1];
/** @type {Point[]} */
export const CORNERS = [
  [0, 0],
  [1, 1],
  [1, 0],
  [0, 1],
];
const GRID = 9; // places along a side that a model was asked about
const OBJECT_SCALE = 0.35;
const PLAIN_WEIGHT = 0.25; // of the plain view in fastai's weighting

/** @param {number} value halves are rounded up, as in the module */
export function roundHalfUp(value) {
  return Math.floor(value + 0.5);
}

/**
 * @param {Point} point
 * @param {number} steps
 * @returns {Point} each coordinate in [0, 1] and a multiple of 1 / steps
 */
export function snapPoint([x, y], steps) {
  /** @param {number} value */
  const snap = (value) => roundHalfUp(Math.min(1, Math.max(0, value)) * steps) / steps;
  return [snap(x), snap(y)];
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} side
 * @returns {Box}
 */
function squareAt(x, y, side) {
  return [x, y, x + side, y + side];
}

/**
 * The plain view of a photo.
 * @param {number} width
 * @param {number} height
 * @param {Plain} plain
 * @returns {Box}
 */
export function plainBox(width, height, plain) {
  if (plain === "squish") return [0, 0, width, height];
  const side = plain === "crop" ? Math.min(width, height) : Math.max(width, height);
  return squareAt(Math.floor((width - side) / 2), Math.floor((height - side) / 2), side);
}

/**
 * @param {number} width of the photo
 * @param {number} height
 * @param {number} scale side of the window as a share of the short side
 * @param {Point} place from [0, 0] (left, top) to [1, 1]
 */
export function windowBox(width, height, scale, [x, y]) {
  const side = Math.max(1, roundHalfUp(scale * Math.min(width, height)));
  return squareAt(roundHalfUp(x * (width - side)), roundHalfUp(y * (height - side)), side);
}

/**
 * The box of the object that stands in for a model.
 * @param {number} width of the photo
 * @param {number} height
 * @param {Point} place
 */
export function objectBox(width, height, place) {
  return windowBox(width, height, OBJECT_SCALE, place);
}

/**
 * Places from end to end along the photo's long side.
 * @param {number} count
 * @param {boolean} isWide
 * @returns {Point[]}
 */
export function placesEndToEnd(count, isWide) {
  return Array.from({ length: count }, (_, i) => {
    const share = i / Math.max(1, count - 1);
    return isWide ? [share, 0.5] : [0.5, share];
  });
}

/**
 * @param {Box} box
 * @param {Point} point
 */
export function contains([x0, y0, x1, y1], [x, y]) {
  return x >= x0 && x < x1 && y >= y0 && y < y1;
}

/** @param {Box} box */
function area([x0, y0, x1, y1]) {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
}

/**
 * @param {Box} a
 * @param {Box} b
 * @returns {Box} the part that both cover
 */
export function intersection(a, b) {
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])];
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
  const rows = resizeRows(photo, box, side);
  const data = new Uint8ClampedArray(side * side * 4);
  filterTaps(box[3] - box[1], side).forEach(({ from, weights }, y) => {
    for (let x = 0; x < side; x++) {
      const to = (y * side + x) * 4;
      for (let c = 0; c < 3; c++) {
        let value = 0;
        for (let k = 0; k < weights.length; k++) {
          value += weights[k] * rows[((from + k) * side + x) * 3 + c];
        }
        data[to + c] = roundHalfUp(value);
      }
      data[to + 3] = 255;
    }
  });
  return { data, width: side, height: side };
}

/**
 * The rows of a box, `side` pixels wide.
 * @param {Pixels} photo
 * @param {Box} box
 * @param {number} side
 * @returns {Float64Array} RGB
 */
function resizeRows({ data, width, height }, [x0, y0, x1, y1], side) {
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
 * For each view, the share of the object that it shows, and the rest.
 * @param {Box[]} views
 * @param {Box} object
 */
export function objectShares(views, object) {
  return views.map((view) => {
    const share = area(intersection(view, object)) / area(object);
    return [share, 1 - share];
  });
}

/**
 * What a model predicted for each view.
 * @param {number[][]} predictions the plain views, then windows: for each scale, row and column
 * @param {{ plain: Plain, scale: number, at: Point[] }} state
 * @param {number} steps
 */
export function modelPredictions(predictions, { plain, scale, at }, steps) {
  const first = PLAINS.length + SCALES.indexOf(scale) * GRID * GRID;
  const windows = at.map(([x, y]) => {
    const row = roundHalfUp(y * steps);
    const column = roundHalfUp(x * steps);
    return predictions[first + row * GRID + column];
  });
  return [predictions[PLAINS.indexOf(plain)], ...windows];
}

/**
 * The weight of each view in the combined prediction.
 * @param {boolean[]} enabled views in use, the plain view first
 * @param {Reduce} reduce
 * @returns {number[]} non-negative, summing to 1; 0 for views that are not in use
 */
export function viewWeights(enabled, reduce) {
  const count = enabled.filter(Boolean).length;
  const isEqual = reduce !== "lerp" || !enabled[0] || count === 1;
  const plain = isEqual ? 1 / count : PLAIN_WEIGHT;
  const others = isEqual ? 1 / count : (1 - plain) / (count - 1);
  return enabled.map((inUse, i) => {
    if (!inUse) return 0;
    return i === 0 ? plain : others;
  });
}

/**
 * The combined prediction of the views in use.
 * @param {number[][]} predictions [views][classes]
 * @param {boolean[]} enabled
 * @param {Reduce} reduce
 */
export function combine(predictions, enabled, reduce) {
  const weights = viewWeights(enabled, reduce);
  const used = predictions.filter((_, i) => enabled[i]);
  return predictions[0].map((_, c) => {
    if (reduce === "max") return Math.max(...used.map((prediction) => prediction[c]));
    return predictions.reduce((sum, prediction, i) => sum + weights[i] * prediction[c], 0);
  });
}

/** @param {number[]} prediction */
export function ranking(prediction) {
  return prediction.map((_, c) => c).sort((a, b) => prediction[b] - prediction[a]);
}

/**
 * What the plain view does to this photo, in a sentence.
 * @param {number} width
 * @param {number} height
 * @param {Plain} plain
 */
export function describePlain(width, height, plain) {
  if (width === height) return "This photo is square: crop, squish and pad are the same.";
  const share = (100 * Math.min(width, height)) / Math.max(width, height);
  const kept = `${roundHalfUp(share)} %`;
  const side = width > height ? "width" : "height";
  const sentences = {
    crop: `The centre crop keeps ${kept} of this photo and drops the rest.`,
    squish: `Squishing keeps all of it, at ${kept} of its true ${side}.`,
    pad: `Padding keeps all of it, at ${kept} of the size that a crop gives.`,
  };
  return sentences[plain];
}

/**
 * For "max", a sentence about the sum; else nothing, as it is 1.
 * @param {number[]} together
 * @param {Reduce} reduce
 */
function describeSum(together, reduce) {
  if (reduce !== "max") return "";
  const sum = together.reduce((total, value) => total + value).toFixed(2);
  return ` Each class takes its highest value: they sum to ${sum}.`;
}

/**
 * What the views predict together, in a sentence or two.
 * @param {number[]} plain the plain view's prediction
 * @param {number[]} together
 * @param {object} options
 * @param {string[] | null} options.classes of the model; null: the views' scores are shares of the
 *   object
 * @param {Reduce} options.reduce
 * @param {number} [options.threshold] from which a class counts, for a model of several classes an
 *   image
 */
export function describeTogether(plain, together, { classes, reduce, threshold }) {
  const suffix =
    classes && threshold !== undefined
      ? ` ${describeThreshold(together, classes, threshold)}`
      : describeSum(together, reduce);
  if (!classes) {
    const shown = `The plain view shows ${roundHalfUp(100 * plain[0])} % of the object.`;
    return `${shown} Together: ${together[0].toFixed(3)}.${suffix}`;
  }
  const [first] = ranking(plain);
  const [best] = ranking(together);
  const alone = `The plain view says ${classes[first]} (${plain[first].toFixed(2)}).`;
  return `${alone} Together: ${classes[best]} (${together[best].toFixed(2)}).${suffix}`;
}
