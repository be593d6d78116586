// Numbers in the text that are changed by dragging them to the left and right, or by arrow keys.

import { setAttributes } from "./dom.js";

/** @import { Frame } from "./frame.js" */

const FULL_DRAG = 240; // CSS pixels from the least value to the greatest
const PAGE_STEPS = 10; // steps of the keys PageUp and PageDown

/**
 * How many steps a key moves a value; the ends of its range for Home and End.
 * @param {string} key
 */
function stepsOfKey(key) {
  const steps = {
    ArrowRight: 1,
    ArrowUp: 1,
    ArrowLeft: -1,
    ArrowDown: -1,
    PageUp: PAGE_STEPS,
    PageDown: -PAGE_STEPS,
    Home: Number.NEGATIVE_INFINITY,
    End: Number.POSITIVE_INFINITY,
  };
  return /** @type {Record<string, number>} */ (steps)[key] ?? 0;
}

/**
 * Makes a number in the text a slider of the binding `name`.
 * @param {Frame} frame
 * @param {HTMLElement | MathMLElement} node
 * @param {string} name
 * @returns {() => void} shows the present value to screen readers
 */
export function addScrub(frame, node, name) {
  const binding = frame.numberBinding(name);
  setAttributes(node, { role: "slider", tabindex: 0, "data-scrub": name });

  function show() {
    const value = binding.get();
    setAttributes(node, {
      "aria-label": `${binding.label}, in the text`,
      "aria-valuemin": binding.min,
      "aria-valuemax": binding.max(),
      "aria-valuenow": value,
      "aria-valuetext": binding.format(value),
    });
  }

  /** @param {any} event */
  function startDrag(event) {
    if (event.button) return;
    const startX = event.clientX;
    const startValue = binding.get();
    const scale = (binding.max() - binding.min) / FULL_DRAG;
    frame.drag(event, ({ clientX }) => {
      binding.setNear(startValue + (clientX - startX) * scale);
    });
  }

  /** @param {any} event */
  function pressKey(event) {
    const steps = stepsOfKey(event.key);
    if (!steps || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    binding.setNear(binding.get() + steps * binding.step);
  }

  node.addEventListener("pointerdown", startDrag);
  node.addEventListener("keydown", pressKey);
  return show;
}
