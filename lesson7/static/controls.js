// Labelled controls that follow the model's traits.

import { createNumberBinding } from "./bindings.js";
import { html, setText, uniqueId } from "./dom.js";
import { withMinus } from "./format.js";

/** @import { Frame } from "./frame.js" */

/**
 * How a control reads and sets the state. `trait` is enough where it shows one trait as it is.
 * @template T
 * @typedef {object} Binding
 * @property {string} [trait] the name that a link sets, as in `#t=0.42`
 * @property {() => T} [get]
 * @property {(value: T) => void} [set]
 * @property {string[]} [traits] what `get` reads
 * @property {HTMLElement} [parent] where the control is put; unless given, the frame's controls
 */

/**
 * @template T
 * @param {Frame} frame
 * @param {Binding<T>} binding
 * @returns {Required<Binding<T>>}
 */
function completeBinding(frame, { trait = "", get, set, traits, parent }) {
  return {
    trait,
    get: get ?? (() => frame.model.get(trait)),
    set: set ?? ((value) => frame.set(trait, value)),
    traits: traits ?? [trait],
    parent: parent ?? frame.controls,
  };
}

/**
 * Puts `input` behind a label, and calls `read` now and when one of the traits changed.
 * @param {Frame} frame
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {Required<Binding<any>>} binding
 * @param {() => void} read shows the state in the input
 * @param {...Node} after
 * @returns {HTMLElement} the control with its label
 */
function addControl(frame, label, input, { trait, traits, parent }, read, ...after) {
  input.id = uniqueId();
  if (trait) input.dataset.trait = trait;
  const labelNode = html("label", { for: input.id }, label);
  const node = html("div", { class: "l7-control" }, labelNode, input, ...after);
  parent.append(node);
  frame.on(traits, read);
  read();
  return node;
}

/**
 * @typedef {object} SliderOptions
 * @property {number} min
 * @property {number | (() => number)} max
 * @property {number} [step]
 * @property {(value: number) => string} [format] the text after the slider
 */

/**
 * @param {Frame} frame
 * @param {string} label
 * @param {Binding<number> & SliderOptions} options
 */
export function slider(frame, label, { min, max, step = 1, format = String, ...options }) {
  const binding = completeBinding(frame, options);
  const input = html("input", { type: "range", min, step });
  const output = html("output");

  function read() {
    const value = binding.get();
    input.max = String(typeof max === "number" ? max : max());
    input.value = String(value);
    output.textContent = format(value);
    input.setAttribute("aria-valuetext", output.textContent);
  }

  if (binding.trait) {
    const { trait, get, set } = binding;
    frame.addBinding(createNumberBinding({ name: trait, label, min, max, step, get, set, format }));
  }
  input.addEventListener("input", () => binding.set(input.valueAsNumber));
  const node = addControl(frame, label, input, binding, read, output);
  return { node, input, read };
}

/**
 * @template {string | number} T
 * @param {Frame} frame
 * @param {Required<Binding<T>>} binding
 * @param {[value: T, text: string | number][]} choices
 */
function addChoiceBinding(frame, { trait, get, set }, choices) {
  if (!trait) return;
  frame.addBinding({
    kind: /** @type {const} */ ("text"),
    name: trait,
    isLinked: true,
    get: () => String(get()),
    set(/** @type {string} */ text) {
      const choice = choices.find(([value]) => String(value) === text);
      if (choice) set(choice[0]);
    },
  });
}

/**
 * @template {string | number} T
 * @param {Frame} frame
 * @param {string} label
 * @param {[value: T, text: string | number][]} choices
 * @param {Binding<T>} options
 */
export function select(frame, label, choices, options) {
  const binding = completeBinding(frame, options);
  const items = choices.map(([value, text]) =>
    html("option", { value, dir: "auto" }, String(text)),
  );
  const input = html("select", {}, ...items);

  function read() {
    input.value = String(binding.get());
  }

  addChoiceBinding(frame, binding, choices);
  input.addEventListener("change", () => binding.set(choices[input.selectedIndex][0]));
  return { node: addControl(frame, label, input, binding, read), input };
}

/**
 * What a number field takes, where what it has is no such number.
 * @param {number} min
 * @param {number} max
 * @param {number} step
 */
function describeRange(min, max, step) {
  const kind = Number.isInteger(step) ? "a whole number" : "a number";
  return withMinus(`must be ${kind} from ${min} to ${max}`);
}

/**
 * A field for a number; only whole numbers where `step` is. Any other text stays in the field,
 * marked as invalid, with a note of what is allowed, and out of the model.
 * @param {Frame} frame
 * @param {string} label
 * @param {Binding<number> & { min: number, max: number, step: number }} options
 */
export function numberField(frame, label, { min, max, step, ...options }) {
  const binding = completeBinding(frame, options);
  const input = html("input", { type: "number", min, max, step, required: "" });
  const message = html("span", { class: "l7-invalid", id: uniqueId(), "aria-live": "polite" });
  if (binding.trait) {
    const { trait, get, set } = binding;
    frame.addBinding(createNumberBinding({ name: trait, label, min, max, step, get, set }));
  }

  /** @param {number} value NaN: it is no number */
  function isAllowed(value) {
    const isInRange = value >= min && value <= max;
    return isInRange && (Number.isInteger(value) || !Number.isInteger(step));
  }

  function read() {
    const value = binding.get();
    if (input.valueAsNumber === value) return;
    input.value = String(value);
    mark(true);
  }

  /** @param {boolean} isValid */
  function mark(isValid) {
    input.setAttribute("aria-invalid", String(!isValid));
    setText(message, isValid ? "" : describeRange(min, max, step));
  }

  input.setAttribute("aria-describedby", message.id);
  input.addEventListener("input", () => {
    const value = input.valueAsNumber;
    mark(isAllowed(value));
    if (isAllowed(value)) binding.set(value);
  });
  return { node: addControl(frame, label, input, binding, read, message), input };
}

/**
 * @param {HTMLElement} parent
 * @param {string} label
 * @param {() => void} press
 */
export function button(parent, label, press) {
  const node = html("button", { type: "button" }, label);
  node.addEventListener("click", press);
  parent.append(node);
  return node;
}
