// Two small networks that train in the page with the same seeds, and how they differ.

import { createNumberBinding } from "./bindings.js";
import { pythonFloat, pythonString } from "./code.js";
import { button, numberField, select, slider } from "./controls.js";
import { html, setAttributes, setText } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { fixed } from "./format.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { constant, identifier, mathRow, mathText, operator } from "./live.js";
import { randomChoice } from "./random.js";
import {
  describeCount,
  describeSide,
  fitTemperature,
  formatPad,
  givenLabels,
  INPUTS,
  largestClass,
  logitsOf,
  logSumExp,
  mean,
  pairedDifference,
  parsePad,
  percent,
  scaledInputs,
  scoreLogits,
  settingDifferences,
  trainWhole,
  turningPoint,
  winner,
} from "./train.math.js";
import {
  curveOf,
  curvePlot,
  drawingPad,
  imageLists,
  reliabilityPlot,
  runTable,
  sideTable,
  verdictLine,
} from "./train.parts.js";
import { trainingPool } from "./train.pool.js";

/** @import { Get } from "./explorer.js" */
/** @import { Question } from "./guess.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Difference, Evaluation, Settings } from "./train.math.js" */
/** @import { Run } from "./train.pool.js" */

/** @type {(keyof Settings)[]} */
const SETTINGS = ["inputs", "alpha", "fold", "eps", "wrong", "images", "epochs", "lr", "hidden"];
const TRAITS = [...SETTINGS, "temperature", "seeds", "epoch", "pad"];
const FLOATS = ["alpha", "eps", "wrong", "lr"];
const MOST_EPOCHS = 100;
const MOST_SEEDS = 10;
const LEAST_LR = 0.0001;
const TEMPERATURES = { min: 0.2, max: 5 };
const PAD_LEVELS = 16;
const SHOWN = 6; // images in a list
const MEMORY_SEED = 1; // whose wrong labels are shown
const GUESS_TOLERANCE = 2; // points of accuracy
const ACCURACY_TOLERANCE = 3; // points
const ECE_TOLERANCE = 0.05;
const TOP_LOSS = 3;

/** @type {[string, string][]} */
const INPUT_CHOICES = [
  ["normalized", "normalized"],
  ["0-1", "0 to 1"],
  ["as is", "as in the file"],
  ["0-255", "0 to 255"],
  ["wrong at test time", "normalized only in training"],
];

