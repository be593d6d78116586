// The arithmetic of a small training: counted random numbers, a network with one hidden layer,
// mixup, smoothing, evaluation, and differences that are paired over seeds.

import { fixed } from "./format.js";

/**
 * What is trained on: rows of numbers, those of the training pool first.
 * @typedef {object} Examples
 * @property {Float64Array} values [count * columns]
 * @property {Uint8Array} labels class index of each
 * @property {number} count
 * @property {number} columns
 * @property {number} classes
 * @property {number} largest value of the format, 16 for the digits
 * @property {boolean} isTable columns have units of their own: each has its statistics
 */

/**
 * The settings of one side.
 * @typedef {object} Settings
 * @property {string} inputs one of INPUTS
 * @property {number} alpha of Beta(alpha, alpha); 0: no mixup
 * @property {boolean} fold max(lambda, 1 - lambda), as fastai does
 * @property {number} eps of label smoothing
 * @property {number} wrong share of training labels that are wrong
 * @property {number} images to train on
 * @property {number} epochs
 * @property {number} lr
 * @property {number} hidden units
 */

/** @typedef {{ start: number, seed: number }} Draw index of the first validation image, and seed */

/**
 * @typedef {object} Network
 * @property {number[]} sizes inputs, hidden units, classes
 * @property {Float64Array[]} weights W1 [inputs, hidden], b1, W2 [hidden, classes], b2
 * @property {Float64Array[]} gradients of the same shapes
 * @property {Float64Array[]} velocities of the same shapes
 * @property {Float64Array} units values of the hidden units for the last input
 * @property {Float64Array} logits for the last input
 * @property {Float64Array} unitGradients
 */

/**
 * @typedef {object} Evaluation
 * @property {number} epoch
 * @property {number} trainLoss mean over the epoch's batches, with the targets that were trained on
 * @property {number} loss of validation
 * @property {number} accuracy 0 to 1
 * @property {number} ece expected calibration error
 * @property {number} largest mean over images of the largest logit
 * @property {number[][]} bins images, sum of confidences, and correct ones in each bin
 * @property {Float32Array} logits of validation [images * classes]
 * @property {Uint8Array} memory predicted class of each training image with a wrong label
 */

export const INPUTS = ["normalized", "0-1", "as is", "0-255", "wrong at test time"];
export const BATCH = 32;
export const MOMENTUM = 0.9;
export const BINS = 10;
const MOST_EVALUATIONS = 20; // of one training
const GOLDEN = 0x9e3779b9; // 2^32 divided by the golden ratio
const ORDER_SPACE = 4096; // more than there are examples
// Purposes of random numbers: no two uses share a stream.
const WEIGHTS = 1;
const WRONG = 2;
const ORDER = 3;
const LAMBDA = 4;
const PARTNER = 5;
// 97.5 % quantiles of Student's t with 1 to 9 degrees of freedom.
const T_QUANTILES = [
  12.706204736, 4.30265273, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252,
  2.306004135, 2.262157163,
];

/**
 * A number of 32 bits from another one (the hash lowbias32).
 * @param {number} value
 */
export function scramble(value) {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The key of a stream of random numbers.
 * @param {number} seed
 * @param {number} purpose
 * @param {number} [round] an epoch, or a batch
 */
export function streamKey(seed, purpose, round = 0) {
  return scramble(scramble(scramble(seed) + purpose) + round);
}

/**
 * Number `i` of a stream, above 0 and below 1.
 * @param {number} key
 * @param {number} i
 */
export function uniformAt(key, i) {
  return (scramble(key + Math.imul(i, GOLDEN)) + 0.5) / 2 ** 32;
}

/**
 * The numbers 0 to count - 1 in random order.
 * @param {number} count
 * @param {number} key
 */
export function shuffled(count, key) {
  const ranks = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    ranks[i] = scramble(key + Math.imul(i, GOLDEN)) * ORDER_SPACE + i;
  }
  return ranks.sort().map((rank) => rank % ORDER_SPACE);
}

/**
 * Normal number `i` of a stream (Box and Muller, 1958).
 * @param {number} key
 * @param {number} i
 */
export function normalAt(key, i) {
  const radius = Math.sqrt(-2 * Math.log(uniformAt(key, 2 * i)));
  return radius * Math.cos(2 * Math.PI * uniformAt(key, 2 * i + 1));
}

/**
 * Number `i` of a stream from Beta(alpha, alpha), by its relation to Student's t (Bailey, 1994).
 * @param {number} key
 * @param {number} i
 * @param {number} alpha above 0
 */
