// The two trainings that are compared: data from Python, results and a reader's state.

import { fixed } from "./format.js";
import { curveOf } from "./train.curves.js";
import {
  describeCount,
  describeSide,
  givenLabels,
  largestClass,
  logitsOf,
  logSumExp,
  mean,
  pairedDifference,
  scaledInputs,
  scoreLogits,
  settingDifferences,
  turningPoint,
} from "./train.math.js";

/** @import { Get } from "./explorer.js" */
/** @import { Model } from "./frame.js" */
/** @import { Difference, Evaluation, Settings } from "./train.math.js" */
/** @import { Run } from "./train.pool.js" */

/** @type {(keyof Settings)[]} */
export const SETTINGS = [
  "inputs",
  "alpha",
  "fold",
  "eps",
  "wrong",
  "images",
  "epochs",
  "lr",
  "hidden",
];
const PAD_LEVELS = 16;
const SHOWN = 6; // images in a list
const MEMORY_SEED = 1; // whose wrong labels are shown
/** @param {number} value */
export const one = (value) => (Number.isFinite(value) ? fixed(value, 1) : "…");
/** @param {number} value */
export const two = (value) => value.toFixed(2);
/** @param {number} value */
export const three = (value) => (Number.isFinite(value) ? value.toFixed(3) : "…");

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
export function readData(model) {
  /** @type {DataView} */
  const bytes = model.get("values");
  /** @type {DataView} */
  const classes = model.get("labels");
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @type {number} */
  const side = model.get("side");
  const labels = new Uint8Array(classes.buffer, classes.byteOffset, classes.byteLength);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const values = Float64Array.from(side ? new Uint8Array(buffer) : new Float32Array(buffer));
  const columns = values.length / labels.length;
  /** @type {number} */
  const largest = model.get("largest");
  return {
    values,
    labels,
    columns,
    vocab,
    side,
    largest,
    most: largest,
    count: labels.length,
    classes: vocab.length,
    isTable: !side,
    train: /** @type {number} */ (model.get("train")),
    mostImages: /** @type {number} */ (model.get("most_images")),
  };
}

/** @typedef {ReturnType<typeof readData>} Data */

/** @type {WeakMap<Evaluation, { temperature: number, scores: ReturnType<typeof scoreLogits> }>} */
const rescored = new WeakMap();

/**
 * The scores of an evaluation at a temperature.
 * @param {Evaluation} evaluation
 * @param {ArrayLike<number>} labels
 * @param {number} classes
 * @param {number} temperature
 */
function scoresAt(evaluation, labels, classes, temperature) {
  if (temperature === 1) return evaluation;
  const known = rescored.get(evaluation);
  if (known?.temperature === temperature) return known.scores;
  const scores = scoreLogits(evaluation.logits, labels, classes, temperature);
  rescored.set(evaluation, { temperature, scores });
  return scores;
}

/**
 * @param {Run} run
 * @param {number} epoch
 */
export function evaluationAt({ evaluations }, epoch) {
  const before = evaluations.findLast((evaluation) => evaluation.epoch <= epoch);
  return before ?? evaluations[0];
}

/**
 * One side of a state, as far as it is trained.
 * @param {Data} data
 * @param {{ settings: Settings, runs: (Run | undefined)[], epoch: number, start: number,
 *   temperature: number }} options
 */
function readSide(data, { settings, runs, epoch, start, temperature }) {
  const labels = data.labels.subarray(start);
  const scores = runs.map((run) => {
    if (!run?.weights) return null;
    return scoresAt(evaluationAt(run, epoch), labels, data.classes, temperature);
  });
  const shown = scores.flatMap((score) => (score ? [score] : []));
  /** @param {"accuracy" | "loss" | "ece" | "largest"} name */
  const average = (name) => mean(shown.map((score) => score[name]));
  const means = {
    accuracy: average("accuracy"),
    loss: average("loss"),
    ece: average("ece"),
    largest: average("largest"),
  };
  const known = runs.flatMap((run) => (run ? [run] : []));
  return {
    settings,
    scores,
    shown,
    runs: known,
    mean: shown.length ? means : null,
    lists: () => findImages(data, settings, known, epoch, start),
  };
}

/** @typedef {ReturnType<typeof readSide>} Side */

/**
 * Which validation images are wrong most often, and which wrong labels were memorized.
 * @param {Data} data
 * @param {Settings} settings
 * @param {Run[]} runs
 * @param {number} epoch
 * @param {number} start
 */
function findImages(data, settings, runs, epoch, start) {
  const { labels, classes, vocab, count } = data;
  const mistakes = Array.from({ length: count - start }, () => 0);
  const answers = new Uint8Array(count - start);
  for (const run of runs) {
    const { logits } = evaluationAt(run, epoch);
    for (let i = 0; i < mistakes.length; i++) {
      const best = largestClass(logits, i * classes, classes);
      if (best === labels[start + i]) continue;
      mistakes[i] += 1;
      answers[i] = best;
    }
  }
  const order = mistakes.map((_, i) => i).filter((i) => mistakes[i]);
  order.sort((a, b) => mistakes[b] - mistakes[a] || a - b);
  return {
    mistakes: order.slice(0, SHOWN).map((i) => ({
      index: start + i,
      text: `${vocab[labels[start + i]]} → ${vocab[answers[i]]}`,
    })),
    memory: findMemories(data, settings, runs[0], epoch),
  };
}

/**
 * @param {Data} data
 * @param {Settings} settings
 * @param {Run} run of the first seed
 * @param {number} epoch
 */
