// The arithmetic of mixup: blended pixels, mixed targets, and the weights' density.

/** @import { Pixels } from "./canvas.js" */

/** The lesson's example: 0.3 of an image of class 2 and 0.7 of one of class 7. */
export const LESSON = {
  vocab: Array.from({ length: 10 }, (_, i) => `class ${i}`),
  labels: [2, 7],
  t: 0.3,
};
export const T_STEPS = 20; // learners were asked at t = 0, 1/20 .. 1
const LONGEST_TARGET = 12; // numbers written one by one

/**
 * The pixels of one image of the sprite.
 * @param {Pixels} sprite square images, one above the other
 * @param {number} side
 * @param {number} index
 */
export function imageAt({ data }, side, index) {
  const size = side * side * 4;
  return data.subarray(index * size, (index + 1) * size);
}

/**
 * The first images of several sprites, one above the other.
 * @param {Pixels[]} sprites square images, one above the other
 * @param {number} side
 * @param {number} count of images
 * @returns {Pixels}
 */
export function stackImages(sprites, side, count) {
  const data = new Uint8ClampedArray(count * side * side * 4);
  let start = 0;
  for (const sprite of sprites) {
    const room = sprite.data.subarray(0, data.length - start);
    data.set(room, start);
    start += room.length;
  }
  return { data, width: side, height: count * side };
}

/**
 * t * a + (1 - t) * b, clamped and rounded to bytes; where both are opaque, so is the blend.
 * @param {Uint8ClampedArray} a RGBA
 * @param {Uint8ClampedArray} b RGBA
 * @param {number} t
 */
export function blendPixels(a, b, t) {
  const blend = new Uint8ClampedArray(a.length);
  for (let i = 0; i < blend.length; i++) blend[i] = t * a[i] + (1 - t) * b[i];
  return blend;
}

/**
 * A target of `count` classes, mixed from two one-hot ones.
 * @param {number} count
 * @param {{ a: number, b: number, t: number }} mix classes, and the weight of the first
 */
export function mixTargets(count, { a, b, t }) {
  return Array.from({ length: count }, (_, k) => targetValue(k, { a, b, t }));
}

/**
 * @param {number} k
 * @param {{ a: number, b: number, t: number }} mix
 */
export function targetValue(k, { a, b, t }) {
  return (k === a ? t : 0) + (k === b ? 1 - t : 0);
}

/**
 * @param {number} weight
 * @param {"half" | "any"} keep half: max(weight, 1 - weight), as fastai does
 */
export function foldWeight(weight, keep) {
  return keep === "half" ? Math.max(weight, 1 - weight) : weight;
}

/**
 * The density of max(weight, 1 - weight); that of Beta(alpha, alpha) is symmetric.
 * @param {number[]} density at equal steps from 0 to 1
 */
export function foldDensity(density) {
  return density.map((value, i) => (i < density.length / 2 ? 0 : 2 * value));
}

/**
 * What a learner predicts for a blend.
 * @param {Record<string, number[][][]>} predictions "i,j" with i <= j: for each learner, for each
 *   step of the weight of i, probabilities of the rows
 * @param {number} learner
 * @param {{ first: number, second: number, t: number }} blend
 */
export function predictionAt(predictions, learner, { first, second, t }) {
  const isInOrder = first <= second;
  const key = isInOrder ? `${first},${second}` : `${second},${first}`;
  return predictions[key][learner][Math.round((isInOrder ? t : 1 - t) * T_STEPS)];
}

/**
 * Half the sum of absolute differences: the probability that is with the wrong class.
 * @param {number[]} prediction
 * @param {number[]} target
 */
export function misplaced(prediction, target) {
  return prediction.reduce((sum, value, k) => sum + Math.abs(value - target[k]), 0) / 2;
}

/**
 * A target as the lesson writes it; of many classes, only those that are not zero.
 * @param {number[]} target
 */
export function formatTarget(target) {
  const numbers = target.map((value) => String(Number(value.toFixed(2))));
  if (target.length <= LONGEST_TARGET) return `[${numbers.join(", ")}]`;
  const indices = target.flatMap((value, i) => (value ? [i] : []));
  const parts = indices.map((i) => `${numbers[i]} at ${i}`);
  return `${parts.join(", ")}; 0 at the other ${target.length - indices.length}`;
}

/**
 * What the weight means, in a sentence.
 * @param {{ t: number, a: number, b: number, keep: "half" | "any" }} state
 * @param {[first: string, second: string]} names of the classes
 */
export function describeWeight({ t, a, b, keep }, [first, second]) {
  if (a === b) return `Both are ${first}: whatever the weight, the target stays one-hot.`;
  if (t === 0 || t === 1)
    return `Only ${t ? first : second} is left: an ordinary training example.`;
  const best = `${t.toFixed(2)} for ${first} and ${(1 - t).toFixed(2)} for ${second}`;
  const sentence = `The loss is least when the model says ${best}.`;
  if (t >= 0.5 || keep !== "half") return sentence;
  return (
    `${sentence} (fastai would call the second picture the first: ` +
    "what it keeps is never under one half.)"
  );
}

/**
 * How many of the weights drawn so far leave an image nearly alone, in a sentence.
 * @param {number[]} weights
 * @param {boolean} isRounded the slider moves in steps of 1 / T_STEPS
 */
export function describeDraws(weights, isRounded) {
  if (!weights.length) {
    return "Press “Draw a weight” a few times: each dot is what one picture in a batch would get.";
  }
  const count = weights.filter((weight) => Math.max(weight, 1 - weight) > 0.9).length;
  const verb = count === 1 ? "leaves" : "leave";
  const rounding = isRounded ? " (dots as drawn; t is rounded to steps of 0.05)" : "";
  const share = `${count} ${verb} one picture more than 0.9${rounding}`;
  return `Drawn so far: ${weights.length}, of which ${share}.`;
}