export function betaAt(key, i, alpha) {
  const power = uniformAt(key, 2 * i) ** (1 / alpha);
  const cosine = Math.cos(2 * Math.PI * uniformAt(key, 2 * i + 1));
  return 0.5 * (1 + cosine * Math.sqrt((1 - power) / (power + (1 - power) * cosine ** 2)));
}

/**
 * The labels that are trained on, and which of them are wrong. More wrong ones include fewer.
 * @param {Examples} examples
 * @param {Settings} settings
 * @param {number} seed
 */
export function givenLabels({ labels, classes }, { images, wrong }, seed) {
  const given = labels.slice(0, images);
  const count = Math.floor(wrong * images + 0.5);
  const changed = shuffled(images, streamKey(seed, WRONG)).slice(0, count).sort();
  const key = streamKey(seed, WRONG, 1);
  for (const i of changed) {
    const shift = 1 + Math.floor(uniformAt(key, i) * (classes - 1));
    given[i] = (given[i] + shift) % classes;
  }
  return { given, changed };
}

/**
 * Mean and standard deviation of the training images' values; of a table, of each column.
 * @param {Examples} examples
 * @param {number} images
 */
export function inputStats({ values, columns, isTable }, images) {
  const groups = isTable ? columns : 1;
  const means = new Float64Array(groups);
  const variances = new Float64Array(groups);
  const count = (images * columns) / groups;
  for (let i = 0; i < images * columns; i++) means[i % groups] += values[i] / count;
  for (let i = 0; i < images * columns; i++) {
    variances[i % groups] += (values[i] - means[i % groups]) ** 2 / count;
  }
  return { means, sds: variances.map((variance) => Math.sqrt(variance) || 1) };
}

/**
 * The values that the network sees.
 * @param {Examples} examples
 * @param {Pick<Settings, "inputs" | "images">} settings
 * @param {boolean} isTest
 * @param {Float64Array} [values] of other examples, in the same format
 */
export function scaledInputs(examples, { inputs, images }, isTest, values = examples.values) {
  const { largest } = examples;
  if (inputs === "as is") return values;
  if (inputs === "0-1" || (inputs === "wrong at test time" && isTest)) {
    return values.map((value) => value / largest);
  }
  if (inputs === "0-255") return values.map((value) => (value / largest) * 255);
  const { means, sds } = inputStats(examples, images);
  const groups = means.length;
  return values.map((value, i) => (value - means[i % groups]) / sds[i % groups]);
}

/**
 * A network with the initial weights of He and others (2015) before ReLU.
 * @param {number[]} sizes inputs, hidden units, classes
 * @param {number} seed
 * @returns {Network}
 */
export function createNetwork(sizes, seed) {
  const [inputs, hidden, classes] = sizes;
  const lengths = [inputs * hidden, hidden, hidden * classes, classes];
  const zeros = () => lengths.map((length) => new Float64Array(length));
  const weights = zeros();
  const [first, second] = [streamKey(seed, WEIGHTS), streamKey(seed, WEIGHTS, 1)];
  for (let i = 0; i < lengths[0]; i++) weights[0][i] = normalAt(first, i) * Math.sqrt(2 / inputs);
  for (let i = 0; i < lengths[2]; i++) weights[2][i] = normalAt(second, i) * Math.sqrt(1 / hidden);
  return {
    ...{ sizes, weights, gradients: zeros(), velocities: zeros() },
    units: new Float64Array(hidden),
    logits: new Float64Array(classes),
    unitGradients: new Float64Array(hidden),
  };
}

/**
 * Sets the network's hidden units and logits for one input.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {number} start index of the input's first value
 */
export function forward({ sizes, weights, units, logits }, x, start) {
  const [inputs, hidden, classes] = sizes;
  const [w1, b1, w2, b2] = weights;
  units.set(b1);
  let d = 0;
  for (; d + 3 < inputs; d += 4) {
    // Four inputs at once read and write the hidden units a quarter as often.
    const [first, second] = [d * hidden, (d + 1) * hidden];
    const [third, fourth] = [(d + 2) * hidden, (d + 3) * hidden];
    const [a, b] = [x[start + d], x[start + d + 1]];
    const [c, e] = [x[start + d + 2], x[start + d + 3]];
    for (let j = 0; j < hidden; j++) {
      const pair = a * w1[first + j] + b * w1[second + j];
      units[j] += pair + c * w1[third + j] + e * w1[fourth + j];
    }
  }
  for (; d < inputs; d++) {
    const value = x[start + d];
    for (let j = 0; j < hidden; j++) units[j] += value * w1[d * hidden + j];
  }
  logits.set(b2);
  for (let j = 0, w = 0; j < hidden; j++) {
    if (units[j] < 0) units[j] = 0;
    const unit = units[j];
    for (let c = 0; c < classes; c++, w++) logits[c] += unit * w2[w];
  }
}