function findMemories(data, settings, run, epoch) {
  const { given, changed } = givenLabels(data, settings, MEMORY_SEED);
  const { memory } = evaluationAt(run, epoch);
  const found = [...changed].filter((index, i) => memory[i] === given[index]);
  const shown = found.slice(0, SHOWN).map((index) => {
    const text = `${data.vocab[data.labels[index]]} → ${data.vocab[given[index]]}`;
    return { index, text };
  });
  return { found: found.length, wrong: changed.length, shown };
}

/**
 * What each side sees in the reader's drawing.
 * @param {Data} data
 * @param {number[]} pad
 * @param {Side[]} sides
 */
function classifyPad(data, pad, sides) {
  if (!pad.length) return "Nothing is drawn.";
  const values = Float64Array.from(pad, (value) => (value / PAD_LEVELS) * data.largest);
  const texts = sides.map(({ settings, runs }, side) => {
    const x = scaledInputs(data, settings, true, values);
    const sums = new Float64Array(data.classes);
    const trained = runs.flatMap(({ weights }) => (weights ? [weights] : []));
    for (const weights of trained) {
      const logits = logitsOf(weights, x);
      const offset = logSumExp(logits, 0, data.classes);
      logits.forEach((logit, c) => {
        sums[c] += Math.exp(logit - offset) / trained.length;
      });
    }
    const best = largestClass(sums, 0, data.classes);
    return `${"AB"[side]} says ${data.vocab[best]} (${sums[best].toFixed(2)})`;
  });
  return `${texts.join(", ")}: the mean of the seeds after the last epoch.`;
}

/**
 * @param {Get} get
 * @param {Data} data
 * @param {Map<string, Run>} runs
 * @param {string} stopped the trainings that the reader has stopped
 */
export function readState(get, data, runs, stopped) {
  /** @type {Settings[]} */
  const settings = [0, 1].map((side) => {
    return /** @type {any} */ (Object.fromEntries(SETTINGS.map((name) => [name, get(name)[side]])));
  });
  /** @type {number} */
  const seeds = get("seeds");
  const epochs = Math.max(...settings.map((side) => side.epochs));
  const epoch = Math.min(get("epoch"), epochs);
  const start = Math.max(data.train, ...settings.map(({ images }) => images));
  const jobs = jobsOf(settings, seeds, start);
  /** @type {number[]} */
  const temperature = get("temperature");
  const sides = settings.map((side, i) => {
    const own = jobs.filter((_, k) => k % 2 === i).map(({ key }) => runs.get(key));
    const options = { settings: side, runs: own, epoch, start, temperature: temperature[i] };
    return readSide(data, options);
  });
  const isBusy = jobs.some(({ key }) => !runs.get(key)?.weights);
  const isStopped = isBusy && stopped === keyOf(jobs);
  const difference = compareSides(sides);
  const usual = { ...USUAL, images: data.train };
  const differences = settingDifferences(settings[0], settings[1]);
  const curve = curveOf(sides[0].runs, ({ loss }) => loss);
  return {
    settings,
    sides,
    seeds,
    epochs,
    epoch,
    start,
    jobs,
    temperature,
    isBusy,
    isStopped,
    difference,
    differences,
    usual,
    classes: data.classes,
    words: settings.map((side) => describeSide(side, usual)),
    turnEpoch: turningPoint(curve.map((point) => ({ epoch: point.epoch, loss: point.value }))),
    verdict: describeVerdict(difference, differences.length, { isBusy, isStopped }),
    answers: isBusy ? "…" : classifyPad(data, get("pad"), sides),
    key: JSON.stringify([settings, seeds, epoch, temperature]),
  };
}

/** @typedef {ReturnType<typeof readState>} State */

/** @param {{ key: string }[]} jobs */
export function keyOf(jobs) {
  return jobs.map(({ key }) => key).join();
}

/** @type {Settings} */
const USUAL = {
  inputs: "normalized",
  alpha: 0,
  fold: true,
  eps: 0,
  wrong: 0,
  images: 0,
  epochs: 40,
  lr: 0.1,
  hidden: 32,
};

/**
 * The trainings of both sides, A and B in turn.
 * @param {Settings[]} settings
 * @param {number} seeds
 * @param {number} start
 */
function jobsOf(settings, seeds, start) {
  // Tests train for fewer epochs.
  const most = /** @type {any} */ (globalThis).l7epochs ?? Number.POSITIVE_INFINITY;
  return Array.from({ length: 2 * seeds }, (_, i) => {
    const side = settings[i % 2];
    const own = { ...side, epochs: Math.min(side.epochs, most) };
    const draw = { seed: 1 + Math.floor(i / 2), start };
    return { key: JSON.stringify([own, draw]), settings: own, draw };
  });
}

/**
 * Differences of accuracy, in points, over the seeds that both sides have finished.
 * @param {Side[]} sides
 */
function compareSides([a, b]) {
  const pairs = a.scores.flatMap((score, i) => {
    const other = b.scores[i];
    return score && other ? [[100 * score.accuracy, 100 * other.accuracy]] : [];
  });
  if (!pairs.length) return null;
  const [first, second] = [0, 1].map((side) => pairs.map((pair) => pair[side]));
  return { ...pairedDifference(first, second), a: mean(first), b: mean(second) };
}

/**
 * @param {Difference | null} difference
 * @param {number} settings how many of them differ
 * @param {{ isBusy: boolean, isStopped: boolean }} training
 */
function describeVerdict(difference, settings, { isBusy, isStopped }) {
  if (isStopped) return "Stopped: the curves end where the trainings were.";
  if (isBusy || !difference) return "Both sides train with the same seeds…";
  if (!settings) return "Each seed gives the same training twice.";
  const count = describeCount(difference);
  if (settings === 1) return `${count} Same seeds, and the same settings but one.`;
  return `${count} ${settings} settings differ: you cannot tell which of them does it.`;
}
