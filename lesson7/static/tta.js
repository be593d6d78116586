// A photo with its plain view and its windows, what each of them shows and predicts, and their
// combined prediction.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { button, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, svg } from "./dom.js";
import { quoted } from "./format.js";
import { Frame } from "./frame.js";
import { addGuess } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import {
  CORNERS,
  combine,
  contains,
  cropResized,
  describePlain,
  describeTogether,
  intersection,
  modelPredictions,
  objectBox,
  objectShares,
  photoAt,
  placesEndToEnd,
  plainBox,
  ranking,
  roundHalfUp,
  SCALES,
  snapPoint,
  viewWeights,
  windowBox,
} from "./tta.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Box, Plain, Point, Reduce } from "./tta.math.js" */

const TRAITS = ["photo", "plain", "scale", "at", "on", "reduce", "moving", "target"];
const VIEW_COLOURS = [
  ...["#ffffff", "#4aa8ff", "#ff9f40", "#5fd068", "#ff7d9c"],
  ...["#b79bff", "#3fd0c9", "#e0c060", "#c0c0c0"],
];
const OBJECT_COLOUR = "#ffe600";
const MOST_WIDTH = 470; // of the photo on the page, CSS pixels
const MOST_HEIGHT = 360;
const MOST_BARS = 5;
const OBJECT_CLASSES = ["object", "no object"];
const OBJECT_NOTE =
  "No model here: a view's score is the share of the yellow box, “the object”, that it shows";
