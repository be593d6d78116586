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
 * @typedef {object} Network with the values of its last batch: a row for each image
 * @property {number[]} sizes inputs, hidden units, classes
 * @property {Float64Array[]} weights W1 [inputs, hidden], b1, W2 [hidden, classes], b2
 * @property {Float64Array[]} gradients of the same shapes
 * @property {Float64Array[]} velocities of the same shapes
 * @property {Float64Array} inputs [BATCH * inputs]
 * @property {Float64Array} units [BATCH * hidden]
 * @property {Float64Array} logits [BATCH * classes]
 * @property {Float64Array} unitGradients [BATCH * hidden]
 * @property {Float64Array} targets [BATCH * classes] probabilities; after `addGradient`, the
 *   gradient of the logits
 */

/**
 * The left factor of a product of matrices.
 * @typedef {object} Factor
 * @property {Float64Array} values
 * @property {number} start index of the first value
 * @property {number} rows
 * @property {number} inner columns: rows of the right factor
 * @property {number} down from a value to the one below it
 * @property {number} right from a value to the one at its right
 */

/**
 * @typedef {object} Batch
 * @property {ArrayLike<number>} images
 * @property {ArrayLike<number> | null} partners position in the batch of what each is mixed with
 * @property {number} lambdas key of the stream of mixup's weights
 * @property {number} first position of the batch in the epoch
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
  const scaled = new Float64Array(values.length);
  for (let i = 0, group = 0; i < values.length; i++) {
    scaled[i] = (values[i] - means[group]) / sds[group];
    group = group + 1 < means.length ? group + 1 : 0;
  }
  return scaled;
}

/**
 * @param {number[]} sizes inputs, hidden units, classes
 * @param {Float64Array[]} weights
 * @returns {Network}
 */
function networkOf(sizes, weights) {
  const zeros = () => weights.map(({ length }) => new Float64Array(length));
  const [inputs, units, logits] = sizes.map((size) => new Float64Array(BATCH * size));
  return {
    sizes,
    weights,
    gradients: zeros(),
    velocities: zeros(),
    inputs,
    units,
    logits,
    unitGradients: units.slice(),
    targets: logits.slice(),
  };
}

/**
 * A network with the initial weights of He and others (2015) before ReLU.
 * @param {number[]} sizes inputs, hidden units, classes
 * @param {number} seed
 */
export function createNetwork(sizes, seed) {
  const [inputs, hidden, classes] = sizes;
  const lengths = [inputs * hidden, hidden, hidden * classes, classes];
  const weights = lengths.map((length) => new Float64Array(length));
  const [first, second] = [streamKey(seed, WEIGHTS), streamKey(seed, WEIGHTS, 1)];
  for (let i = 0; i < lengths[0]; i++) weights[0][i] = normalAt(first, i) * Math.sqrt(2 / inputs);
  for (let i = 0; i < lengths[2]; i++) weights[2][i] = normalAt(second, i) * Math.sqrt(1 / hidden);
  return networkOf(sizes, weights);
}

/**
 * Adds the product of two matrices: sums[i, j] += sum over k of a[i, k] * b[k, j]. Two rows and
 * four k at once read and write the numbers less often.
 * @param {Float64Array} sums [rows * columns]
 * @param {Factor} a
 * @param {Float64Array} b [inner * columns]
 * @param {number} columns
 */
function addProduct(sums, { values, start, rows, inner, down, right }, b, columns) {
  const pairs = rows - (rows % 2);
  const fours = inner - (inner % 4);
  for (let i = 0; i < pairs; i += 2) {
    for (let k = 0; k < fours; k += 4) {
      const upper = start + i * down + k * right;
      const lower = upper + down;
      const [p0, p1] = [values[upper], values[upper + right]];
      const [p2, p3] = [values[upper + 2 * right], values[upper + 3 * right]];
      const [q0, q1] = [values[lower], values[lower + right]];
      const [q2, q3] = [values[lower + 2 * right], values[lower + 3 * right]];
      const first = k * columns;
      for (let j = 0; j < columns; j++) {
        const b0 = b[first + j];
        const b1 = b[first + columns + j];
        const b2 = b[first + 2 * columns + j];
        const b3 = b[first + 3 * columns + j];
        sums[i * columns + j] += p0 * b0 + p1 * b1 + p2 * b2 + p3 * b3;
        sums[(i + 1) * columns + j] += q0 * b0 + q1 * b1 + q2 * b2 + q3 * b3;
      }
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let k = i < pairs ? fours : 0; k < inner; k++) {
      const value = values[start + i * down + k * right];
      for (let j = 0; j < columns; j++) sums[i * columns + j] += value * b[k * columns + j];
    }
  }
}

