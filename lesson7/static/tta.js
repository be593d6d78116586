// A photo with its plain view and its windows, and the sum that combines what the views predict.

import { barChart } from "./bars.js";
import { createNumberBinding } from "./bindings.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { pythonFloat, pythonString } from "./code.js";
import { button, select, slider } from "./controls.js";
import { cropResized, cropTensor, photoAt, roundHalfUp } from "./crop.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { capitalize, quoted } from "./format.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { addHandle, grip } from "./handle.js";
import { connectKernel, kernelRows } from "./kernel.js";
import { constant, fraction, identifier, liveLine, mathRow, operator, subscript } from "./live.js";
import { networkPart, networkRows, showWithNetwork } from "./network.js";
import { OWN_NAME, withPhoto } from "./photo.js";
import { randomChoice, randomInt } from "./random.js";
import {
  CORNERS,
  combine,
  describePlain,
  describeTogether,
  formatPlaces,
  formatShare,
  formatSwitches,
  intersection,
  modelPredictions,
  nearestScale,
  objectBox,
  objectShares,
  PLAIN_WEIGHT,
  parsePlaces,
  parseSwitches,
  placeOf,
  placesEndToEnd,
  plainBox,
  ranking,
  SCALES,
  snapPoint,
  sumSigns,
  switchViews,
  viewWeights,
  windowBox,
} from "./tta.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Box } from "./crop.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Position } from "./handle.js" */
/** @import { Formula, LiveNode, Quantity } from "./live.js" */
/** @import { Kernel } from "./kernel.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Result } from "./pin.js" */
/** @import { Plain, Point, Reduce } from "./tta.math.js" */

const TRAITS = ["photo", "plain", "scale", "at", "on", "reduce", "moving", "target"];
// They differ for colour-blind readers too, from one another, from white and from the object's
// colour: by 25 in CIE Lab or more.
const VIEW_COLOURS = [
  ...["#ffffff", "#3388cc", "#ee5500", "#9944ff", "#aaee88"],
  ...["#00ddff", "#996688", "#778855", "#ff99aa"],
];
const OBJECT_COLOUR = "#ffe600";
const PHOTO_SIDE = 160; // short side of a photo, pixels
const MOST_BARS = 5;
const OBJECT_CLASSES = ["object", "no object"];
const CLEAR_MARGIN = 0.12; // distance from one half at which the eye can tell
const FINE_STEPS = 120; // places along a side where a network answers
const MOST_TRIES = 100;
const GRID_QUESTIONS = 28; // in which a kernel predicts the grid of a photo
const EARLIER = "The kernel does not answer: these predictions are those of an earlier state.";
const EVEN_CHANCE = 0.5; // from which a class counts, for several classes an image
const MOST_NAMED_VIEWS = 5; // of more of them, only the numbers are written
const BADGE_PITCH = 22; // CSS pixels
const COMPARED_CLASSES = 3; // by a pin
const GUESS_TOLERANCE = 0.02;
const WEIGHT_TOLERANCE = 0.01;
/** @type {Record<Reduce, string>} */
const COMBINED_BY = { mean: "mean", max: "maximum", lerp: "mean with fastai's weights" };
/** @type {Record<Reduce, string>} */
const COMBINED = { mean: "mean", max: "maximum", lerp: "weighted mean" };

/** @param {number} value of the views together */
const threeDecimals = (value) => value.toFixed(3);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 * @param {PageNetwork | null} network that answers in the page
 */
