// The arithmetic of test time augmentation: windows of a photo, what they show, and how the
// predictions of the views are combined. Boxes are [x0, y0, x1, y1] in pixels of the photo.

import { roundHalfUp } from "./crop.js";
import { describeThreshold } from "./threshold.js";

/** @import { Box } from "./crop.js" */
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
const OBJECT_SCALE = 0.35;
export const PLAIN_WEIGHT = 0.25; // of the plain view in fastai's weighting

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
 * @param {number} steps between neighbouring places, from one edge to the other
 */
export function modelPredictions(predictions, { plain, scale, at }, steps) {
  const places = steps + 1; // along each side of the image
  const first = PLAINS.length + SCALES.indexOf(scale) * places ** 2;
  const windows = at.map(([x, y]) => {
    const row = roundHalfUp(y * steps);
    const column = roundHalfUp(x * steps);
    return predictions[first + row * places + column];
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
  const sum = together.reduce((total, value) => total + value).toFixed(3);
  return ` Each class takes its highest value: they sum to ${sum}.`;
}

/**
 * What the combined prediction needs to be read, in a sentence; mostly nothing.
 * @param {number[]} together the combined prediction
 * @param {object} options
 * @param {string[]} options.classes
 * @param {Reduce} options.reduce
 * @param {number} [options.threshold] from which a class counts, for a model of several classes an
 *   image
 */
export function describeTogether(together, { classes, reduce, threshold }) {
  if (threshold !== undefined) return describeThreshold(together, classes, threshold);
  return describeSum(together, reduce);
}

/**
 * The windows' places as a link has them: `0_0-1_0.55`.
 * @param {Point[]} places
 */
export function formatPlaces(places) {
  const pairs = places.map((place) => place.map((share) => Number(share.toFixed(4))).join("_"));
  return pairs.join("-");
}

/**
 * Places from the text of a link; null unless there are `count`, all of them within the photo.
 * @param {string} text
 * @param {number} count
 * @param {number} steps
 */
export function parsePlaces(text, count, steps) {
  const pairs = text.split("-").map((pair) => pair.split("_"));
  const isComplete = pairs.length === count && pairs.every(({ length }) => length === 2);
  const isAllowed = pairs
    .flat()
    .every((share) => share && Number(share) >= 0 && Number(share) <= 1);
  if (!isComplete || !isAllowed) return null;
  return pairs.map(([x, y]) => snapPoint([Number(x), Number(y)], steps));
}

/**
 * Which views are in use as a link has it: `11011`.
 * @param {boolean[]} enabled
 */
export function formatSwitches(enabled) {
  return enabled.map(Number).join("");
}

/**
 * @param {string} text of a link
 * @param {number} count of views
 * @returns {boolean[] | null} null: the text is not allowed
 */
export function parseSwitches(text, count) {
  const isAllowed = text.length === count && /^0*1[01]*$/.test(text);
  return isAllowed ? [...text].map((digit) => digit === "1") : null;
}

/**
 * The views in use when there are `count`: the first ones are switched on, the last ones off.
 * @param {boolean[]} enabled
 * @param {number} count
 */
export function switchViews(enabled, count) {
  const views = [...enabled];
  let inUse = views.filter(Boolean).length;
  for (; inUse < count; inUse++) views[views.indexOf(false)] = true;
  for (; inUse > count; inUse--) views[views.lastIndexOf(true)] = false;
  return views;
}

/**
 * @param {number} side of a window, in pixels of the photo
 * @param {number} short side of the photo
 * @returns {number} the scale whose windows are nearest to that
 */
export function nearestScale(side, short) {
  const distance = (/** @type {number} */ scale) => Math.abs(scale * short - side);
  return SCALES.toSorted((a, b) => distance(a) - distance(b))[0];
}

/**
 * The place of a square whose upper left corner is at `corner`, or near it within the photo.
 * @param {Point} corner in pixels
 * @param {number} side
 * @param {[width: number, height: number]} size of the photo
 * @param {Point} place where the square cannot move
 * @returns {Point}
 */
export function placeOf(corner, side, size, place) {
  const [x, y] = size.map((length, axis) => {
    const room = length - side;
    return room > 0 ? corner[axis] / room : place[axis];
  });
  return [x, y];
}

/**
 * What is written before and after the views in the sum.
 * @param {boolean[]} enabled
 * @param {Reduce} reduce
 */
export function sumSigns(enabled, reduce) {
  const count = enabled.filter(Boolean).length;
  const first = enabled.indexOf(true);
  const isWeighted = reduce === "lerp" && first === 0 && count > 1;
  const opening = { mean: "(", lerp: "(", max: "max (" }[reduce];
  const between = reduce === "max" ? "," : "+";
  const before = enabled.map((inUse, i) => {
    if (!inUse) return "";
    return i === first ? opening : between;
  });
  if (isWeighted) {
    before[0] = `${PLAIN_WEIGHT} ×`;
    before[enabled.indexOf(true, 1)] = `+ ${1 - PLAIN_WEIGHT} × (`;
  }
  return { before, divisor: isWeighted ? count - 1 : count };
}

/**
 * A view's value: three decimals, as many as the combined one has, unless it is all or nothing.
 * @param {number} value
 */
export function formatShare(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