/**
 * Adds the gradient of the cross-entropy for the input of the last `forward`.
 * @param {Network} network
 * @param {Float64Array} x the same input
 * @param {number} start
 * @param {Float64Array} target probabilities of the classes; contains the logits' gradient after
 * @returns {number} the cross-entropy
 */
export function addGradient(
  { sizes, weights, gradients, units, logits, unitGradients },
  x,
  start,
  target,
) {
  const [inputs, hidden, classes] = sizes;
  const w2 = weights[2];
  const [g1, gb1, g2, gb2] = gradients;
  const offset = logSumExp(logits, 0, classes);
  let loss = 0;
  for (let c = 0; c < classes; c++) {
    loss -= target[c] * (logits[c] - offset);
    target[c] = Math.exp(logits[c] - offset) - target[c];
    gb2[c] += target[c];
  }
  for (let j = 0, w = 0; j < hidden; j++) {
    const unit = units[j];
    let sum = 0;
    for (let c = 0; c < classes; c++, w++) {
      sum += w2[w] * target[c];
      g2[w] += unit * target[c];
    }
    unitGradients[j] = unit > 0 ? sum : 0;
    gb1[j] += unitGradients[j];
  }
  for (let d = 0, w = 0; d < inputs; d++) {
    const value = x[start + d];
    for (let j = 0; j < hidden; j++, w++) g1[w] += value * unitGradients[j];
  }
  return loss;
}

/**
 * log(sum(exp(logits))), without overflow.
 * @param {ArrayLike<number>} logits
 * @param {number} start
 * @param {number} classes
 */
export function logSumExp(logits, start, classes) {
  let most = logits[start];
  for (let c = 1; c < classes; c++) if (logits[start + c] > most) most = logits[start + c];
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(logits[start + c] - most);
  return most + Math.log(sum);
}

/**
 * One step of SGD with momentum, by the mean of the gradients, which are set to 0.
 * @param {Network} network
 * @param {number} lr
 * @param {number} count images in the batch
 */
export function stepWeights({ weights, gradients, velocities }, lr, count) {
  for (let k = 0; k < weights.length; k++) {
    const [weight, gradient, velocity] = [weights[k], gradients[k], velocities[k]];
    for (let i = 0; i < weight.length; i++) {
      velocity[i] = MOMENTUM * velocity[i] + gradient[i] / count;
      weight[i] -= lr * velocity[i];
      gradient[i] = 0;
    }
  }
}

/**
 * Sets a smoothed target: 1 - eps + eps / classes for the label, eps / classes for the others.
 * @param {Float64Array} target
 * @param {number} label
 * @param {number} eps
 * @param {number} weight the target is multiplied by it and added
 */
function addTarget(target, label, eps, weight) {
  const share = (weight * eps) / target.length;
  for (let c = 0; c < target.length; c++) target[c] += share;
  target[label] += weight * (1 - eps);
}

/**
 * Sets the mixed input and target of one image of a batch.
 * @param {{ mixed: Float64Array, target: Float64Array }} buffers
 * @param {Float64Array} x
 * @param {Uint8Array} given labels
 * @param {{ image: number, other: number, weight: number, eps: number }} pair
 */
export function mixPair({ mixed, target }, x, given, { image, other, weight, eps }) {
  const columns = mixed.length;
  for (let d = 0; d < columns; d++) {
    mixed[d] = weight * x[image * columns + d] + (1 - weight) * x[other * columns + d];
  }
  addTarget(target, given[image], eps, weight);
  addTarget(target, given[other], eps, 1 - weight);
}

/**
 * Adds the gradients of one batch.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {Uint8Array} given labels
 * @param {Settings} settings
 * @param {{ images: ArrayLike<number>, partners: ArrayLike<number> | null, lambdas: number,
 *   first: number }} batch its images, of each another one of them, and where it starts
 * @returns {number} sum of the losses
 */