async function readData(model, network) {
  /** @type {Pixels} */
  const sheet = await decodePng(model.get("pixels"));
  /** @type {[height: number, width: number][]} */
  const sizes = model.get("sizes");
  /** @type {string[]} */
  const vocab = network ? network.about.classes : model.get("vocab");
  /**
   * What a model predicted for all places in a photo; null: nothing, or a network answers.
   * @param {number} photo
   * @returns {Predicted | null}
   */
  function gridOf(photo) {
    const grid = network ? null : model.get("asked")[photo];
    return grid?.preds.length ? grid : null;
  }
  let top = 0;
  const photos = sizes.map(([height, width]) => {
    const photo = photoAt(sheet, top, width, height);
    top += height;
    return photo;
  });
  const side = /** @type {number} */ (model.get("side"));
  const kernel = network ? null : connectKernel(model, viewsOfKeys);
  /** @type {Predicted} */
  const first = network ? networkClasses(network) : model.get("first");
  /** @type {number} */
  const gridSteps = model.get("grid");
  return {
    ...{
      photos,
      vocab,
      first,
      isLearned: vocab.length > 0 || gridOf(0) !== null,
      side,
      gridSteps,
      kernel,
    },
    rows: network
      ? viewRows(network, photos)
      : kernel && kernelViews(kernel, { first, vocab, gridOf }),
    gridOf,
    template: network && "network" in model.get("templates") ? "network" : "views",
    inputSide: network ? network.about.size : side,
    names: /** @type {string[]} */ (model.get("names")),
    credits: /** @type {string[]} */ (model.get("credits")),
    /** Places along a side that a window can have. */
    get steps() {
      return network || kernel?.isReady() ? FINE_STEPS : gridSteps;
    },
    windows: /** @type {number} */ (model.get("at").length),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/** @typedef {{ classes: string[], preds: number[][], threshold?: number }} Predicted */

/**
 * The classes of a network, as those of a grid of predictions.
 * @param {PageNetwork} network
 * @returns {Predicted}
 */
function networkClasses({ about: { classes, activation } }) {
  const threshold = activation === "sigmoid" ? EVEN_CHANCE : undefined;
  return { classes, preds: [], threshold };
}

/**
 * The predictions of a network for views of photos; until it has answered, those it gave last.
 * @param {PageNetwork} network
 * @param {Pixels[]} photos
 */
function viewRows(network, photos) {
  const { about } = network;
  const rows = networkRows(network);
  /** @type {number[][]} */
  let latest = [];

  /** @param {string} key */
  function makeTensor(key) {
    const [photo, x0, y0, x1, y1] = key.split(" ").map(Number);
    return cropTensor(photos[photo], [x0, y0, x1, y1], about.size, about);
  }

  /** @param {Views} state whose rows are there */
  function remember(state) {
    latest = viewKeys(state).map((key) => rows.get(key) ?? []);
  }

  return {
    ...rows,
    remember,
    keysOf: viewKeys,
    request: (/** @type {string[]} */ keys) => rows.request(keys, makeTensor),
    latest: () => null,
    laterKeys: () => [],
    /** @param {Views} state */
    lookup: (state) => viewKeys(state).map((key, i) => rows.get(key) ?? latest[i]),
  };
}

/** @typedef {{ photo: number, views: Box[] }} Views */

/** @param {Views} views */
function viewKeys({ photo, views }) {
  return views.map((box) => [photo, ...box].join(" "));
}

/** @param {string[]} keys */
function viewsOfKeys(keys) {
  const [first, photo] = keys[0].split(" ");
  if (first === "grid") return { grid: Number(photo) };
  return { views: keys.map((key) => key.split(" ").map(Number)) };
}

/**
 * The predictions of the model in the kernel.
 * @param {Kernel} kernel
 * @param {{ first: Predicted, vocab: string[], gridOf: (photo: number) => Predicted | null }} known
 */
function kernelViews(kernel, { first, vocab, gridOf }) {
  const rows = kernelRows(kernel);
  let photo = 0; // that was shown last
  return {
    ...rows,
    keysOf: viewKeys,
    remember() {},
    latest() {
      const preds = rows.latest();
      return preds.length ? { ...first, classes: vocab, preds } : first;
    },
    /** @param {Views} state */
    lookup(state) {
      photo = state.photo;
      return rows.lookup(viewKeys(state), vocab);
    },
    getMessage() {
      const isEarlier = kernel.isLate() && !gridOf(photo);
      return isEarlier ? EARLIER : rows.getMessage();
    },
    /**
     * Keys to ask for while idle: predictions that the page shows after the kernel has stopped.
     * @param {Views} state
     */
    laterKeys(state) {
      if (gridOf(state.photo) || !kernel.isReady()) return [];
      const next = Array.from({ length: GRID_QUESTIONS }, (_, i) => `grid ${state.photo} ${i}`);
      return next.filter((key) => !rows.has(key)).slice(0, 1);
    },
  };
}

/**
 * The state, with the boxes of the views and of the object that stands in for a model.
 * @param {Get} get
 * @param {Data} data
 */
function readState(get, data) {
  /** @type {number} */
  const photo = get("photo");
  /** @type {Plain} */
  const plain = get("plain");
  /** @type {number} */
  const scale = get("scale");
  const at = readPlaces(get, data);
  const { width, height } = data.photos[photo];
  const views = readViews(get, data);
  const object = data.isLearned ? null : objectBox(width, height, get("target"));
  const found = object
    ? { classes: OBJECT_CLASSES, preds: objectShares(views, object) }
    : modelAnswer(data, { photo, plain, scale, at, views });
  return {
    photo,
    plain,
    scale,
    at,
    width,
    height,
    views,
    object,
    predictions: found.preds,
    target: /** @type {Point} */ (get("target")),
    moving: /** @type {number} */ (get("moving")),
    ...readAnswer(get, data, found),
  };
}

/**
 * What a model predicts for the views: now, else before for the same views, else the last time.
 * @param {Data} data
 * @param {{ photo: number, plain: Plain, scale: number, at: Point[], views: Box[] }} state
 * @returns {Predicted}
 */
function modelAnswer(
  { rows, vocab, first, gridOf, gridSteps },
  { photo, plain, scale, at, views },
) {
  const { threshold } = first;
  const preds = rows?.lookup({ photo, views });
  if (preds) return { classes: vocab, preds, threshold };
  const grid = gridOf(photo);
  if (!grid) return rows?.latest() ?? first;
  const places = { plain, scale, at };
  return { ...grid, preds: modelPredictions(grid.preds, places, gridSteps) };
}

/**
 * The places of the windows: any with a network, else those that a model was asked about.
 * @param {Get} get
 * @param {Data} data
 */
function readPlaces(get, { isLearned, steps }) {
  /** @type {Point[]} */
  const at = get("at");
  return isLearned ? at.map((place) => snapPoint(place, steps)) : at;
}

/**
 * The boxes of all views, the plain one first.
 * @param {Get} get
 * @param {Data} data
 */
function readViews(get, data) {
  const { width, height } = data.photos[get("photo")];
  const windows = readPlaces(get, data).map((place) =>
    windowBox(width, height, get("scale"), place),
  );
  return [plainBox(width, height, get("plain")), ...windows];
}

/**
 * How the predictions are combined, and the result.
 * @param {Get} get
 * @param {Data} data
 * @param {Predicted} found
 */
function readAnswer(get, { isLearned }, { classes, preds: predictions, threshold }) {
  /** @type {boolean[]} */
  const enabled = get("on");
  /** @type {Reduce} */
  const reduce = get("reduce");
  const combined = combine(predictions, enabled, reduce);
  const top = isLearned ? ranking(combined)[0] : 0; // the class whose values are added up
  return {
    enabled,
    reduce,
    combined,
    top,
    count: enabled.filter(Boolean).length,
    values: predictions.map((prediction) => prediction[top]),
    classes,
    threshold,
  };
}

/** @typedef {ReturnType<typeof readState>} State */

/**
 * The window that is selected; the first one while the object is.
 * @param {{ moving: number, at: Point[] }} state
 */
function selectedWindow({ moving, at }) {
  return moving < at.length ? moving : 0;
}

/**
 * Moves a window, or past the last one the object.
 * @param {Frame} frame
 * @param {Data} data
 * @param {number} index
 * @param {Point} place
 */
function movePlace(frame, { steps, windows }, index, place) {
  const snapped = snapPoint(place, steps);
  if (index === windows) frame.set("target", snapped);
  else frame.set("at", frame.model.get("at").with(index, snapped));
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addControls(frame, data) {
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

/**
 * The outline of a view on the photo, and its numbered badge.
 * @param {number} index 0: the plain view
 * @param {number} windows
 */
function viewOutline(index, windows) {
  const source = { "data-source": `view${index}`, style: `color: ${VIEW_COLOURS[index]}` };
  const lines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })];
  // Many windows have their corners near one another: their badges are one below the other.
  const offset = windows >= MOST_NAMED_VIEWS && index ? BADGE_PITCH * (index - 1) : 0;
  const circle = svg("circle", { cx: 14, cy: 14 + offset, r: 10 });
  const number = svg("text", { x: 14, y: 18.5 + offset }, String(index));
  const mark = svg("g", { class: "l7-tta-badge" }, circle, number);
  const node = svg("g", source, ...lines);
  const badge = svg("g", source, mark);

  /** @param {State} state */
  function draw({ views, width, height, moving, enabled }) {
    const [x, y] = drawBox(lines, views[index], width, height);
    setAttributes(badge, { transform: `translate(${x} ${y})` });
    for (const group of [node, badge]) {
      group.classList.toggle("l7-moving", index === moving + 1);
      group.classList.toggle("l7-off", !enabled[index]);
    }
  }
  return { node, badge, draw };
}

/**
 * Draws the part of a box that is within the photo.
 * @param {SVGElement[]} rectangles
 * @param {Box} box
 * @param {number} width of the photo
 * @param {number} height
 */
function drawBox(rectangles, box, width, height) {
  const [x, y, x1, y1] = intersection(box, [0, 0, width, height]);
  for (const node of rectangles) setAttributes(node, { x, y, width: x1 - x, height: y1 - y });
  return [x, y];
}

/**
 * The photo with the outlines of the views, which can be dragged.
 * @param {Frame} frame
 * @param {Data} data
 */
function photoStage(frame, data) {
  const { photos, names, credits, windows } = data;
  const canvas = imageCanvas();
  const overlay = svg("svg", { "aria-hidden": "true" });
  const node = html("div", { class: "l7-stage" }, canvas.node, overlay);
  const marks = stageMarks(frame, data, overlay);
  let shown = -1;
  let shownWidth = 1;

  function keepSizes() {
    const width = photos[Math.max(0, shown)].width;
    overlay.style.setProperty("--unit", String(width / shownWidth));
  }
  new ResizeObserver(([{ contentRect }]) => {
    shownWidth = contentRect.width || 1;
    keepSizes();
  }).observe(node);

  /** @param {State} state */
  function draw(state) {
    const { photo, width, height } = state;
    if (shown !== photo) {
      shown = photo;
      canvas.show(photos[photo]);
      const credit = credits[photo] ? `Photo: ${credits[photo]}` : "";
      const label = `${names[photo]}, ${width} by ${height} pixels, with ${windows} windows`;
      setAttributes(canvas.node, { "aria-label": credit ? `${label}. ${credit}` : label });
      setAttributes(overlay, { viewBox: `0 0 ${width} ${height}` });
      marks.credit.textContent = credit;
      node.style.setProperty("--ratio", String(width / height));
      keepSizes();
    }
    marks.draw(state);
  }
  return { node, draw, drawPin: (/** @type {State | null} */ pin) => marks.drawPin(pin, shown) };
}

/**
 * What is drawn on the photo, from back to front: the views, those of a pin, what takes the pointer
 * for the selected window, the object, badges, and the grip that changes the windows' size.
 * @param {Frame} frame
 * @param {Data} data
 * @param {SVGSVGElement} overlay
 */
function stageMarks(frame, data, overlay) {
  const { windows, isLearned } = data;
  const outlines = Array.from({ length: windows + 1 }, (_, i) => viewOutline(i, windows));
  const ghosts = outlines.map(() => svg("rect", { class: "l7-ghost", visibility: "hidden" }));
  const selected = svg("rect", {});
  const objectLines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })];
  const style = `color: ${OBJECT_COLOUR}`;
  const object = svg("g", { class: "l7-object", "data-source": "object", style }, ...objectLines);
  const size = grip();
  size.node.classList.add("l7-tta-size");
  const credit = svg("title");
  /** @type {Box[]} */
  let shown = [];
  const nodes = [...outlines.map(({ node }) => node), ...ghosts, selected];
  const badges = outlines.map(({ badge }) => badge);
  overlay.append(credit, ...nodes, ...(isLearned ? [] : [object]), ...badges, size.node);
  addStageHandles(frame, data, { overlay, outlines, selected, object, size: size.node });

  /** @param {State} state */
  function draw(state) {
    const { width, height, views, moving } = state;
    for (const outline of outlines) outline.draw(state);
    shown = views;
    const index = 1 + selectedWindow(state);
    drawBox([selected], views[index], width, height);
    setAttributes(selected, { "data-source": `view${index}` });
    if (state.object) drawBox(objectLines, state.object, width, height);
    object.classList.toggle("l7-moving", moving === windows);
    size.move(views[index][2], views[index][3]);
  }

  /**
   * @param {State | null} pin
   * @param {number} photo that is shown
   */
  function drawPin(pin, photo) {
    ghosts.forEach((ghost, i) => {
      const isMoved = pin?.photo === photo && String(pin.views[i]) !== String(shown[i]);
      setVisible(ghost, isMoved);
      if (pin && isMoved) drawBox([ghost], pin.views[i], pin.width, pin.height);
    });
  }
  return { credit, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {{ overlay: SVGSVGElement, outlines: ReturnType<typeof viewOutline>[],
 *   selected: SVGElement, object: SVGElement, size: SVGElement }} marks
 */
function addStageHandles(frame, data, { overlay, outlines, selected, object, size }) {
  const { model } = frame;
  const read = () => readState((trait) => model.get(trait), data);
  const moves = { axis: /** @type {const} */ ("xy"), area: overlay };

  /** @param {() => number} index of the window, or past the last one of the object */
  const startMove = (index) => (/** @type {Position} */ from) => {
    const moved = index();
    const { views, object, at, target, width, height } = read();
    const isWindow = moved < at.length;
    const [x0, y0, x1] = isWindow ? views[moved + 1] : /** @type {Box} */ (object);
    if (isWindow) frame.set("moving", moved);
    return (/** @type {Position} */ { x, y }) => {
      /** @type {Point} */
      const corner = [x0 + x - from.x, y0 + y - from.y];
      const next = placeOf(corner, x1 - x0, [width, height], isWindow ? at[moved] : target);
      movePlace(frame, data, moved, next);
    };
  };

  for (const [i, { node, badge }] of outlines.slice(1).entries()) {
    for (const part of [node, badge]) {
      addHandle(frame, part, { ...moves, trait: "at", start: startMove(() => i) });
    }
  }
  const ofSelected = startMove(() => selectedWindow(read()));
  addHandle(frame, selected, { ...moves, trait: "at", start: ofSelected });
  addHandle(frame, object, { ...moves, trait: "target", start: startMove(() => data.windows) });
  addHandle(frame, size, {
    ...moves,
    trait: "scale",
    start: () => startResize(frame, data, read()),
  });
}

/**
 * Dragging the corner of the selected window; its upper left corner stays where it can.
 * @param {Frame} frame
 * @param {Data} data
 * @param {State} state where the drag starts
 */
function startResize(frame, data, state) {
  const { width, height, at, views, scale } = state;
  const short = Math.min(width, height);
  const index = selectedWindow(state);
  const [x0, y0] = views[index + 1];

  /** @param {Position} corner */
  return ({ x, y }) => {
    const next = nearestScale(Math.max(x - x0, y - y0), short);
    const [, , side] = windowBox(width, height, next, [0, 0]);
    const place = placeOf([x0, y0], side, [width, height], at[index]);
    frame.set("scale", next);
    movePlace(frame, data, index, next === scale ? at[index] : place);
  };
}

/**
 * The photos to choose from, small.
 * @param {Frame} frame
 * @param {Data} data
 */
function photoStrip(frame, { photos, names }) {
  const buttons = photos.map((photo, i) => {
    const image = imageCanvas();
    image.show(photo);
    setAttributes(image.node, { "aria-hidden": "true" });
    // The keyboard has the control of the same name.
    const label = { "aria-label": `photo: ${names[i]}`, title: names[i], tabindex: -1 };
    const node = html("button", { type: "button", ...label }, image.node);
    node.addEventListener("click", () => frame.set("photo", i));
    return node;
  });
  const isShown = photos.length > 1;
  const node = html("span", { class: "l7-tta-strip l7-shortcuts" }, ...(isShown ? buttons : []));

  /** @param {State} state */
  function draw({ photo }) {
    buttons.forEach((button, i) => {
      setAttributes(button, { "aria-pressed": i === photo });
    });
  }
  return { node, draw };
}

/**
 * A term of the sum: the sign before it, the view, its switch, its value and its weight.
 * @param {Frame} frame
 * @param {Data} data
 * @param {number} index
 */
function viewTerm(frame, data, index) {
  const { photos, side, isLearned, windows } = data;
  const name = index ? `window ${index}` : "plain view";
  const sign = html("span", { class: "l7-tta-sign", "aria-hidden": "true" });
  const canvas = imageCanvas({ sharp: true });
  const box = html("input", { type: "checkbox" });
  const word = html("span", { class: "l7-tta-word" }, index ? "window " : "plain view ");
  const chip = html("span", { class: "l7-chip" }, String(index));
  const label = html("label", {}, box, word, chip);
  const value = html("strong");
  const weight = html("span");
  const bestName = html("span", { dir: "auto" });
  const bestValue = html("span");
  const best = html("span", {}, bestName, bestValue);
  const parts = [label, value, weight, ...(isLearned ? [best] : [])];
  const node = html("div", { class: "l7-tta-term" }, canvas.node, ...parts);
  setAttributes(node, { "data-source": `view${index}`, style: `--view: ${VIEW_COLOURS[index]}` });
  setAttributes(canvas.node, { title: "Click: select · double click: switch off or on" });
  box.addEventListener("change", () => switchView(frame, index));
  canvas.node.addEventListener("dblclick", () => switchView(frame, index));
  canvas.node.addEventListener("click", () => {
    if (index) frame.set("moving", index - 1);
  });
  let shown = ""; // photo and box

  /**
   * @param {State} state
   * @param {string} before
   */
  function draw(state, before) {
    const { photo, views, enabled, moving } = state;
    const key = `${photo} ${views[index]}`;
    if (shown !== key) canvas.show(cropResized(photos[photo], views[index], side));
    shown = key;
    box.checked = enabled[index];
    box.toggleAttribute("checked", enabled[index]); // a saved picture keeps attributes
    node.classList.toggle("l7-off", !enabled[index]);
    node.classList.toggle("l7-moving", moving < windows && index === moving + 1);
    setText(sign, before);
    drawTexts(state);
  }

  /** @param {State} state */
  function drawTexts(state) {
    const { values, predictions, classes } = state;
    const [first] = ranking(predictions[index]);
    const text = formatShare(values[index]);
    const ownText = formatShare(predictions[index][first]);
    const own = `${classes[first]} ${ownText}`;
    setText(value, text);
    setAttributes(value, { "data-value": values[index] });
    setText(bestName, classes[first]);
    setText(bestValue, ownText);
    setAttributes(best, { "data-value": predictions[index][first], title: own });
    setText(weight, describeViewWeight(state, index));
    setAttributes(weight, { "data-value": viewWeights(state.enabled, state.reduce)[index] });
    setAttributes(canvas.node, { "aria-label": `${name}: ${isLearned ? own : `shows ${text}`}` });
  }
  return { sign, node, canvas: canvas.node, secrets: [value, weight, best], draw };
}

/** @param {number} weight of a view: 0.1875 where there are five with fastai's weights */
const formatWeight = (weight) => String(Number(weight.toFixed(4)));

/**
 * @param {State} state
 * @param {number} index
 */
function describeViewWeight({ enabled, reduce, values, combined, top }, index) {
  if (!enabled[index]) return "off";
  if (reduce === "max") return values[index] === combined[top] ? "highest" : "lower";
  return `× ${formatWeight(viewWeights(enabled, reduce)[index])}`;
}

/**
 * @param {Frame} frame
 * @param {number} index
 */
function switchView(frame, index) {
  /** @type {boolean[]} */
  const enabled = frame.model.get("on");
  const next = enabled.with(index, !enabled[index]);
  frame.set("on", next.some(Boolean) ? next : [...enabled]); // one view stays
}

/**
 * The sum of the views, as the formula has it.
 * @param {Frame} frame
 * @param {Data} data
 */
function viewSum(frame, data) {
  const terms = Array.from({ length: data.windows + 1 }, (_, i) => viewTerm(frame, data, i));
  const answer = html("p", { class: "l7-tta-answer" });
  const drawAnswer = liveLine(frame, answer);
  const groups = terms.map(({ sign, node }) => html("div", {}, sign, node));
  const isLong = terms.length > MOST_NAMED_VIEWS;
  const kind = isLong ? "l7-views l7-tta-many" : "l7-views";
  const attributes = { class: kind, style: `--views: ${terms.length}` };
  const sum = html("div", attributes, ...groups, answer);
  const caption = html("figcaption");
  const node = figure(caption, sum);

  /** @param {State} state */
  function draw(state) {
    const { enabled, reduce, combined, top, count, classes } = state;
    const { before, divisor } = sumSigns(enabled, reduce);
    terms.forEach((term, i) => {
      term.draw(state, before[i]);
    });
    const isMean = divisor === count;
    const windows = { name: "windows", value: divisor, text: String(divisor) };
    const below = isMean ? viewCount(count) : windows;
    const result = combined[top];
    const total = { name: "answer", value: result, text: threeDecimals(result) };
    drawAnswer(reduce === "max" ? [") = ", total] : [") / ", below, " = ", total]);
    const what = `What each view predicts for ${quoted(classes[top])}`;
    setText(caption, data.isLearned ? what : "What each view shows of the object");
  }
  const answerElements = [...terms.flatMap(({ secrets }) => secrets), answer];
  return { node, answerElements, canvases: terms.map(({ canvas }) => canvas), draw };
}

/**
 * The number of views as a number of the text, which the reader can change.
 * @param {number} count
 */
function viewCount(count) {
  return { name: "views", value: count, text: String(count), scrub: "views" };
}

/**
 * The prediction of the plain view beside that of all views together.
 * @param {Data} data
 */
function comparison({ isLearned, vocab, gridOf }) {
  const names = gridOf(0)?.classes ?? vocab;
  const shown = isLearned ? Math.min(MOST_BARS, names.length) : OBJECT_CLASSES.length;
  const alone = barChart(shown, formatShare);
  const together = barChart(shown, threeDecimals);
  alone.node.classList.add("l7-other");
  const caption = html("figcaption");
  const aloneFigure = figure("Plain view alone", alone.node);
  const togetherFigure = figure(caption, together.node);
  const node = html("div", { class: "l7-tta-bars" }, aloneFigure, togetherFigure);
  const sentence = note({ spoken: true });
  /** @type {string[]} */
  let drawn = [];

  /** @param {State} state */
  function draw({ predictions, combined, reduce, classes, threshold, count, object }) {
    const [plain] = predictions;
    const rows = object ? [0, 1] : ranking(combined).slice(0, shown);
    drawn = rows.map((c) => classes[c]);
    alone.draw(rows.map((c) => [classes[c], plain[c]]));
    together.draw(rows.map((c) => [classes[c], combined[c]]));
    setText(caption, capitalize(`${COMBINED[reduce]} of ${countViews(count)}`));
    setText(sentence, describeTogether(combined, { classes, reduce, threshold }));
  }

  /** @param {State | null} pin */
  function drawPin(pin) {
    const pinned = (/** @type {number[]} */ values) =>
      drawn.map((name) => values[pin?.classes.indexOf(name) ?? -1] ?? 0);
    alone.drawPin(pin && pinned(pin.predictions[0]));
    together.drawPin(pin && pinned(pin.combined));
  }
  const answerElements = [aloneFigure, togetherFigure, sentence];
  return { node, sentence, answerElements, draw, drawPin };
}

/** @param {number} count */
function countViews(count) {
  return count === 1 ? "1 view" : `${count} views`;
}

/** @param {Data} data */
function stageNotes({ isLearned, inputSide }) {
  const object =
    "No model here: a view's value is the share of the dashed yellow box, “the object”, " +
    "that it shows.";
  const size = `The model sees each view ${inputSide} pixels wide.`;
  const plain = note();
  const node = html("div", {}, plain, note({ text: isLearned ? size : object }));

  /** @param {State} state */
  function draw(state) {
    setText(plain, describePlain(state.width, state.height, state.plain));
  }
  return { node, draw };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function headline(state) {
  const { predictions, reduce, combined, top, count, classes, threshold, object } = state;
  if (threshold !== undefined) return thresholdHeadline(state, threshold);
  const [first] = object ? [top] : ranking(predictions[0]);
  const alone = predictions[0][first];
  const plain = { name: "plain", value: alone, text: formatShare(alone), source: "view0" };
  const views = viewCount(count);
  const text = threeDecimals(combined[top]);
  const answer = { name: "answer", value: combined[top], text };
  const ofViews = count === 1 ? " view" : " views";
  const together = [`the ${COMBINED[reduce]} of `, views];
  if (object) {
    const share = { ...plain, text: `${roundHalfUp(100 * alone)} %` };
    const shows = ["The plain view shows ", share, " of the object; "];
    return [...shows, ...together, `${ofViews} is `, answer];
  }
  const [name, best] = [first, top].map((c) => quoted(classes[c]));
  const predicts = [`The plain view predicts ${name} (`, plain, "); "];
  return [...predicts, ...together, `${ofViews} predicts ${best} (`, answer, ")"];
}

/**
 * For a model of several classes an image.
 * @param {State} state
 * @param {number} threshold
 * @returns {LiveNode[]}
 */
function thresholdHeadline({ predictions, combined, reduce, count }, threshold) {
  /**
   * @param {string} name
   * @param {number[]} values
   */
  function above(name, values) {
    const found = values.filter((value) => value > threshold).length;
    return { name, value: found, text: String(found) };
  }
  const views = viewCount(count);
  return [
    ...["The plain view finds ", above("plain", predictions[0]), ` classes above ${threshold}; `],
    ...[`the ${COMBINED[reduce]} of `, views, count === 1 ? " view finds " : " views finds "],
    above("answer", combined),
  ];
}

const [plus, equals, comma] = ["+", "=", ","].map(operator);

/**
 * @param {LiveNode[]} items
 * @param {LiveNode} separator
 */
function separated(items, separator) {
  return items.flatMap((item, i) => (i ? [separator, item] : [item]));
}

/**
 * The values of the views in use, as the terms of a formula.
 * @param {State} state
 * @returns {{ index: number, term: Quantity }[]}
 */
function usedTerms({ enabled, values }) {
  const terms = values.map((value, index) => {
    return { index, term: { name: `view${index}`, value, text: formatShare(value) } };
  });
  return terms.filter(({ index }) => enabled[index]);
}

/**
 * What a way to combine the values gives.
 * @param {State} state
 * @param {Reduce} reduce
 */
function resultOf({ predictions, enabled, top, reduce: chosen }, reduce) {
  const value = combine(predictions, enabled, reduce)[top];
  const source = reduce === chosen ? "answer" : reduce;
  return { name: reduce, value, text: threeDecimals(value), source };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function meanNumbers(state) {
  const { count } = state;
  const terms = usedTerms(state).map(({ term }) => term);
  const views = viewCount(count);
  const mean = fraction(separated(terms, plus), [views]);
  return [equals, mean, equals, resultOf(state, "mean")];
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function weightedNumbers(state) {
  const used = usedTerms(state);
  const result = resultOf(state, "lerp");
  const { divisor } = sumSigns(state.enabled, "lerp");
  const terms = used.map(({ term }) => term);
  const others = divisor < used.length ? terms.slice(1) : terms;
  const below = { name: "windows", value: divisor, text: String(divisor) };
  const mean = fraction(separated(others, plus), [below]);
  if (divisor === used.length) return [equals, mean, equals, result];
  const weights = [PLAIN_WEIGHT, 1 - PLAIN_WEIGHT].map(constant);
  const plain = mathRow(weights[0], operator("·"), terms[0]);
  return [equals, plain, plus, weights[1], operator("·"), mean, equals, result];
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function highestNumbers(state) {
  const terms = usedTerms(state).map(({ term }) => term);
  const highest = [identifier("max"), operator("("), ...separated(terms, comma), operator(")")];
  return [equals, ...highest, equals, resultOf(state, "max")];
}

/** @returns {Formula<State>[]} */
function formulas() {
  const n = identifier("n");
  /** @param {string | number} index */
  const p = (index) => subscript(identifier("p"), index === "n" ? n : constant(index));
  const dots = operator("…");
  const all = [p(0), plus, p(1), plus, dots, plus, p("n")];
  const windows = fraction([p(1), plus, dots, plus, p("n")], [n]);
  const [plain, others] = [PLAIN_WEIGHT, 1 - PLAIN_WEIGHT].map(constant);
  const dot = operator("·");
  const weighted = [plain, dot, p(0), plus, others, dot, windows];
  const list = separated([p(0), p(1), dots, p("n")], comma);
  return [
    {
      symbols: [identifier("mean"), equals, fraction(all, [n, plus, constant(1)])],
      spoken: "the mean is the sum of p 0 to p n, divided by n plus 1",
      numbers: meanNumbers,
    },
    {
      symbols: [identifier("fastai"), equals, ...weighted],
      spoken: "fastai's is 0.25 times p 0 plus 0.75 times the mean of p 1 to p n",
      numbers: weightedNumbers,
    },
    {
      symbols: [identifier("max"), operator("("), ...list, operator(")")],
      spoken: "the maximum of p 0 to p n",
      numbers: highestNumbers,
    },
  ];
}

/**
 * Marks the formula that the explorer uses.
 * @param {Frame} frame
 */
function chosenFormula({ root }) {
  /** @param {State} state */
  function draw({ reduce }) {
    const chosen = ["mean", "lerp", "max"].indexOf(reduce);
    root.querySelectorAll(".l7-formula").forEach((node, i) => {
      node.classList.add("l7-tta-formula");
      setAttributes(node, { tabindex: 0 }); // many views do not fit on a phone: it scrolls
      node.classList.toggle("l7-chosen", i === chosen);
    });
  }
  return { draw };
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
function results({ predictions, combined, classes, object, count }) {
  const views = { name: "views in use", value: count, format: String };
  const rows = object ? [0] : ranking(combined).slice(0, COMPARED_CLASSES);
  const values = rows.flatMap((c) => [
    { name: `${classes[c]}, plain view`, value: predictions[0][c], format: threeDecimals },
    { name: `${classes[c]}, together`, value: combined[c], format: threeDecimals },
  ]);
  return [...values, views];
}

/** @param {number} value */
const twoDecimals = (value) => value.toFixed(2);

/**
 * The line that does the same in fastai.
 * @param {boolean[]} enabled
 * @param {Reduce} reduce
 */
function fastaiCall(enabled, reduce) {
  const [hasPlain, ...windows] = enabled;
  const n = windows.filter(Boolean).length;
  if (!n) return "learn.get_preds()";
  const suffix = hasPlain ? "" : "  # with the plain view";
  if (reduce === "max") return `learn.tta(n=${n}, use_max=True)${suffix}`;
  const [beta] = viewWeights(enabled, reduce);
  return `learn.tta(n=${n}, beta=${pythonFloat(beta)})`;
}

/**
 * @param {State} state
 * @param {Data} data
 */
function codeValues({ photo, views, object, enabled, reduce }, { names, template }) {
  const used = views.flatMap((box, i) => {
    const name = i ? `window ${i}` : "plain view";
    return enabled[i] ? [`    (${box.join(", ")}),  # ${name}`] : [];
  });
  const isMean = reduce === "lerp" && !enabled[0];
  return {
    template,
    values: {
      photo: String(photo),
      name: pythonString(names[photo]),
      boxes: used.join("\n"),
      object: object ? `(${object.join(", ")})` : "",
      reduce: isMean ? "mean" : reduce,
      fastai: fastaiCall(enabled, reduce),
    },
  };
}

/**
 * Asks which views agree, what they predict together, and how much one of them weighs.
 * @param {Model} model
 * @param {Data} data
 */
function createTasks(model, data) {
  const on = Array.from({ length: data.windows + 1 }, () => true);
  const combining = /** @type {Reduce[]} */ (["mean", "lerp", "max"]).map((reduce) => () => {
    return createViewsTask(model, data, combinedQuestion, { reduce, on });
  });
  return taskDeck([
    () => createViewsTask(model, data, viewsQuestion),
    ...(data.rows ? [] : combining), // asked before the network's predictions arrive
    () => createWeightTask(model, data),
  ]);
}

/**
 * A question about other views.
 * @param {Model} model
 * @param {Data} data
 * @param {(state: State, data: Data) => Question} ask
 * @param {{ reduce?: Reduce, on?: boolean[] }} [changes] of the state, besides the views
 */
function createViewsTask(model, data, ask, changes = {}) {
  /** @param {Record<string, any>} unset traits that are not yet set */
  const stateWith = (unset) => readState((trait) => unset[trait] ?? model.get(trait), data);
  let state = randomViews(data);
  for (let tries = 0; tries < MOST_TRIES && !isClear(stateWith(state)); tries++) {
    state = randomViews(data);
  }
  return { state: { ...state, ...changes }, getQuestion: () => ask(stateWith({}), data) };
}

/**
 * Asks for the weight of a window in fastai's mean.
 * @param {Model} model
 * @param {Data} data
 */
function createWeightTask(model, data) {
  const used = 1 + randomInt(data.windows);
  const on = Array.from({ length: data.windows + 1 }, (_, i) => i <= used);
  const getQuestion = () => weightQuestion(readState((trait) => model.get(trait), data));
  return { state: { on, reduce: "lerp" }, getQuestion };
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
 * Whether the views differ, and the eye can tell which of them show at least half of the object.
 * @param {State} state
 */
function isClear({ object, predictions }) {
  if (!object) return true;
  const shares = predictions.map(([share]) => share);
  return (
    Math.min(...shares) < Math.max(...shares) &&
    shares.every((share) => Math.abs(share - 0.5) > CLEAR_MARGIN)
  );
}

/**
 * How many views show the object; where there is a model, how many put the class first that the
 * views predict together.
 * @param {State} state
 * @param {Data} data
 * @returns {Question}
 */
function viewsQuestion({ object, predictions, enabled, top, classes, count }, { rows }) {
  const agreeing = predictions.flatMap((prediction, i) => {
    const agrees = object ? prediction[0] >= 0.5 : ranking(prediction)[0] === top;
    const name = i ? `window ${i}` : "the plain view";
    return enabled[i] && agrees ? [name] : [];
  });
  const ofObject = `How many of the ${count} views in use show at least half of the yellow box?`;
  const ofClass =
    `Together the views predict ${quoted(classes[top])}. ` +
    `How many of the ${count} in use put it first?`;
  // A network has not answered yet when it is asked.
  const ofNetwork = `How many of the ${count} views in use put the class first that all predict?`;
  const ofModel = rows ? ofNetwork : ofClass;
  return {
    text: object ? ofObject : ofModel,
    answer: agreeing.length,
    tolerance: 0,
    because: listViews(agreeing),
  };
}

/**
 * What the views predict together.
 * @param {State} state
 * @returns {Question}
 */
function combinedQuestion({ enabled, reduce, values, classes, top }) {
  const used = values.flatMap((value, i) => (enabled[i] ? [{ value: hundredths(value), i }] : []));
  const weights = viewWeights(enabled, reduce);
  const list = used.map(({ value, i }) => `${twoDecimals(value)} (${i || "plain"})`).join(", ");
  const terms = used.map(({ value, i }) => `${formatWeight(weights[i])} × ${twoDecimals(value)}`);
  const isMaximum = reduce === "max";
  const sum = used.reduce((total, { value, i }) => total + weights[i] * value, 0);
  const largest = Math.max(...used.map(({ value }) => value));
  return {
    text:
      `The views predict ${quoted(classes[top])} with ${list}. ` +
      `What is their ${COMBINED_BY[reduce]}, to within ${GUESS_TOLERANCE}?`,
    answer: isMaximum ? largest : sum,
    tolerance: GUESS_TOLERANCE,
    because: isMaximum ? "it is the largest of them" : `it is ${terms.join(" + ")}`,
  };
}

/** @param {number} value */
const hundredths = (value) => Math.round(100 * value) / 100;

/**
 * How much one of the windows weighs in fastai's mean.
 * @param {State} state
 * @returns {Question}
 */
function weightQuestion({ enabled, count }) {
  const weights = viewWeights(enabled, "lerp");
  const last = enabled.lastIndexOf(true);
  const isPlainUsed = enabled[0] && count > 1;
  const share = `the plain view weighs ${PLAIN_WEIGHT} and the windows share`;
  const views = isPlainUsed ? `${count} views, one of them plain` : `${count} views`;
  const parts = `${share} ${1 - PLAIN_WEIGHT}: ${1 - PLAIN_WEIGHT} / ${count - 1}`;
  return {
    text: `fastai combines ${views}. How much does window ${last} weigh, to within 0.01?`,
    answer: weights[last],
    tolerance: WEIGHT_TOLERANCE,
    because: isPlainUsed ? parts : `all weigh the same: 1 / ${count}`,
  };
}

/** @param {string[]} names */
function listViews(names) {
  if (!names.length) return "none does";
  const verb = names.length === 1 ? "does" : "do";
  return `${new Intl.ListFormat("en").format(names)} ${verb}`;
}

/**
 * Asks the network for what the present state shows and a pin compares.
 * @param {Frame} frame
 * @param {Data} data
 */
function viewsPart(frame, data) {
  const { rows } = data;
  if (!rows) return null;

  /** @returns {Views[]} of the pin; none without one */
  function pinnedViews() {
    const pinned = frame.model.get("pinned");
    if (!Object.keys(pinned).length) return [];
    return [{ photo: pinned.photo, views: readViews((trait) => pinned[trait], data) }];
  }

  return networkPart(frame, rows, {
    wanted: (/** @type {State} */ shown) => [shown, ...pinnedViews()].flatMap(rows.keysOf),
    later: rows.laterKeys,
    onComplete: rows.remember,
  });
}

/**
 * @param {View} view
 * @param {PageNetwork | null} network
 */
async function build({ model, el }, network) {
  const data = await readData(model, network);
  const get = (/** @type {string} */ trait) => model.get(trait);
  const first = { photo: get("photo"), views: readViews(get, data) };
  await data.rows?.request(data.rows.keysOf(first));
  data.rows?.remember(first);
  const frame = new Frame({ model, el }, "Test time augmentation");
  const sliders = addControls(frame, data);

  const stage = photoStage(frame, data);
  const strip = photoStrip(frame, data);
  const sum = viewSum(frame, data);
  const bars = comparison(data);
  const notes = stageNotes(data);
  const hint = `Drag a window${data.isLearned ? " or its corner" : ", its corner, or the object"}`;
  const caption = html("figcaption", {}, html("span", {}, hint), strip.node);
  const photo = figure(caption, stage.node);
  const picture = html("div", { class: "l7-tta-picture", "data-picture": "" }, photo, sum.node);
  const asking = viewsPart(frame, data);
  const side = html("div", { class: "l7-tta-side" }, bars.node, bars.sentence, notes.node);
  if (asking) side.append(asking.node);
  frame.body.append(html("div", { class: "l7-tta" }, picture, side));

  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["at", "target"],
    ...(network && model.get("model_steps").length && { steps: model.get("model_steps") }),
    readState: (get) => readState(get, data),
    headline,
    formulas: formulas(),
    results,
    // The network runs in a worker while the other parts are drawn.
    parts: [...(asking ? [asking] : []), stage, strip, sum, bars, notes, chosenFormula(frame)],
    code: (state) => codeValues(state, data),
    guess: {
      createTask: createTasks(model, data),
      answerElements: [...sum.answerElements, ...bars.answerElements],
      ariaHiddenElements: sum.canvases,
    },
  });
  asking?.setRedraw(redraw);
  data.kernel?.onChange(() => {
    for (const { read } of sliders) read(); // their steps are other ones
    redraw();
  });
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (network) => build(view, network));
}

/**
 * What the explorer has of the reader's own photo.
 * @param {OpenPhoto} opened
 */
function ownTraits(opened) {
  const pixels = opened.shrunk(PHOTO_SIDE);
  const sizes = [[pixels.height, pixels.width]];
  return { pixels, sizes, names: [OWN_NAME], credits: [""], grid: FINE_STEPS, photo: 0 };
}

export default {
  render: withPhoto(render, {
    traits: TRAITS,
    own: ownTraits,
    predictions: ["asked", "vocab", "first"],
  }),
};