const CLEAR_MARGIN = 0.12; // distance from one half at which the eye can tell
const MOST_TRIES = 100;

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
async function readData(model) {
  /** @type {Pixels} */
  const sheet = await decodePng(model.get("pixels"));
  /** @type {[height: number, width: number][]} */
  const sizes = model.get("sizes");
  /** @type {{ classes: string[], preds: number[][], threshold?: number }[]} */
  const asked = model.get("asked");
  let top = 0;
  const photos = sizes.map(([height, width]) => {
    const photo = photoAt(sheet, top, width, height);
    top += height;
    return photo;
  });
  return {
    ...{ photos, asked, isLearned: asked.length > 0 },
    names: /** @type {string[]} */ (model.get("names")),
    side: /** @type {number} */ (model.get("side")),
    steps: /** @type {number} */ (model.get("steps")),
    windows: /** @type {number} */ (model.get("at").length),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/**
 * The state, with the boxes of the views, and of what moves: the windows, and the object that
 * stands in for a model.
 * @param {Model} model
 * @param {Data} data
 * @param {Record<string, any>} [changes] traits that are not yet set
 */
function readState(model, data, changes = {}) {
  /** @param {string} trait */
  const get = (trait) => changes[trait] ?? model.get(trait);
  /** @type {number} */
  const photo = get("photo");
  /** @type {Plain} */
  const plain = get("plain");
  /** @type {number} */
  const scale = get("scale");
  /** @type {Point[]} */
  const at = get("at");
  const { width, height } = data.photos[photo];
  const windowBoxes = at.map((place) => windowBox(width, height, scale, place));
  const views = [plainBox(width, height, plain), ...windowBoxes];
  const object = data.isLearned ? null : objectBox(width, height, get("target"));
  const predictions = object
    ? objectShares(views, object)
    : modelPredictions(data.asked[photo].preds, { plain, scale, at }, data.steps);
  return {
    ...{ photo, plain, scale, at, width, height, views, object, predictions },
    movable: object ? [...windowBoxes, object] : windowBoxes,
    moving: /** @type {number} */ (get("moving")),
    enabled: /** @type {boolean[]} */ (get("on")),
    reduce: /** @type {Reduce} */ (get("reduce")),
    classes: data.isLearned ? data.asked[photo].classes : OBJECT_CLASSES,
  };
}

/** @typedef {ReturnType<typeof readState>} State */

/**
 * @param {Model} model
 * @returns {Point} the place of what moves
 */
function movingPlace(model) {
  return model.get("at")[model.get("moving")] ?? model.get("target");
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {Point} place
 */
function movePlace(frame, { steps, windows }, place) {
  const { model } = frame;
  /** @type {number} */
  const index = model.get("moving");
  const snapped = snapPoint(place, steps);
  if (index === windows) frame.set("target", snapped);
  else frame.set("at", model.get("at").with(index, snapped));
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addControls(frame, data) {
  frame.controls.classList.add("l7-tta-controls");
  /** @type {[number, string][]} */
  const photos = data.names.map((name, i) => [i, name]);
  select(frame, "Photo", photos, { trait: "photo" });
  /** @type {[Plain, string][]} */
  const plains = [
    ["crop", "crop the centre"],
    ["squish", "squish"],
    ["pad", "pad"],
  ];
  select(frame, "Plain view", plains, { trait: "plain" });
  /** @type {[number, string][]} */
  const scales = SCALES.map((scale) => [scale, `${100 * scale} % of the short side`]);
  select(frame, "Windows", scales, { trait: "scale" });
  /** @type {[Reduce, string][]} */
  const reductions = [
    ["mean", "mean"],
    ["max", "maximum"],
    ["lerp", "fastai's weights"],
  ];
  select(frame, "Combine", reductions, { trait: "reduce" });
  addArrangements(frame, data);
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addArrangements(frame, { photos, windows, steps }) {
  if (windows <= CORNERS.length) {
    button(frame, "Corners", () => frame.set("at", CORNERS.slice(0, windows)));
  }
  button(frame, "End to end", () => {
    const { width, height } = photos[frame.model.get("photo")];
    const places = placesEndToEnd(windows, width >= height);
    frame.set(
      "at",
      places.map((place) => snapPoint(place, steps)),
    );
  });
}

/**
 * What moves a window by keyboard.
 * @param {Frame} frame
 * @param {Data} data
 */
function moveControls(frame, data) {
  const { model } = frame;
  const { windows, steps, isLearned } = data;
  const parent = html("div", { class: "l7-move" });
  /** @type {[number, string][]} */
  const movable = Array.from({ length: windows }, (_, i) => [i, `window ${i + 1}`]);
  if (!isLearned) movable.push([windows, "the object"]);
  select(frame, "Move", movable, { trait: "moving", parent });
  ["across", "down"].forEach((label, axis) => {
    slider(frame, label, {
      ...{ min: 0, max: steps, parent, traits: TRAITS },
      get: () => roundHalfUp(movingPlace(model)[axis] * steps),
      set(step) {
        const place = movingPlace(model).with(axis, step / steps);
        movePlace(frame, data, /** @type {Point} */ (place));
      },
      format() {
        const state = readState(model, data);
        return `${state.movable[state.moving][axis]} px`;
      },
    });
  });
  return parent;
}

/**
 * The outline of a view on the photo, with a numbered handle for a window.
 * @param {number} index 0: the plain view; past the last window: the object
 * @param {number} windows
 */
function outline(index, windows) {
  const isObject = index > windows;
  const style = `color: ${isObject ? OBJECT_COLOUR : VIEW_COLOURS[index]}`;
  const lines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })];
  const isWindow = index > 0 && !isObject;
  const circle = svg("circle");
  const number = svg("text", {}, String(index));
  const node = svg("g", { style }, ...lines);
  const handle = svg("g", { style }, ...(isWindow ? [circle, number] : []));

  /**
   * @param {State} state
   * @param {number} unit a CSS pixel, in pixels of the photo
   */
  function draw({ views, object, width, height, moving, enabled }, unit) {
    const box = (isObject && object) || views[index];
    const [x, y, x1, y1] = intersection(box, [0, 0, width, height]);
    for (const line of lines) setAttributes(line, { x, y, width: x1 - x, height: y1 - y });
    for (const group of [node, handle]) {
      group.classList.toggle("l7-moving", index === moving + 1);
      group.classList.toggle("l7-off", !isObject && !enabled[index]);
      group.classList.toggle("l7-object", isObject);
    }
    const style = `font-size: ${14 * unit}px`;
    setAttributes(circle, { cx: x + 13 * unit, cy: y + 13 * unit, r: 10 * unit });
    setAttributes(number, { x: x + 13 * unit, y: y + 18 * unit, style });
  }
  return { index, node, handle, draw };
}

/**
 * The photo with the outlines of the views.
 * @param {Frame} frame
 * @param {Data} data
 */
function photoStage(frame, data) {
  const { photos, names, windows, isLearned } = data;
  const canvas = imageCanvas();
  const overlay = svg("svg", { "aria-hidden": "true" });
  const node = html("div", { class: "l7-stage" }, canvas.node, overlay);
  const count = windows + (isLearned ? 1 : 2);
  const outlines = Array.from({ length: count }, (_, i) => outline(i, windows));
  overlay.append(...outlines.map((box) => box.node), ...outlines.map((box) => box.handle));
  let shown = -1;

  /** @param {State} state */
  function draw(state) {
    const { photo, width, height } = state;
    const shownWidth = Math.min(MOST_WIDTH, (MOST_HEIGHT * width) / height);
    if (shown !== photo) {
      shown = photo;
      canvas.show(photos[photo]);
      const label = `${names[photo]}, ${width} by ${height} pixels, with ${windows} windows`;
      setAttributes(canvas.node, { "aria-label": label });
      setAttributes(overlay, { viewBox: `0 0 ${width} ${height}` });
      node.style.maxWidth = `${shownWidth}px`;
    }
    for (const box of outlines) box.draw(state, width / shownWidth);
  }
  addDragging(frame, data, overlay, outlines);
  return { node, draw };
}

/**
 * Which box a pointer takes: one by its numbered handle, else the object, what moved last, or the
 * topmost window that contains the point.
 * @param {State} state
 * @param {Point} point
 * @param {number | undefined} held the window whose handle is under the pointer
 * @param {number} windows
 */
function boxUnder({ movable, moving }, point, held, windows) {
  if (held !== undefined) return held;
  const topmost = Array.from({ length: windows }, (_, i) => windows - 1 - i);
  const order = [windows, moving, ...topmost];
  return order.find((i) => movable[i] && contains(movable[i], point));
}

/**
 * @param {SVGSVGElement} overlay
 * @param {PointerEvent} event
 * @param {State} state
 * @returns {Point} in pixels of the photo
 */
function photoPoint(overlay, { clientX, clientY }, { width, height }) {
  const area = overlay.getBoundingClientRect();
  const x = ((clientX - area.left) / area.width) * width;
  const y = ((clientY - area.top) / area.height) * height;
  return [x, y];
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {SVGSVGElement} overlay
 * @param {ReturnType<typeof outline>[]} outlines
 */
function addDragging(frame, data, overlay, outlines) {
  const { model } = frame;
  /** @type {{ from: Point, corner: Box } | null} */
  let drag = null;

  overlay.addEventListener("pointerdown", (event) => {
    const state = readState(model, data);
    const from = photoPoint(overlay, event, state);
    const target = /** @type {Node} */ (event.target);
    const held = outlines.find(({ handle }) => handle.contains(target));
    const index = boxUnder(state, from, held && held.index - 1, data.windows);
    if (index === undefined) return;
    frame.set("moving", index);
    drag = { from, corner: state.movable[index] };
    overlay.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  overlay.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const state = readState(model, data);
    movePlace(frame, data, draggedPlace(drag, photoPoint(overlay, event, state), state, model));
  });
  const release = () => {
    drag = null;
  };
  overlay.addEventListener("pointerup", release);
  overlay.addEventListener("pointercancel", release);
}

/**
 * @param {{ from: Point, corner: Box }} drag where it began
 * @param {Point} to in pixels of the photo
 * @param {State} state
 * @param {Model} model
 * @returns {Point}
 */
function draggedPlace({ from, corner }, to, { width, height }, model) {
  const side = corner[2] - corner[0];
  const [x, y] = [width, height].map((length, axis) => {
    const room = length - side;
    if (room <= 0) return movingPlace(model)[axis];
    return (corner[axis] + to[axis] - from[axis]) / room;
  });
  return [x, y];
}

/**
 * One view: its switch, its picture, what is predicted for it, and its weight.
 * @param {Frame} frame
 * @param {Data} data
 * @param {number} index
 */
function viewFigure(frame, data, index) {
  const { photos, side, isLearned } = data;
  const name = index ? `window ${index}` : "plain";
  const box = html("input", { type: "checkbox" });
  const chip = html("span", { class: "l7-chip", style: `color: ${VIEW_COLOURS[index]}` });
  const canvas = imageCanvas({ sharp: true });
  const label = html("span", { dir: "auto" });
  const number = html("span");
  const says = html("p", {}, label, number);
  const weight = html("p");
  const node = html("div", {}, html("label", {}, box, chip, name), canvas.node, says, weight);
  box.addEventListener("change", () => switchView(frame, index, box));
  let shown = ""; // photo and box

  /** @param {State} state */
  function draw({ photo, views, predictions, enabled, reduce, classes }) {
    const key = `${photo} ${views[index]}`;
    if (shown !== key) canvas.show(cropResized(photos[photo], views[index], side));
    shown = key;
    box.checked = enabled[index];
    node.className = enabled[index] ? "" : "l7-off";

    const prediction = predictions[index];
    const best = isLearned ? ranking(prediction)[0] : 0;
    const percent = `${roundHalfUp(100 * prediction[best])} %`;
    setText(label, isLearned ? classes[best] : "shows");
    setText(number, isLearned ? prediction[best].toFixed(2) : percent);
    setAttributes(says, { "data-value": prediction[best] });
    setAttributes(says, { title: `${label.textContent} ${number.textContent}` });
    const weights = viewWeights(enabled, reduce);
    setText(weight, describeViewWeight(enabled[index], reduce, weights[index]));
    setAttributes(weight, { "data-value": weights[index] });
    setAttributes(canvas.node, { "aria-label": `${index ? name : "plain view"}: ${says.title}` });
  }
  return { node, says, canvas: canvas.node, draw };
}

/**
 * @param {boolean} isEnabled
 * @param {Reduce} reduce
 * @param {number} weight
 */
function describeViewWeight(isEnabled, reduce, weight) {
  if (!isEnabled) return "not used";
  return reduce === "max" ? "if highest" : `weight ${Number(weight.toFixed(4))}`;
}

/**
 * @param {Frame} frame
 * @param {number} index
 * @param {HTMLInputElement} box
 */
function switchView(frame, index, box) {
  /** @type {boolean[]} */
  const enabled = frame.model.get("on").with(index, box.checked);
  if (enabled.some(Boolean)) frame.set("on", enabled);
  else box.checked = true; // one view stays
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function viewFigures(frame, data) {
  const count = data.windows + 1;
  const views = Array.from({ length: count }, (_, i) => viewFigure(frame, data, i));
  const what = data.isLearned ? "What the model says" : OBJECT_NOTE;
  const grid = html("div", { class: "l7-views" }, ...views.map((view) => view.node));
  const node = figure(`The views, ${data.side} pixels wide. ${what}`, grid);

  /** @param {State} state */
  function draw(state) {
    for (const view of views) view.draw(state);
  }
  const answerElements = views.map((view) => view.says);
  return { node, answerElements, canvases: views.map((view) => view.canvas), draw };
}

/**
 * The prediction of the plain view beside that of all views together.
 * @param {Data} data
 */
function comparison({ isLearned, asked }) {
  const counts = asked.map(({ classes }) => classes.length);
  const shown = isLearned ? Math.min(MOST_BARS, ...counts) : OBJECT_CLASSES.length;
  const alone = barChart(shown);
  const together = barChart(shown);
  alone.node.classList.add("l7-other");
  const aloneFigure = figure("Plain view alone", alone.node);
  const togetherFigure = figure("With test time augmentation", together.node);
  const node = html("div", { class: "l7-two l7-wide" }, aloneFigure, togetherFigure);
  const sentence = note({ spoken: true });

  /** @param {State} state */
  function draw({ photo, predictions, enabled, reduce, classes }) {
    const [plain] = predictions;
    const combined = combine(predictions, enabled, reduce);
    const top = ranking(combined).slice(0, shown);
    alone.draw(top.map((c) => [classes[c], plain[c]]));
    together.draw(top.map((c) => [classes[c], combined[c]]));
    const names = isLearned ? classes : null;
    const threshold = isLearned ? asked[photo].threshold : undefined;
    const options = { classes: names, reduce, threshold };
    setText(sentence, describeTogether(plain, combined, options));
  }
  return { node, sentence, answerElements: [aloneFigure, togetherFigure, sentence], draw };
}

function plainNote() {
  const node = note();

  /** @param {State} state */
  function draw({ width, height, plain }) {
    setText(node, describePlain(width, height, plain));
  }
  return { node, draw };
}

/**
 * Asks how many views show the object; where there is a model, how many put the class first that
 * the views predict together.
 * @param {Model} model
 * @param {Data} data
 */
function createViewsTask(model, data) {
  let state = randomViews(data);
  for (let tries = 0; tries < MOST_TRIES && !isClear(readState(model, data, state)); tries++) {
    state = randomViews(data);
  }
  return { state, getQuestion: () => viewsQuestion(readState(model, data)) };
}

/** @param {Data} data */
function randomViews({ names, windows, steps, isLearned }) {
  /** @returns {Point} */
  const place = () => [randomInt(steps + 1) / steps, randomInt(steps + 1) / steps];
  const photo = randomInt(names.length);
  const scale = randomChoice(SCALES.slice(0, 2));
  const at = Array.from({ length: windows }, place);
  return isLearned ? { photo, scale, at } : { photo, scale, at, target: place() };
}

/**
 * Whether the eye can tell which views show at least half of the object.
 * @param {State} state
 */
function isClear({ object, predictions }) {
  return !object || predictions.every(([share]) => Math.abs(share - 0.5) > CLEAR_MARGIN);
}

/** @param {State} state */
function viewsQuestion({ object, predictions, enabled, reduce, classes }) {
  const count = enabled.filter(Boolean).length;
  const [top] = ranking(combine(predictions, enabled, reduce));
  const agreeing = predictions.flatMap((prediction, i) => {
    const agrees = object ? prediction[0] >= 0.5 : ranking(prediction)[0] === top;
    const name = i ? `window ${i}` : "the plain view";
    return enabled[i] && agrees ? [name] : [];
  });
  const ofObject = `How many of the ${count} views in use show at least half of the yellow box?`;
  const ofClass =
    `Together the views say ${quoted(classes[top])}. ` +
    `How many of the ${count} in use put it first?`;
  return {
    text: object ? ofObject : ofClass,
    answer: agreeing.length,
    tolerance: 0,
    because: listViews(agreeing),
  };
}

/** @param {string[]} names */
function listViews(names) {
  if (!names.length) return "none does";
  const verb = names.length === 1 ? "does" : "do";
  return `${new Intl.ListFormat("en").format(names)} ${verb}`;
}

/** @param {View} view */
async function render({ model, el }) {
  const data = await readData(model);
  const title = "Test time augmentation: several looks at a picture";
  const frame = new Frame({ model, el }, title);
  addControls(frame, data);

  const stage = photoStage(frame, data);
  const plain = plainNote();
  const views = viewFigures(frame, data);
  const bars = comparison(data);
  const photo = figure("The photo: drag a window", stage.node);
  const left = html("div", {}, photo, moveControls(frame, data), plain.node);
  const right = html("div", {}, views.node, bars.node, bars.sentence);
  frame.root.append(html("div", { class: "l7-tta" }, left, right));

  frame.redraw(TRAITS, () => {
    const state = readState(model, data);
    for (const part of [stage, plain, views, bars]) part.draw(state);
  });
  addGuess(frame, TRAITS, {
    createTask: () => createViewsTask(model, data),
    answerElements: [...views.answerElements, ...bars.answerElements],
    ariaHiddenElements: views.canvases,
  });
  return () => frame.close();
}

export default { render };