export function addBatch(network, x, given, { alpha, fold, eps }, batch) {
  const { images, partners, lambdas, first } = batch;
  const [columns, , classes] = network.sizes;
  const buffers = { mixed: new Float64Array(columns), target: new Float64Array(classes) };
  let total = 0;
  for (let k = 0; k < images.length; k++) {
    const image = images[k];
    let [input, start] = [x, image * columns];
    buffers.target.fill(0);
    if (partners) {
      const drawn = betaAt(lambdas, first + k, alpha);
      const weight = fold ? Math.max(drawn, 1 - drawn) : drawn;
      mixPair(buffers, x, given, { image, other: images[partners[k]], weight, eps });
      [input, start] = [buffers.mixed, 0];
    } else addTarget(buffers.target, given[image], eps, 1);
    forward(network, input, start);
    total += addGradient(network, input, start, buffers.target);
  }
  return total;
}

/**
 * Trains on each batch of an epoch once; an incomplete batch at the end is left out.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {Uint8Array} given labels
 * @param {Settings} settings
 * @param {{ seed: number, epoch: number }} draw
 * @returns {number} mean loss
 */
export function trainEpoch(network, x, given, settings, { seed, epoch }) {
  const order = shuffled(given.length, streamKey(seed, ORDER, epoch));
  const lambdas = streamKey(seed, LAMBDA, epoch);
  const size = Math.min(BATCH, given.length);
  const batches = Math.floor(given.length / size);
  let total = 0;
  for (let batch = 0; batch < batches; batch++) {
    const first = batch * size;
    const images = order.subarray(first, first + size);
    const key = streamKey(seed, PARTNER, epoch * ORDER_SPACE + batch);
    const partners = settings.alpha ? shuffled(size, key) : null;
    total += addBatch(network, x, given, settings, { images, partners, lambdas, first });
    stepWeights(network, settings.lr, size);
  }
  return total / (batches * size);
}

/**
 * The class of the largest logit; the first class where there is none.
 * @param {ArrayLike<number>} logits
 * @param {number} start
 * @param {number} classes
 */
export function largestClass(logits, start, classes) {
  let best = 0;
  for (let c = 1; c < classes; c++) if (logits[start + c] > logits[start + best]) best = c;
  return best;
}

/**
 * Loss, accuracy and calibration of logits that are divided by a temperature.
 * @param {ArrayLike<number>} logits [images * classes]
 * @param {ArrayLike<number>} labels of the images
 * @param {number} classes
 * @param {number} temperature
 */
export function scoreLogits(logits, labels, classes, temperature) {
  const bins = Array.from({ length: BINS }, () => [0, 0, 0]);
  const scaled = new Float64Array(classes);
  let [loss, correct, largest] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    for (let c = 0; c < classes; c++) scaled[c] = logits[i * classes + c] / temperature;
    const best = largestClass(scaled, 0, classes);
    const offset = logSumExp(scaled, 0, classes);
    const confidence = Math.exp(scaled[best] - offset);
    const isRight = best === labels[i] ? 1 : 0;
    loss += offset - scaled[labels[i]];
    correct += isRight;
    largest += scaled[best];
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1))];
    if (!bin) continue; // the training diverged
    bin[0] += 1;
    bin[1] += confidence;
    bin[2] += isRight;
  }
  const count = labels.length;
  const gaps = bins.reduce((sum, [, confidences, right]) => sum + Math.abs(confidences - right), 0);
  const hasLoss = Number.isFinite(loss);
  return {
    ...{ bins, loss: hasLoss ? loss / count : Number.POSITIVE_INFINITY },
    ...{ accuracy: correct / count, ece: hasLoss ? gaps / count : Number.NaN },
    largest: largest / count,
  };
}

/**
 * The epochs after which a training is evaluated: all of a short one, 20 of a long one.
 * @param {number} epochs
 */
export function evaluationEpochs(epochs) {
  const count = Math.min(epochs, MOST_EVALUATIONS);
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * epochs) / count));
}

/** The script of a worker that can train: a copy of this file's functions. */
export function trainingSource() {
  const constants = {
    ...{ BATCH, MOMENTUM, BINS, MOST_EVALUATIONS, GOLDEN, ORDER_SPACE },
    ...{ WEIGHTS, WRONG, ORDER, LAMBDA, PARTNER },
  };
  const lines = Object.entries(constants).map(([name, value]) => `const ${name} = ${value};`);
  const functions = [
    ...[scramble, streamKey, uniformAt, shuffled, normalAt, betaAt, givenLabels, inputStats],
    ...[scaledInputs, createNetwork, forward, addGradient, logSumExp, stepWeights, addTarget],
    ...[mixPair, addBatch, trainEpoch, largestClass, scoreLogits, evaluationEpochs, trainRun],
  ];
  return [...lines, ...functions.map(String)].join("\n");
}

