// Links that set the state, as `#t=0.42&kind=batch`, and the state of a pin.

import { setFromText } from "./bindings.js";

/** @import { Frame } from "./frame.js" */

const PIN = "pin";

/**
 * Sets what a link names. The order of the names in it does not matter: a binding whose value
 * limits others was added before them.
 * @param {Frame} frame
 * @param {URLSearchParams} link names that this explorer has are removed from it
 * @returns {boolean} whether the link has a value that is allowed
 */
function setBindings(frame, link) {
  let isAnySet = false;
  for (const [name, binding] of frame.bindings) {
    const text = link.get(name);
    if (text === null || !binding.isLinked) continue;
    if (setFromText(binding, text)) isAnySet = true;
    link.delete(name);
  }
  return isAnySet;
}

/**
 * Pins what a link names; without a name and value that this explorer has, there is no pin.
 * @param {Frame} frame
 * @param {string[]} traits
 * @param {URLSearchParams} pin
 */
function setPin(frame, traits, pin) {
  const now = frame.snapshot(traits);
  if (!setBindings(frame, pin)) return;
  frame.set("pinned", frame.snapshot(traits));
  frame.setAll(now);
}

/**
 * @param {Frame} frame
 * @param {string[]} traits
 * @param {URLSearchParams} link names that this explorer has are removed from it
 */
export function followLink(frame, traits, link) {
  const pin = link.get(PIN);
  if (pin) setPin(frame, traits, new URLSearchParams(pin));
  link.delete(PIN);
  setBindings(frame, link);
}

/**
 * The value of each binding that a link can set, as text; `at.x` is left out where `at` has it.
 * @param {Frame} frame
 */
function linkValues(frame) {
  const linked = [...frame.bindings].filter(([name, binding]) => {
    const [whole, part] = name.split(".");
    return binding.isLinked && !(part && frame.bindings.has(whole));
  });
  return new Map(linked.map(([name, binding]) => [name, String(binding.get())]));
}

/**
 * Returns a function that returns the link to the present state: the values that differ from those
 * at this call.
 * @param {Frame} frame
 * @param {string[]} traits
 * @param {{ link?: Map<string, string> }} [kept] by an earlier frame of the explorer
 */
export function linkWriter(frame, traits, kept = {}) {
  kept.link ??= linkValues(frame);
  const start = kept.link;

  function changes() {
    const link = new URLSearchParams();
    for (const [name, text] of linkValues(frame)) {
      if (text !== start.get(name)) link.set(name, text);
    }
    return link;
  }

  /** The link to the state of the pin; null without a pin. */
  function pinChanges() {
    const pinned = frame.model.get("pinned");
    if (!Object.keys(pinned).length) return null;
    const now = frame.snapshot(traits);
    frame.setAll(pinned);
    const link = changes();
    frame.setAll(now);
    return link;
  }

  return () => {
    const link = changes();
    const pin = pinChanges();
    // A pin of the first state is written in full: a link without values has no pin.
    if (pin) link.set(PIN, String(pin) || String(new URLSearchParams([...start])));
    return link;
  };
}
