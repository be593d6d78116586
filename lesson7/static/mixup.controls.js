// The form controls of the weight and of the pictures.

import { createNumberBinding } from "./bindings.js";
import { imageCanvas } from "./canvas.js";
import { button, select, slider } from "./controls.js";
import { html, setAttributes } from "./dom.js";
import { LESSON, T_STEPS } from "./mixup.math.js";
import { readState, two } from "./mixup.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data } from "./mixup.state.js" */

/**
 * @param {Frame} frame
 * @param {Data} data
 */
export function addControls(frame, data) {
  const step = data.isOnGrid ? 1 / T_STEPS : 0.01;
  slider(frame, "Weight λ", {
    trait: "t",
    min: 0,
    max: 1,
    step,
    format: two,
    set: (t) => frame.set("t", allowedWeight(t, data)),
  });
  // The weight of the second picture: the same number, seen from the other end.
  frame.addBinding(
    createNumberBinding({
      name: "rest",
      label: "Weight of the second picture",
      isLinked: false,
      min: 0,
      max: 1,
      step,
      format: two,
      get: () => 1 - frame.model.get("t"),
      set: (rest) => setWeight(frame, 1 - rest),
    }),
  );
  button(frame.controls, "Draw a weight", () => drawWeight(frame, data));
  /** @type {[number, number][]} */
  const alphas = data.alphas.toSorted((a, b) => a - b).map((alpha) => [alpha, alpha]);
  select(frame, "α of Beta(α, α)", alphas, { trait: "alpha" });
  const most = data.lambdas[0].length;
  frame.addBinding(
    createNumberBinding({
      name: "drawn",
      label: "Weights drawn",
      min: 0,
      max: most,
      step: 1,
      get: () => frame.model.get("drawn"),
      set: (drawn) => frame.set("drawn", drawn),
    }),
  );
  addMoreControls(frame, data);
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addMoreControls(frame, data) {
  const parent = frame.more;
  /** @type {[number, string][]} */
  const pictures = data.pictures.map((name, i) => [i, name]);
  select(frame, "First picture", pictures, { trait: "first", parent });
  select(frame, "Second picture", pictures, { trait: "second", parent });
  /** @type {[string, string][]} */
  const folds = [
    ["half", "max(λ, 1 − λ), as fastai"],
    ["any", "λ as drawn"],
  ];
  select(frame, "Weight kept", folds, { trait: "keep", parent });
  /** @type {[string, string][]} */
  const classes = [
    ["own", "of these pictures"],
    ["lesson", "of the lesson: 2 and 7 of ten"],
  ];
  select(frame, "Classes", classes, { trait: "classes", parent });
  button(parent, "The lesson's example", () => {
    frame.setAll({ classes: "lesson", t: LESSON.t });
  });
}

/**
 * @param {Frame} frame
 * @param {number} t
 */
export function setWeight(frame, t) {
  frame.numberBinding("t").setNear(t);
}

/**
 * The weight itself; with learners, the nearest that they were asked about.
 * @param {number} weight
 * @param {Data} data
 */
function allowedWeight(weight, { isOnGrid }) {
  return isOnGrid ? Math.round(weight * T_STEPS) / T_STEPS : weight;
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function drawWeight(frame, data) {
  const { model } = frame;
  frame.set("drawn", (model.get("drawn") % data.lambdas[0].length) + 1);
  const { weights } = readState((trait) => model.get(trait), data);
  frame.set("t", allowedWeight(weights.at(-1) ?? 0, data));
}

/**
 * The pictures to choose from, small.
 * @param {Frame} frame
 * @param {Data} data
 * @param {"first" | "second"} trait
 */
export function pictureStrip(frame, { images, side, pictures }, trait) {
  const buttons = pictures.map((name, i) => {
    const image = imageCanvas();
    image.show({ data: images[i], width: side, height: side });
    setAttributes(image.node, { "aria-hidden": "true" });
    // The keyboard has the control of the same name.
    const label = { "aria-label": `${trait} picture: ${name}`, title: name, tabindex: -1 };
    const node = html("button", { type: "button", ...label }, image.node);
    node.addEventListener("click", () => frame.set(trait, i));
    return node;
  });
  const node = html("div", { class: "l7-mixup-strip l7-shortcuts" }, ...buttons);

  /** @param {number} chosen */
  function draw(chosen) {
    buttons.forEach((button, i) => {
      setAttributes(button, { "aria-pressed": i === chosen });
    });
  }
  return { node, draw };
}
