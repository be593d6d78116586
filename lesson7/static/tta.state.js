// The photos, the views and what is predicted for them: data from Python, and a reader's state.

import { decodePng } from "./canvas.js";
import { cropTensor, photoAt } from "./crop.js";
import { connectKernel, kernelRows } from "./kernel.js";
import { networkRows } from "./network.js";
import {
  combine,
  modelPredictions,
  objectBox,
  objectShares,
  plainBox,
  ranking,
  snapPoint,
  windowBox,
} from "./tta.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Box } from "./crop.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model } from "./frame.js" */
/** @import { Kernel } from "./kernel.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { Plain, Point, Reduce } from "./tta.math.js" */

export const TRAITS = ["photo", "plain", "scale", "at", "on", "reduce", "moving", "target"];
// They differ for colour-blind readers too, from one another, from white and from the object's
// colour: by 25 in CIE Lab or more.
export const VIEW_COLOURS = [
  ...["#ffffff", "#3388cc", "#ee5500", "#9944ff", "#aaee88"],
  ...["#00ddff", "#996688", "#778855", "#ff99aa"],
];
export const OBJECT_CLASSES = ["object", "no object"];
export const FINE_STEPS = 120; // places along a side where a network answers
const GRID_QUESTIONS = 28; // in which a kernel predicts the grid of a photo
const EARLIER = "The kernel does not answer: these predictions are those of an earlier state.";
const EVEN_CHANCE = 0.5; // from which a class counts, for several classes an image
/** @type {Record<Reduce, string>} */
export const COMBINED = { mean: "mean", max: "maximum", lerp: "weighted mean" };
/** @param {number} value of the views together */
export const threeDecimals = (value) => value.toFixed(3);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 * @param {PageNetwork | null} network that answers in the page
 */
export async function readData(model, network) {
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
export function readState(get, data) {
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
export function readViews(get, data) {
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
export function selectedWindow({ moving, at }) {
  return moving < at.length ? moving : 0;
}