/**
 * A matrix as the left factor of a product.
 * @param {Float64Array} values
 * @param {number} rows
 * @param {number} columns
 * @param {number} [start] index of the first value
 * @returns {Factor}
 */
function leftFactor(values, rows, columns, start = 0) {
  return { values, start, rows, inner: columns, down: columns, right: 1 };
}

/**
 * A transposed matrix as the left factor of a product.
 * @param {Float64Array} values
 * @param {number} rows of the matrix before it is transposed
 * @param {number} columns
 * @returns {Factor}
 */
function transposedFactor(values, rows, columns) {
  return { values, start: 0, rows: columns, inner: rows, down: 1, right: columns };
}

/**
 * Sets each row to the same values.
 * @param {Float64Array} values
 * @param {number} rows
 * @param {Float64Array} row
 */
function setRows(values, rows, row) {
  for (let i = 0; i < rows; i++) values.set(row, i * row.length);
}

/**
 * Sets the network's hidden units and logits for some inputs.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {number} start index of the first input's first value
 * @param {number} rows inputs, at most BATCH
 */
export function forward({ sizes, weights, units, logits }, x, start, rows) {
  const [inputs, hidden, classes] = sizes;
  const [w1, b1, w2, b2] = weights;
  setRows(units, rows, b1);
  addProduct(units, leftFactor(x, rows, inputs, start), w1, hidden);
  for (let i = 0; i < rows * hidden; i++) if (units[i] < 0) units[i] = 0;
  setRows(logits, rows, b2);
  addProduct(logits, leftFactor(units, rows, hidden), w2, classes);
}

/**
 * Adds the gradient of the cross-entropy for the batch of the last `forward`.
 * @param {Network} network
 * @param {number} rows images in the batch
 * @returns {number} sum of the cross-entropies
 */
export function addGradient(network, rows) {
  const { sizes, weights, gradients, inputs, units, unitGradients, targets } = network;
  const [columns, hidden, classes] = sizes;
  const [g1, gb1, g2, gb2] = gradients;
  const total = setLogitGradients(network, rows);
  addRows(gb2, targets, rows);
  addProduct(g2, transposedFactor(units, rows, hidden), targets, classes);
  unitGradients.fill(0);
  const back = transposed(weights[2], hidden, classes);
  addProduct(unitGradients, leftFactor(targets, rows, classes), back, hidden);
  for (let i = 0; i < rows * hidden; i++) if (!(units[i] > 0)) unitGradients[i] = 0;
  addRows(gb1, unitGradients, rows);
  addProduct(g1, transposedFactor(inputs, rows, columns), unitGradients, hidden);
  return total;
}

/**
 * @param {Float64Array} values
 * @param {number} rows
 * @param {number} columns
 */
function transposed(values, rows, columns) {
  const result = new Float64Array(values.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j];
  }
  return result;
}

/**
 * Replaces the targets by the gradient of the cross-entropy with respect to the logits.
 * @param {Network} network
 * @param {number} rows
 * @returns {number} sum of the cross-entropies
 */
function setLogitGradients({ sizes, logits, targets }, rows) {
  const classes = sizes[2];
  let total = 0;
  for (let start = 0; start < rows * classes; start += classes) {
    const offset = logSumExp(logits, start, classes);
    for (let i = start; i < start + classes; i++) {
      total -= targets[i] * (logits[i] - offset);
      targets[i] = Math.exp(logits[i] - offset) - targets[i];
    }
  }
  return total;
}

/**
 * Adds the rows of a matrix.
 * @param {Float64Array} sums
 * @param {Float64Array} values
 * @param {number} rows
 */