/** @param {number} value */
const one = (value) => (Number.isFinite(value) ? fixed(value, 1) : "…");
/** @param {number} value */
const two = (value) => value.toFixed(2);
/** @param {number} value */
const three = (value) => (Number.isFinite(value) ? value.toFixed(3) : "…");

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
function readData(model) {
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
function evaluationAt({ evaluations }, epoch) {
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
function readState(get, data, runs, stopped) {
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
function keyOf(jobs) {
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

/**
 * @param {Frame} frame
 * @param {string} trait
 * @param {number} side
 */
function pairBinding(frame, trait, side) {
  /** @type {() => any[]} */
  const pair = () => frame.model.get(trait);
  return {
    trait: `${trait}.${side}`,
    traits: [trait],
    get: () => pair()[side],
    /** @param {any} value */
    set(value) {
      // A setting that is equal on both sides stays equal when that of A changes.
      const isEqual = side === 0 && pair()[0] === pair()[1];
      frame.set(trait, isEqual ? [value, value] : pair().with(side, value));
    },
  };
}

/**
 * Lets a link set one side only, whatever the order of its names.
 * @param {Frame} frame
 * @param {string} trait
 * @param {number} side
 */
function linkOneSide(frame, trait, side) {
  const binding = frame.bindings.get(`${trait}.${side}`);
  if (!binding) return;
  /** @param {any} value */
  const set = (value) => frame.set(trait, frame.model.get(trait).with(side, value));
  if (binding.kind === "number") frame.addBinding(createNumberBinding({ ...binding, set }));
  else {
    /** @param {string} text */
    const follow = (text) => setChoice(text, set);
    frame.addBinding({ ...binding, set: follow });
  }
}

/**
 * @param {string} text
 * @param {(value: any) => void} set
 */
function setChoice(text, set) {
  const choices = [...INPUTS, true, false];
  const choice = choices.find((value) => String(value) === text);
  if (choice !== undefined) set(choice);
}

/**
 * @param {Frame} frame
 * @param {string} label
 * @param {string} trait
 * @param {number} side
 * @param {{ min: number, max: number, step: number, format?: (value: number) => string,
 *   parent?: HTMLElement }} options
 */
function pairSlider(frame, label, trait, side, options) {
  slider(frame, label, { ...pairBinding(frame, trait, side), ...options });
  linkOneSide(frame, trait, side);
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addControls(frame, data) {
  const wrong = { min: 0, max: 0.6, step: 0.01, format: percent };
  pairSlider(frame, "Wrong labels", "wrong", 0, wrong);
  pairSlider(frame, "Mixup α of B", "alpha", 1, { min: 0, max: 4, step: 0.05, format: two });
  pairSlider(frame, "Smoothing ε of B", "eps", 1, { min: 0, max: 0.5, step: 0.01, format: two });
  const { set } = pairBinding(frame, "wrong", 0);
  frame.addBinding(
    createNumberBinding({
      ...wrong,
      name: "noise",
      label: "Wrong labels",
      isLinked: false,
      set,
      get: () => frame.model.get("wrong")[0],
    }),
  );
  addSettings(frame, data);
  addOthers(frame, data);
}

/**
 * The other settings of both sides, A beside B.
 * @param {Frame} frame
 * @param {Data} data
 */
function addSettings(frame, { mostImages }) {
  const parent = frame.more;
  parent.classList.add("l7-train-more");
  for (const side of [0, 1]) {
    const options = { ...pairBinding(frame, "inputs", side), parent };
    select(frame, `Input ${"AB"[side]}`, INPUT_CHOICES, options);
    linkOneSide(frame, "inputs", side);
  }
  const range = { parent, min: 0, format: two };
  pairSlider(frame, "Mixup α of A", "alpha", 0, { ...range, max: 4, step: 0.05 });
  pairSlider(frame, "Smoothing ε of A", "eps", 0, { ...range, max: 0.5, step: 0.01 });
  for (const side of [0, 1]) addFold(frame, side);
  for (const side of [0, 1]) addRate(frame, side);
  const counts = [
    { trait: "epochs", label: "Epochs", min: 1, max: MOST_EPOCHS },
    { trait: "images", label: "Training images", min: 20, max: mostImages },
    { trait: "hidden", label: "Hidden units", min: 2, max: 128 },
  ];
  for (const { trait, label, min, max } of counts) {
    for (const side of [0, 1]) {
      pairSlider(frame, `${label} ${"AB"[side]}`, trait, side, { parent, min, max, step: 1 });
    }
  }
  const wrong = { parent, min: 0, max: 0.6, step: 0.01, format: percent };
  pairSlider(frame, "Wrong labels of B", "wrong", 1, wrong);
}

/**
 * @param {Frame} frame
 * @param {number} side
 */
function addFold(frame, side) {
  const binding = pairBinding(frame, "fold", side);
  select(
    frame,
    `λ of ${"AB"[side]}`,
    [
      ["true", "max(λ, 1 − λ)"],
      ["false", "as drawn"],
    ],
    {
      ...binding,
      parent: frame.more,
      get: () => String(binding.get()),
      set: (text) => binding.set(text === "true"),
    },
  );
  linkOneSide(frame, "fold", side);
}

/**
 * The learning rate, on a logarithmic scale.
 * @param {Frame} frame
 * @param {number} side
 */
function addRate(frame, side) {
  const { trait, get, set } = pairBinding(frame, "lr", side);
  const label = `Learning rate ${"AB"[side]}`;
  slider(frame, label, {
    traits: ["lr"],
    parent: frame.more,
    min: -4,
    max: 0,
    step: 0.1,
    get: () => Math.log10(get()),
    set: (power) => set(Number((10 ** power).toPrecision(2))),
    format: () => String(get()),
  });
  const range = { min: LEAST_LR, max: 1, step: LEAST_LR };
  frame.addBinding(createNumberBinding({ name: trait, label, ...range, get, set }));
  linkOneSide(frame, "lr", side);
}

/**
 * What both sides share, and how results are shown.
 * @param {Frame} frame
 * @param {Data} data
 */
function addOthers(frame, data) {
  const { model, more: parent } = frame;
  const seeds = { trait: "seeds", parent, min: 1, max: MOST_SEEDS, step: 1 };
  numberField(frame, "Seeds", seeds);
  for (const side of [0, 1]) {
    const options = { ...TEMPERATURES, step: 0.01, format: two, parent };
    pairSlider(frame, `Temperature of ${"AB"[side]}`, "temperature", side, options);
  }
  const epochs = () => Math.max(...model.get("epochs"));
  slider(frame, "Epoch shown", {
    trait: "epoch",
    traits: ["epoch", "epochs"],
    parent,
    min: 1,
    max: epochs,
    get: () => Math.min(model.get("epoch"), epochs()),
    // The last epoch stays the last when there are more of them.
    set: (epoch) => frame.set("epoch", epoch >= epochs() ? MOST_EPOCHS : epoch),
  });
  frame.addBinding({
    kind: /** @type {const} */ ("text"),
    name: "pad",
    isLinked: true,
    get: () => formatPad(model.get("pad")),
    set(/** @type {string} */ text) {
      const values = parsePad(text, data.columns);
      if (values) frame.set("pad", values);
    },
  });
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {() => State} read
 */
function addButtons(frame, data, read) {
  const buttons = html("div", { class: "l7-row" });
  frame.more.append(buttons);
  button(buttons, "Fit temperatures", () => {
    const { sides, start, isBusy, epoch } = read();
    if (isBusy) return;
    const labels = data.labels.subarray(start);
    const fitted = sides.map(({ runs }) => {
      const logits = runs.map((run) => evaluationAt(run, epoch).logits);
      return fitTemperature(logits, labels, data.classes, TEMPERATURES);
    });
    frame.set("temperature", fitted);
  });
  button(buttons, "Make B equal to A", () => {
    for (const name of SETTINGS) {
      const [value] = frame.model.get(name);
      frame.set(name, [value, value]);
    }
  });
}

/**
 * What differs, with the numbers that can be changed.
 * @param {State} state
 * @returns {LiveNode[]}
 */
function differencePhrase({ settings, differences }) {
  return differences.flatMap(({ name, b }, i) => {
    const before = i ? [" and "] : [];
    const value = settings[1][name];
    const isNumber = (name === "alpha" || name === "eps") && value;
    if (!isNumber) return [...before, b];
    const number = { name, value: Number(value), text: two(Number(value)), scrub: `${name}.1` };
    return [...before, name === "alpha" ? "mixup α = " : "smoothing ε = ", number];
  });
}

/**
 * The result, in one sentence.
 * @param {State} state
 * @returns {LiveNode[]}
 */
function headline(state) {
  const { settings, differences, difference, isBusy, isStopped, seeds } = state;
  const [a, b] = settings;
  const wrong = { name: "wrong", value: a.wrong, text: percent(a.wrong), scrub: "noise" };
  /** @type {LiveNode[]} */
  const start = a.wrong === b.wrong ? ["With ", wrong, " wrong labels, "] : ["B with "];
  if (!differences.length) return [...start, "A and B are the same: change one of them"];
  const phrase = [...start, ...differencePhrase(state)];
  if (isBusy || !difference) {
    const done = difference?.count ?? 0;
    const verb = isStopped ? "stopped" : "training";
    return [...phrase, `: ${verb}, ${done} of ${seeds} ${seeds === 1 ? "seed" : "seeds"} done`];
  }
  return [...phrase, ...resultPhrase(difference)];
}

/**
 * @param {Difference} difference
 * @returns {LiveNode[]}
 */
function resultPhrase(difference) {
  const { mean: gain, half, count } = difference;
  const sign = gain < 0 ? -1 : 1;
  /**
   * @param {string} name
   * @param {number} value
   */
  const number = (name, value) => ({ name, value, text: one(value), source: "accuracyB" });
  const verb = sign > 0 ? " gains " : " costs ";
  const points = [number("gain", sign * gain), " points of accuracy"];
  if (count === 1) return [verb, ...points, " in one seed"];
  const low = number("low", sign * gain - half);
  const high = number("high", sign * gain + half);
  const interval = [" (95\u00a0% interval ", low, " to ", high, ")"];
  if (winner(difference)) return [verb, ...points, ...interval];
  return [": too close to tell,", verb.trimEnd(), " ", ...points, ...interval];
}

/** @returns {Formula<State>[]} */
function formulas() {
  const [equals, minus, plus, plusMinus, times] = ["=", "−", "+", "±", "·"].map(operator);
  const epsilon = identifier("ε");
  const root = (/** @type {LiveNode} */ node) => ({ tag: "msqrt", children: [node] });
  const bar = (/** @type {string} */ letter) => ({
    tag: "mover",
    children: [identifier(letter), operator("¯")],
  });
  return [
    {
      symbols: [
        ...[bar("b"), minus, bar("a"), plusMinus, identifier("t"), times],
        ...[identifier("s"), operator("/"), root(identifier("n"))],
      ],
      spoken: "mean of B minus mean of A, plus or minus t times s over the root of n",
      numbers: differenceNumbers,
    },
    {
      symbols: [
        ...[identifier("q"), equals, operator("("), constant(1), minus, epsilon, operator(")")],
        ...[identifier("y"), plus, epsilon, operator("/"), identifier("K")],
      ],
      spoken: "target q is 1 minus epsilon times y plus epsilon over K",
      numbers({ settings, classes }) {
        const { eps } = settings[1];
        /** @param {string} name */
        const number = (name) => ({
          name,
          value: eps,
          text: two(eps),
          scrub: "eps.1",
          source: "lossB",
        });
        return [
          ...[equals, operator("("), constant(1), minus, number("share"), operator(")")],
          ...[identifier("y"), plus, number("spread"), operator("/"), constant(classes)],
        ];
      },
    },
  ];

  /** @param {State} state */
  function differenceNumbers({ difference }) {
    if (!difference) return [mathText("after the first seed")];
    const { a, b, quantile, sd, count, mean: gain, half } = difference;
    /**
     * @param {string} name
     * @param {number} value
     * @param {string} source
     */
    const number = (name, value, source) => ({ name, value, text: one(value), source });
    const means = [number("meanB", b, "accuracyB"), minus, number("meanA", a, "accuracyA")];
    if (count < 2) return [equals, ...means, equals, number("difference", gain, "accuracyB")];
    const t = { name: "t", value: quantile, text: two(quantile) };
    const n = { name: "n", value: count, text: String(count), scrub: "seeds" };
    const error = mathRow(number("sd", sd, "accuracyB"), operator("/"), root(n));
    const sum = [number("difference", gain, "accuracyB"), plusMinus, number("half", half, "sd")];
    return [equals, ...means, plusMinus, t, times, error, equals, ...sum];
  }
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
function results({ sides, difference }) {
  const scores = sides.flatMap(({ mean: values }, side) => [
    {
      name: `accuracy of ${"AB"[side]}, %`,
      value: values ? 100 * values.accuracy : Number.NaN,
      format: one,
    },
    { name: `ECE of ${"AB"[side]}`, value: values?.ece ?? Number.NaN, format: three },
  ]);
  return [...scores, { name: "B − A, points", value: difference?.mean ?? Number.NaN, format: one }];
}

/**
 * @param {string} name
 * @param {any} value
 */
function pythonValue(name, value) {
  if (typeof value === "string") return pythonString(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  return FLOATS.includes(name) ? pythonFloat(value) : String(value);
}

/** @param {State} state */
function codeValues({ settings, seeds, start, usual }) {
  const [a, b] = settings;
  /**
   * Those of a side's settings that differ from the defaults.
   * @param {Settings} side
   * @param {boolean} isSame whether those that both sides share
   */
  function texts(side, isSame) {
    const names = SETTINGS.filter((name) => (a[name] === b[name]) === isSame);
    const changed = names.filter((name) => side[name] !== usual[name]);
    return changed.map((name) => `${name}=${pythonValue(name, side[name])}`);
  }
  const others = settings.map((side) => texts(side, false).map((text) => `, ${text}`));
  const common = texts(a, true);
  if (a.images !== b.images) common.push(`start=${start}`);
  const values = {
    same: common.join(", "),
    a: others[0].join(""),
    b: others[1].join(""),
    end: String(seeds + 1),
    alpha: pythonFloat(b.alpha || 0.4),
    eps: pythonFloat(b.eps),
  };
  return { template: "train", values };
}

/**
 * Asks how accurate A is, how much B gains, and how well A is calibrated; what is not trained yet
 * is trained for the answer.
 * @param {Data} data
 * @param {() => State} read
 */
function createTasks(data, read) {
  const questions = [gainQuestion, accuracyQuestion, calibrationQuestion];
  return taskDeck(questions.map((ask) => () => createTask(data, read, ask)));
}

/**
 * @param {Data} data
 * @param {() => State} read
 * @param {(data: Data, state: State) => Question} ask
 */
function createTask(data, read, ask) {
  const wrong = randomChoice([0, 0.1, 0.25, 0.4]);
  const [alpha, eps] = randomChoice([
    [1, 0],
    [0.4, 0],
    [0, 0.1],
    [0, 0.3],
  ]);
  const state = { wrong: [wrong, wrong], alpha: [0, alpha], eps: [0, eps], temperature: [1, 1] };
  return { state, getQuestion: () => ask(data, read()) };
}

/**
 * A question whose answer needs the trainings of both sides.
 * @param {string} text
 * @param {number} tolerance
 * @param {() => { answer: number, because: string }} find
 * @returns {Question}
 */
function trainedQuestion(text, tolerance, find) {
  /** @type {ReturnType<typeof find> | undefined} */
  let found;
  const once = () => {
    found ??= find();
    return found;
  };
  return {
    text,
    tolerance,
    get answer() {
      return once().answer;
    },
    get because() {
      return once().because;
    },
  };
}

/**
 * @param {Data} data
 * @param {State} state
 */
function gainQuestion(data, state) {
  const { settings, differences } = state;
  const changes = differences.map(({ b }) => b).join(" and ") || "the same settings";
  const text =
    `${percent(settings[0].wrong)} of A's labels are wrong; B has ${changes}. ` +
    "By how many points is B more accurate?";
  return trainedQuestion(text, GUESS_TOLERANCE, () => {
    const [a, b] = trainedMeans(data, state).map(({ accuracy }) => 100 * accuracy);
    const because = `B is right in ${one(b)} % and A in ${one(a)} % (${describeMean(state)})`;
    return { answer: b - a, because };
  });
}

/**
 * @param {Data} data
 * @param {State} state
 */
function accuracyQuestion(data, state) {
  const { settings } = state;
  const text =
    `${percent(settings[0].wrong)} of A's training labels are wrong. In how many per cent of the ` +
    `validation images is A right, to within ${ACCURACY_TOLERANCE}?`;
  return trainedQuestion(text, ACCURACY_TOLERANCE, () => {
    const [a, b] = trainedMeans(data, state).map(({ accuracy }) => 100 * accuracy);
    const because = `A was trained so (${describeMean(state)}); B is right in ${one(b)} %`;
    return { answer: a, because };
  });
}

/**
 * @param {Data} data
 * @param {State} state
 */
function calibrationQuestion(data, state) {
  const text =
    `${percent(state.settings[0].wrong)} of A's training labels are wrong. What is A's ECE, from ` +
    `0 to 1, to within ${ECE_TOLERANCE}?`;
  return trainedQuestion(text, ECE_TOLERANCE, () => {
    const [{ ece, accuracy }] = trainedMeans(data, state);
    const right = `A is right in ${one(100 * accuracy)} % (${describeMean(state)})`;
    const because = `${right}, and its confidence is ${three(ece)} away from that on average`;
    return { answer: ece, because };
  });
}

/** @param {{ seeds: number }} state */
const describeMean = ({ seeds }) => (seeds === 1 ? "one seed" : `mean of ${seeds} seeds`);

/**
 * The mean accuracy and ECE of each side, by trainings in this thread where they are not finished.
 * @param {Data} data
 * @param {State} state
 */
function trainedMeans(data, { jobs, epoch, sides, isBusy }) {
  const known = sides.flatMap(({ mean: scores }) => (scores ? [scores] : []));
  if (!isBusy && known.length === sides.length) return known;
  const scores = jobs.map(({ settings, draw }) => {
    const { evaluations, weights } = trainWhole(data, settings, draw);
    return evaluationAt({ evaluations, weights }, epoch);
  });
  return [0, 1].map((side) => {
    const own = scores.filter((_, i) => i % 2 === side);
    return {
      accuracy: mean(own.map(({ accuracy }) => accuracy)),
      ece: mean(own.map(({ ece }) => ece)),
    };
  });
}

/** @param {number[]} values */
function accuracyRange(values) {
  const low = Math.min(0.9, ...values);
  return { low: Math.floor(10 * low) / 10, high: 1 };
}

/** @param {number[]} values */
function lossRange(values) {
  const high = Math.min(TOP_LOSS, Math.max(0.2, ...values));
  return { low: 0, high: Math.ceil(5 * high) / 5 };
}

/** @param {number[]} values */
function logitRange(values) {
  return { low: 0, high: Math.max(5, 5 * Math.ceil(Math.max(0, ...values) / 5)) };
}

/** @param {Frame} frame */
function plots(frame) {
  const accuracy = curvePlot(frame, {
    title: "Validation accuracy: drag the line to an epoch",
    source: "accuracy",
    pick: (scores) => scores.accuracy,
    range: accuracyRange,
    format: (value) => `${(100 * value).toFixed(0)} %`,
  });
  const loss = curvePlot(frame, {
    title: "Loss: validation (line), training (dots)",
    source: "loss",
    pick: (scores) => scores.loss,
    pickTraining: (scores) => scores.trainLoss,
    range: lossRange,
    format: two,
    hasTurn: true,
  });
  const largest = curvePlot(frame, {
    title: "Largest logit: hard labels keep raising it",
    source: "largest",
    pick: (scores) => scores.largest,
    range: logitRange,
    format: (v) => v.toFixed(1),
  });
  setAttributes(accuracy.node, { "data-picture": "" });
  return { accuracy, loss, largest };
}

/**
 * Stops the trainings, or continues them.
 * @param {Frame} frame
 * @param {() => State} read
 * @param {(key: string) => void} onPress called with what is stopped; "": it continues
 */
function stopButton(frame, read, onPress) {
  const node = button(frame.tools, "Stop", () => {
    const { jobs, isBusy, isStopped } = read();
    if (isBusy) onPress(isStopped ? "" : keyOf(jobs));
  });

  /** @param {State} state */
  function draw({ isBusy, isStopped }) {
    setText(node, isStopped ? "Continue" : "Stop");
    // Not disabled: a disabled button would lose the focus.
    setAttributes(node, { "aria-disabled": !isBusy });
  }
  return { draw };
}

/**
 * Calls `start` once the explorer is on screen: of a long page, only what is looked at trains.
 * @param {Frame} frame
 * @param {() => void} start
 */
function whenVisible(frame, start) {
  const { top, bottom } = frame.root.getBoundingClientRect();
  if (top < innerHeight && bottom > 0) {
    start();
    return;
  }
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    start();
  });
  observer.observe(frame.root);
  frame.onClose(() => observer.disconnect());
}

/** @param {View} view */
function render({ model, el }) {
  const data = readData(model);
  const frame = new Frame({ model, el }, "Train");
  let redraw = () => {};
  const pool = trainingPool(data, () => redraw());
  frame.onClose(pool.close);
  let stopped = ""; // the trainings that the reader has stopped
  /** @param {Get} get */
  const read = (get) => readState(get, data, pool.runs, stopped);
  const readNow = () => read((trait) => model.get(trait));
  frame.headline.classList.add("l7-train-headline");
  addControls(frame, data);
  addButtons(frame, data, readNow);
  const stop = stopButton(frame, readNow, (key) => {
    stopped = key;
    pool.stop();
    redraw();
  });

  const { accuracy, loss, largest } = plots(frame);
  const verdict = verdictLine(frame);
  const table = sideTable();
  const reliability = reliabilityPlot();
  const lists = imageLists(data);
  const pad = drawingPad(frame, data);
  const runs = runTable(frame, TRAITS);
  const top = html("div", { class: "l7-train-top" }, accuracy.node, loss.node);
  const middle = [reliability.node, largest.node, pad.node];
  const row = html("div", { class: "l7-train-middle" }, ...middle);
  frame.body.append(
    html("div", { class: "l7-train" }, top, verdict.node, table.node, row, lists.node),
  );

  /** @type {State["jobs"]} */
  let jobs = [];
  let isStarted = false;
  const trainer = {
    /** @param {State} state */
    draw(state) {
      jobs = state.jobs;
    },
    /** @param {State | null} pinned */
    drawPin(pinned) {
      if (!isStarted) return;
      const isStopped = keyOf(jobs) === stopped;
      const all = isStopped ? [] : [...jobs, ...(pinned?.jobs ?? [])];
      const unique = all.filter(({ key }, i) => all.findIndex((job) => job.key === key) === i);
      const isBusy = unique.some(({ key }) => !pool.runs.get(key)?.weights);
      setAttributes(frame.body, { "aria-busy": isBusy });
      if (!isStopped) pool.want(unique);
    },
  };
  redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: [],
    readState: read,
    headline,
    formulas: formulas(),
    code: codeValues,
    results,
    panels: [{ label: "Runs", node: runs.node }],
    parts: [accuracy, loss, largest, verdict, table, reliability, lists, pad, runs, stop, trainer],
    guess: {
      createTask: createTasks(data, readNow),
      answerElements: [top, verdict.node, table.node, row, lists.node, runs.node],
      allowNegative: true,
    },
  });
  whenVisible(frame, () => {
    isStarted = true;
    redraw();
  });
  return () => frame.close();
}

export default { render };
