// The form controls of the views, each on the same trait as a handle in the picture.

import { createNumberBinding } from "./bindings.js";
import { button, select, slider } from "./controls.js";
import { roundHalfUp } from "./crop.js";
import {
  CORNERS,
  formatPlaces,
  formatSwitches,
  parsePlaces,
  parseSwitches,
  placesEndToEnd,
  SCALES,
  snapPoint,
  switchViews,
} from "./tta.math.js";
import { readState, selectedWindow, TRAITS } from "./tta.state.js";

/** @import { Box } from "./crop.js" */
/** @import { Frame } from "./frame.js" */
/** @import { Plain, Point, Reduce } from "./tta.math.js" */
/** @import { Data } from "./tta.state.js" */

/**
 * Moves a window, or past the last one the object.
 * @param {Frame} frame
 * @param {Data} data
 * @param {number} index
 * @param {Point} place
 */
export function movePlace(frame, { steps, windows }, index, place) {
  const snapped = snapPoint(place, steps);
  if (index === windows) frame.set("target", snapped);
  else frame.set("at", frame.model.get("at").with(index, snapped));
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
export function addControls(frame, data) {
  frame.controls.classList.add("l7-tta-controls");
  /** @type {[Plain, string][]} */
  const plains = [
    ["crop", "crop the centre"],
    ["squish", "squish"],
    ["pad", "pad"],
  ];
  select(frame, "Plain view", plains, { trait: "plain" });
  /** @type {[number, string][]} */
  const scales = SCALES.toReversed().map((scale) => [scale, `${100 * scale} % of the short side`]);
  select(frame, "Window size", scales, { trait: "scale" });
  /** @type {[Reduce, string][]} */
  const reductions = [
    ["mean", "mean"],
    ["max", "maximum"],
    ["lerp", "fastai's weights"],
  ];
  select(frame, "Combine", reductions, { trait: "reduce" });
  addMoreControls(frame, data);
  addListBindings(frame, data);
  return addMoveControls(frame, data);
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addMoreControls(frame, data) {
  const { names, photos, windows } = data;
  const { model, more: parent } = frame;
  /** @type {[number, string][]} */
  const choices = names.map((name, i) => [i, name]);
  select(frame, "Photo", choices, { trait: "photo", parent });
  if (windows <= CORNERS.length) {
    button(parent, "Corners", () => frame.set("at", CORNERS.slice(0, windows)));
  }
  button(parent, "End to end", () => {
    const { width, height } = photos[model.get("photo")];
    const places = placesEndToEnd(windows, width >= height);
    frame.set(
      "at",
      places.map((place) => snapPoint(place, data.steps)),
    );
  });
  /** @type {[number, string][]} */
  const movable = Array.from({ length: windows }, (_, i) => [i, `window ${i + 1}`]);
  const get = () => selectedWindow({ moving: model.get("moving"), at: model.get("at") });
  select(frame, "Move", movable, { trait: "moving", parent, get });
}

/**
 * What a link sets and no single control shows: the places, and which views are in use.
 * @param {Frame} frame
 * @param {Data} data
 */
function addListBindings(frame, data) {
  const { windows, isLearned } = data;
  const { model } = frame;
  const text = { kind: /** @type {const} */ ("text"), isLinked: true };

  frame.addBinding({
    ...text,
    name: "at",
    get: () => formatPlaces(model.get("at")),
    set(/** @type {string} */ link) {
      const places = parsePlaces(link, windows, data.steps);
      if (places) frame.set("at", places);
    },
  });
  frame.addBinding({
    ...text,
    name: "on",
    get: () => formatSwitches(model.get("on")),
    set(/** @type {string} */ link) {
      const enabled = parseSwitches(link, windows + 1);
      if (enabled) frame.set("on", enabled);
    },
  });
  frame.addBinding(
    createNumberBinding({
      name: "views",
      label: "Views in use",
      isLinked: false,
      min: 1,
      max: windows + 1,
      step: 1,
      get: () => model.get("on").filter(Boolean).length,
      set: (count) => frame.set("on", switchViews(model.get("on"), count)),
    }),
  );
  if (isLearned) return;
  frame.addBinding({
    ...text,
    name: "target",
    get: () => formatPlaces([model.get("target")]),
    set(/** @type {string} */ link) {
      const places = parsePlaces(link, 1, data.steps);
      if (places) frame.set("target", places[0]);
    },
  });
}

/**
 * Two sliders for the selected window, and two for the object.
 * @param {Frame} frame
 * @param {Data} data
 */
function addMoveControls(frame, data) {
  const read = () => readState((trait) => frame.model.get(trait), data);
  const sliders = placeSliders(frame, data, {
    name: "at",
    labels: ["across", "down"],
    index: () => selectedWindow(read()),
    box: () => read().views[1 + selectedWindow(read())],
  });
  if (data.isLearned) return sliders;
  placeSliders(frame, data, {
    name: "target",
    labels: ["object across", "object down"],
    index: () => data.windows,
    box: () => read().object ?? [0, 0, 0, 0],
  });
  return sliders;
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {{ name: string, labels: string[], index: () => number, box: () => Box }} options what is
 *   moved
 */
function placeSliders(frame, data, { name, labels, index, box }) {
  const { model } = frame;
  /** @returns {Point} */
  const place = () => model.get("at")[index()] ?? model.get("target");
  return labels.map((label, axis) => {
    return slider(frame, label, {
      trait: `${name}.${"xy"[axis]}`,
      traits: TRAITS,
      parent: frame.more,
      min: 0,
      max: () => data.steps,
      get: () => roundHalfUp(place()[axis] * data.steps),
      set(step) {
        const moved = /** @type {Point} */ (place().with(axis, step / data.steps));
        movePlace(frame, data, index(), moved);
      },
      format: () => `${box()[axis]} px`,
    });
  });
}
