// The form controls of the statistics, and their numbers as a table.

import { createNumberBinding } from "./bindings.js";
import { button, numberField, select, slider } from "./controls.js";
import { CHANNELS, changeStatistics, LEAST_SD, MODEL_RANGE } from "./normalize.math.js";
import { KINDS, MOMENTS, three } from "./normalize.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Quantity } from "./live.js" */
/** @import { Kind, Running } from "./normalize.math.js" */
/** @import { Data, State } from "./normalize.state.js" */

const KIND_CHOICES = /** @type {[Kind, string][]} */ (Object.entries(KINDS));
/** @type {[Running, string][]} */
const RUNNING_CHOICES = [
  ["stored", "stored in training"],
  ["batch", "of all pictures here"],
];

/**
 * A field for one number of a list.
 * @param {Frame} frame
 * @param {string} label
 * @param {string} trait
 * @param {number} index
 * @param {{ min: number, max: number, step: number }} range
 */
function listNumberField(frame, label, trait, index, range) {
  /** @type {() => number[]} */
  const list = () => frame.model.get(trait);
  return numberField(frame, label, {
    ...range,
    trait: `${trait}.${index}`,
    traits: [trait],
    get: () => list()[index],
    set: (value) => frame.set(trait, list().with(index, value)),
  });
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
export function addControls(frame, { draws, counts }) {
  select(frame, "Normalize with", KIND_CHOICES, { trait: "kind" });
  button(frame.controls, "Another batch", () => {
    frame.set("draw", (frame.model.get("draw") + 1) % draws.length);
  });
  slider(frame, "Batch size", { trait: "bs", min: 1, max: counts.length });
  const parent = frame.more;
  slider(frame, "Batch", {
    trait: "draw",
    min: 0,
    max: draws.length - 1,
    parent,
    format: (draw) => `${draw + 1} of ${draws.length}`,
  });
  /** @type {[string, string][]} */
  const views = [
    ["file", "as in the file"],
    ["model", "as the model sees them"],
  ];
  select(frame, "Large pictures", views, { trait: "show", parent });
  if (frame.model.get("has_batch_norm")) {
    select(frame, "Batch normalization", RUNNING_CHOICES, { trait: "running", parent });
  }
  const fields = CHANNELS.flatMap((name, c) => {
    const mean = { min: -10, max: 10, step: 0.001, parent };
    const sd = { ...mean, min: 0.001 };
    return [
      listNumberField(frame, `${name} mean`, "own_mean", c, mean).node,
      listNumberField(frame, `${name} sd`, "own_std", c, sd).node,
    ];
  });
  frame.on(["kind"], showFields);
  showFields();

  function showFields() {
    for (const field of fields) field.hidden = frame.model.get("kind") !== "own";
  }
}

/**
 * Numbers that can be changed in the text and in the histograms: the statistics in use, and what
 * they make of the batch. Changing one selects the reader's own statistics.
 * @param {Frame} frame
 * @param {() => State} read
 */
export function addNumbers(frame, read) {
  /**
   * @param {number} moment
   * @param {number} channel
   * @param {number} value
   */
  function change(moment, channel, value) {
    const { statistics, kind } = read();
    const isOwn = kind === "own";
    const [means, sds] = changeStatistics(statistics, { moment, channel, value, isOwn });
    frame.setAll({ own_mean: means, own_std: sds, kind: "own" });
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {{ min: number, max: number, step: number, get: () => number,
   *   set: (value: number) => void }} options
   */
  function add(name, label, options) {
    frame.addBinding(
      createNumberBinding({ name, label, isLinked: false, format: three, ...options }),
    );
  }

  CHANNELS.forEach((channel, c) => {
    MOMENTS.forEach((moment, m) => {
      add(`${moment}.${c}`, `${channel} ${moment} in use`, {
        min: m * LEAST_SD,
        max: 1,
        step: LEAST_SD,
        get: () => read().statistics[m][c],
        set: (value) => change(m, c, value),
      });
    });
    const after = { min: -MODEL_RANGE, max: MODEL_RANGE, step: 0.01 };
    add(`after.mean.${c}`, `${channel} mean after`, {
      ...after,
      get: () => read().after[c].mean,
      set(value) {
        const { before, statistics } = read();
        change(0, c, rounded(before[c].mean - value * statistics[1][c]));
      },
    });
    add(`after.sd.${c}`, `${channel} sd after`, {
      ...after,
      min: 0.05,
      get: () => read().after[c].sd,
      set: (value) => change(1, c, Math.max(0.001, rounded(read().before[c].sd / value))),
    });
  });
}

/** @param {number} value */
const rounded = (value) => Number(value.toFixed(3));

/**
 * A number as it is shown in a line.
 * @param {string} name
 * @param {number} value
 * @param {string} source
 * @param {string} [scrub]
 * @returns {Quantity}
 */
export function shownNumber(name, value, source, scrub) {
  return { name, value, text: three(value), source, scrub };
}

/**
 * A statistic in use.
 * @param {State} state
 * @param {number} m 0: the mean, 1: the sd
 * @param {number} c
 * @param {string} [name]
 */
export function statistic({ statistics }, m, c, name = `${MOMENTS[m]}.${c}`) {
  const source = `${MOMENTS[m]}.${c}`;
  return shownNumber(name, statistics[m][c], source, source);
}
