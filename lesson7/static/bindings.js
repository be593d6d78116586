// What a reader can change: controls, numbers in the text, handles and links read and set it here.

/**
 * A number that can be changed.
 * @typedef {object} NumberBinding
 * @property {"number"} kind
 * @property {string} name as in a link: `#t=0.42`
 * @property {string} label
 * @property {number} min
 * @property {() => number} max may depend on the state
 * @property {number} step
 * @property {() => number} get
 * @property {(value: number) => void} set
 * @property {(value: number) => void} setNear sets the nearest value that is allowed
 * @property {(value: number) => string} format
 * @property {boolean} isLinked whether a link sets it
 */

/**
 * A value that is one of several, or a list; a link has it as text.
 * @typedef {object} TextBinding
 * @property {"text"} kind
 * @property {string} name
 * @property {() => string} get
 * @property {(text: string) => void} set ignores a text that is not allowed
 * @property {boolean} isLinked
 */

/** @typedef {NumberBinding | TextBinding} AnyBinding */

const STEP_ROUNDING = 1e-9;
const MOST_DECIMALS = 10;

/**
 * The nearest value of those from `min` in steps of `step`, without the digits that floats add.
 * @param {number} value
 * @param {{ min: number, max: number, step: number }} range
 */
export function nearestStep(value, { min, max, step }) {
  const steps = Math.round((Math.min(max, Math.max(min, value)) - min) / step + STEP_ROUNDING);
  const nearest = Number((min + steps * step).toFixed(MOST_DECIMALS));
  return Math.min(nearest, max);
}

/**
 * @param {Omit<NumberBinding, "kind" | "setNear" | "max" | "isLinked" | "format"> & {
 *   max: number | (() => number), isLinked?: boolean, format?: (value: number) => string }} options
 * @returns {NumberBinding}
 */
export function createNumberBinding({ max, isLinked = true, format = String, ...options }) {
  const most = typeof max === "number" ? () => max : max;

  /** @param {number} value */
  function setNear(value) {
    const now = options.get();
    const nearest = nearestStep(value, { ...options, max: most() });
    // From a value outside the range, its nearest end can be the wrong way.
    const isTowards = Math.sign(nearest - now) === Math.sign(value - now);
    if (nearest !== now && isTowards) options.set(nearest);
  }
  return { ...options, kind: "number", max: most, setNear, isLinked, format };
}

/**
 * Sets a binding from the text of a link; a text that is not allowed changes nothing.
 * @param {AnyBinding} binding
 * @param {string} text
 * @returns {boolean} whether the text is allowed
 */
export function setFromText(binding, text) {
  if (binding.kind === "text") {
    const before = binding.get();
    if (text) binding.set(text);
    return binding.get() === text || binding.get() !== before;
  }
  const value = Number(text);
  const { min, step } = binding;
  const isInRange = text.trim() !== "" && value >= min && value <= binding.max();
  const steps = (value - min) / step;
  const isStep = step < 1 || Math.abs(steps - Math.round(steps)) < STEP_ROUNDING;
  if (isInRange && isStep) binding.set(value);
  return isInRange && isStep;
}
