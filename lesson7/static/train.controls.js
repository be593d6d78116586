// The form controls of the two trainings.

import { createNumberBinding } from "./bindings.js";
import { button, numberField, select, slider } from "./controls.js";
import { html } from "./dom.js";
import { fitTemperature, formatPad, INPUTS, parsePad, percent } from "./train.math.js";
import { evaluationAt, SETTINGS, two } from "./train.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data, State } from "./train.state.js" */

const MOST_EPOCHS = 100;
const MOST_SEEDS = 10;
const LEAST_LR = 0.0001;
const TEMPERATURES = { min: 0.2, max: 5 };
/** @type {[string, string][]} */
const INPUT_CHOICES = [
  ["normalized", "normalized"],
  ["0-1", "0 to 1"],
  ["as is", "as in the file"],
  ["0-255", "0 to 255"],
  ["wrong at test time", "normalized only in training"],
];

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
export function addControls(frame, data) {
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
export function addButtons(frame, data, read) {
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