/**
 * Trains one network, an epoch at each step.
 * @param {Examples} examples
 * @param {Settings} settings
 * @param {Draw} draw
 * @returns {Generator<Evaluation | null, Network>} null after an epoch that is not evaluated
 */
export function* trainRun(examples, settings, { seed, start }) {
  const { labels, columns, classes, count } = examples;
  const network = createNetwork([columns, settings.hidden, classes], seed);
  const { given, changed } = givenLabels(examples, settings, seed);
  const x = scaledInputs(examples, settings, false);
  const validation = scaledInputs(examples, settings, true);
  const targets = labels.subarray(start, count);
  const evaluated = new Set(evaluationEpochs(settings.epochs));
  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    const trainLoss = trainEpoch(network, x, given, settings, { seed, epoch });
    if (!evaluated.has(epoch)) {
      yield null;
      continue;
    }
    const logits = new Float32Array((count - start) * classes);
    for (let i = start; i < count; i++) {
      forward(network, validation, i * columns);
      logits.set(network.logits, (i - start) * classes);
    }
    const memory = Uint8Array.from(changed, (i) => {
      forward(network, x, i * columns);
      return largestClass(network.logits, 0, classes);
    });
    const scores = scoreLogits(logits, targets, classes, 1);
    yield { epoch, trainLoss, ...scores, logits, memory };
  }
  return network;
}

/**
 * All of a training at once.
 * @param {Examples} examples
 * @param {Settings} settings
 * @param {Draw} draw
 */
export function trainWhole(examples, settings, draw) {
  const run = trainRun(examples, settings, draw);
  const evaluations = [];
  let step = run.next();
  while (!step.done) {
    if (step.value) evaluations.push(step.value);
    step = run.next();
  }
  return { evaluations, weights: step.value.weights };
}

/**
 * The logits of one image.
 * @param {Float64Array[]} weights
 * @param {Float64Array} x
 */
export function logitsOf(weights, x) {
  const sizes = [x.length, weights[1].length, weights[3].length];
  const network = { sizes, weights, gradients: [], velocities: [] };
  const units = new Float64Array(sizes[1]);
  const logits = new Float64Array(sizes[2]);
  forward({ ...network, units, logits, unitGradients: units }, x, 0);
  return logits;
}

/**
 * The temperature with the least loss on every second image, to two decimals, by golden section.
 * @param {ArrayLike<number>[]} runs logits [images * classes] of each seed
 * @param {ArrayLike<number>} labels
 * @param {number} classes
 * @param {{ min: number, max: number }} range
 */
export function fitTemperature(runs, labels, classes, { min, max }) {
  const half = Array.from(labels).filter((_, i) => i % 2 === 0);
  const halves = runs.map((logits) =>
    Float64Array.from({ length: half.length * classes }, (_, i) => {
      const image = 2 * Math.floor(i / classes);
      return logits[image * classes + (i % classes)];
    }),
  );
  /** @param {number} log */
  const lossAt = (log) =>
    halves.reduce((sum, logits) => sum + scoreLogits(logits, half, classes, Math.exp(log)).loss, 0);
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(min), Math.log(max)];
  while (high - low > 0.002) {
    const width = ratio * (high - low);
    if (lossAt(high - width) < lossAt(low + width)) high = low + width;
    else low = high - width;
  }
  return Number(Math.exp((low + high) / 2).toFixed(2));
}

/** @param {number[]} list */
export function mean(list) {
  return list.reduce((sum, value) => sum + value, 0) / list.length;
}

/** @param {number[]} list two values or more */
export function sampleSd(list) {
  const middle = mean(list);
  return Math.sqrt(list.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (list.length - 1));
}

/**
 * The mean difference, B minus A, with half the width of its 95 % confidence interval by Student's
 * t, and in how many seeds B is better.
 * @param {number[]} a a value for each seed
 * @param {number[]} b for the same seeds
 */
export function pairedDifference(a, b) {
  const differences = a.map((value, i) => b[i] - value);
  const count = differences.length;
  const quantile = T_QUANTILES[count - 2] ?? Number.NaN;
  const sd = count > 1 ? sampleSd(differences) : Number.NaN;
  const wins = differences.filter((value) => value > 0).length;
  const losses = differences.filter((value) => value < 0).length;
  const half = (quantile * sd) / Math.sqrt(count);
  return { mean: mean(differences), sd, quantile, half, wins, losses, count };
}