function addRows(sums, values, rows) {
  const columns = sums.length;
  for (let i = 0; i < rows * columns; i++) sums[i % columns] += values[i];
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
 * Adds a smoothed target: 1 - eps + eps / classes for the label, eps / classes for the others.
 * @param {Network} network
 * @param {number} row of the batch
 * @param {number} label
 * @param {number} eps
 * @param {number} weight the target is multiplied by it
 */
function addTarget({ sizes, targets }, row, label, eps, weight) {
  const classes = sizes[2];
  const share = (weight * eps) / classes;
  for (let i = row * classes; i < (row + 1) * classes; i++) targets[i] += share;
  targets[row * classes + label] += weight * (1 - eps);
}

/**
 * Sets the inputs and targets of a batch: mixed where images have partners.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {Uint8Array} given labels
 * @param {Settings} settings
 * @param {Batch} batch
 */
export function setBatch(network, x, given, { alpha, fold, eps }, batch) {
  const { images, partners, lambdas, first } = batch;
  const { inputs, targets } = network;
  const columns = network.sizes[0];
  targets.fill(0);
  for (let k = 0; k < images.length; k++) {
    const image = images[k];
    const own = image * columns;
    if (!partners) {
      for (let d = 0; d < columns; d++) inputs[k * columns + d] = x[own + d];
      addTarget(network, k, given[image], eps, 1);
      continue;
    }
    const drawn = betaAt(lambdas, first + k, alpha);
    const weight = fold ? Math.max(drawn, 1 - drawn) : drawn;
    const partner = images[partners[k]];
    const other = partner * columns;
    for (let d = 0; d < columns; d++) {
      inputs[k * columns + d] = weight * x[own + d] + (1 - weight) * x[other + d];
    }
    addTarget(network, k, given[image], eps, weight);
    addTarget(network, k, given[partner], eps, 1 - weight);
  }
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
    setBatch(network, x, given, settings, { images, partners, lambdas, first });
    forward(network, network.inputs, 0, size);
    total += addGradient(network, size);
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
    bins,
    loss: hasLoss ? loss / count : Number.POSITIVE_INFINITY,
    accuracy: correct / count,
    ece: hasLoss ? gaps / count : Number.NaN,
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
    BATCH,
    MOMENTUM,
    BINS,
    MOST_EVALUATIONS,
    GOLDEN,
    ORDER_SPACE,
    WEIGHTS,
    WRONG,
    ORDER,
    LAMBDA,
    PARTNER,
  };
  const lines = Object.entries(constants).map(([name, value]) => `const ${name} = ${value};`);
  const functions = [
    ...[scramble, streamKey, uniformAt, shuffled, normalAt, betaAt, givenLabels, inputStats],
    ...[scaledInputs, networkOf, createNetwork, addProduct, leftFactor, transposedFactor],
    ...[setRows, forward, addGradient, transposed, setLogitGradients, addRows, logSumExp],
    ...[stepWeights, addTarget, setBatch, trainEpoch, largestClass, scoreLogits],
    ...[evaluationEpochs, logitsOfRows, predictedClasses, trainRun],
  ];
  return [...lines, ...functions.map(String)].join("\n");
}

/**
 * The logits of rows `start` to `end`.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {number} start
 * @param {number} end
 */
function logitsOfRows(network, x, start, end) {
  const [columns, , classes] = network.sizes;
  const logits = new Float32Array((end - start) * classes);
  for (let row = start; row < end; row += BATCH) {
    const rows = Math.min(BATCH, end - row);
    forward(network, x, row * columns, rows);
    const found = network.logits.subarray(0, rows * classes);
    logits.set(found, (row - start) * classes);
  }
  return logits;
}

/**
 * The predicted class of some rows.
 * @param {Network} network
 * @param {Float64Array} x
 * @param {Float64Array} rows
 */
function predictedClasses(network, x, rows) {
  const [columns, , classes] = network.sizes;
  const chosen = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    chosen.set(x.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  const logits = logitsOfRows(network, chosen, 0, rows.length);
  return Uint8Array.from(rows, (_, i) => largestClass(logits, i * classes, classes));
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
  const isSame = settings.inputs !== "wrong at test time";
  const validation = isSame ? x : scaledInputs(examples, settings, true);
  const targets = labels.subarray(start, count);
  const evaluated = new Set(evaluationEpochs(settings.epochs));
  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    const trainLoss = trainEpoch(network, x, given, settings, { seed, epoch });
    if (!evaluated.has(epoch)) {
      yield null;
      continue;
    }
    const logits = logitsOfRows(network, validation, start, count);
    const memory = predictedClasses(network, x, changed);
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
  const network = networkOf([x.length, weights[1].length, weights[3].length], weights);
  forward(network, x, 0, 1);
  return network.logits.slice(0, weights[3].length);
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
    best === count
      ? `that happens 1 time in ${2 ** count}`
      : `that or more happens ${Math.round(100 * chance)} times in 100`;
  return `${sentence}; with no real difference, ${odds}.`;
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