/** @typedef {ReturnType<typeof pairedDifference>} Difference */

/**
 * The probability of at least `wins` heads in `count` throws of a fair coin.
 * @param {number} wins
 * @param {number} count
 */
export function chanceOf(wins, count) {
  let [total, ways] = [0, 1];
  for (let k = 0; k <= count; k++) {
    if (k >= wins) total += ways;
    ways = (ways * (count - k)) / (k + 1);
  }
  return total / 2 ** count;
}

/**
 * Who is better, in words; only an interval without zero decides.
 * @param {Difference} difference
 * @returns {"A" | "B" | ""} "": too close to tell
 */
export function winner({ mean: gain, half }) {
  if (!(Math.abs(gain) > half)) return "";
  return gain > 0 ? "B" : "A";
}

/**
 * In how many seeds the better side is better.
 * @param {Difference} difference
 */
export function describeCount({ wins, losses, count }) {
  const [name, best] = wins >= losses ? ["B", wins] : ["A", losses];
  if (!best) return `Both sides are equal in ${count === 1 ? "the seed" : `all ${count} seeds`}.`;
  const sentence = `${name} is better in ${best} of ${count} ${count === 1 ? "seed" : "seeds"}`;
  if (count === 1) return `${sentence}: one seed has no interval.`;
  const chance = chanceOf(best, count);
  const odds =
    best === count ? `1 time in ${2 ** count}` : `${Math.round(100 * chance)} times in 100`;
  return `${sentence}; without a difference, that or more happens ${odds}.`;
}

/**
 * The epoch after which the mean validation loss rises; null where it does not.
 * @param {{ epoch: number, loss: number }[]} curve
 */
export function turningPoint(curve) {
  const finite = curve.filter(({ loss }) => Number.isFinite(loss));
  if (finite.length < 3) return null;
  const best = finite.reduce((a, b) => (b.loss < a.loss ? b : a));
  const last = finite[finite.length - 1];
  return last.loss > 1.05 * best.loss ? best.epoch : null;
}

/** @type {Record<string, string>} */
const INPUT_NAMES = {
  normalized: "normalized",
  "0-1": "0 to 1",
  "as is": "as in the file",
  "0-255": "0 to 255",
  "wrong at test time": "normalized only in training",
};

/** @param {number} value */
export const percent = (value) => `${Number((100 * value).toFixed(1))}\u00a0%`;

/** @type {[keyof Settings, (value: any) => string][]} */
const PHRASES = [
  ["inputs", (value) => `input ${INPUT_NAMES[value]}`],
  ["alpha", (value) => (value ? `mixup α = ${fixed(value, 2)}` : "no mixup")],
  ["fold", (value) => (value ? "λ folded" : "λ as drawn")],
  ["eps", (value) => (value ? `smoothing ε = ${fixed(value, 2)}` : "no smoothing")],
  ["wrong", (value) => `${percent(value)} wrong labels`],
  ["images", (value) => `${value} training images`],
  ["epochs", (value) => `${value} epochs`],
  ["lr", (value) => `learning rate ${value}`],
  ["hidden", (value) => `${value} hidden units`],
];

/**
 * What differs between two sides.
 * @param {Settings} a
 * @param {Settings} b
 * @returns {{ name: keyof Settings, a: string, b: string }[]}
 */
export function settingDifferences(a, b) {
  const found = PHRASES.filter(([name]) => a[name] !== b[name]);
  return found.map(([name, phrase]) => ({ name, a: phrase(a[name]), b: phrase(b[name]) }));
}

/**
 * All settings of a side that are not the usual ones, in words.
 * @param {Settings} settings
 * @param {Settings} usual
 */
export function describeSide(settings, usual) {
  const parts = settingDifferences(usual, settings).map(({ b }) => b);
  return parts.length ? parts.join(", ") : "baseline";
}

/**
 * Values of the pad as text, a letter for each of 0 to 16; null for a text of another kind.
 * @param {string} text
 * @param {number} count
 */
export function parsePad(text, count) {
  const values = [...text].map((letter) => Number.parseInt(letter, 17));
  const isPad = values.length === count && values.every((v) => v >= 0 && v <= 16);
  return isPad ? values : null;
}

/** @param {number[]} values */
export function formatPad(values) {
  return values.map((value) => value.toString(17)).join("");
}
