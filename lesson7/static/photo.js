// The reader's own photo: opened in the page, and shown as if the explorer had been made with it.

import { pythonString } from "./code.js";
import { html, note, setText, uniqueId } from "./dom.js";
import { quoted } from "./format.js";
import {
  centreSquare,
  jpegReduction,
  openedShort,
  openedSize,
  reducePixels,
  resampleHeight,
  resampleWidth,
  shrinkPhoto,
} from "./photo.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Frame, Model, View } from "./frame.js" */
/** @import { Changes } from "./history.js" */
/** @import { Panels } from "./panels.js" */

/** The name that the photo has among the traits: undo and Reset change it like them. */
const OWN_PHOTO = "own_photo";
export const OWN_NAME = "your photo"; // of its class, and in lists of photos
const PHOTO_TEMPLATE = "photo"; // of the program that opens the photo in Python
const BAND_PIXELS = 4e6; // read from a canvas at a time: phones have no larger ones
const MOST_PIXELS = 1e8; // of a photo
const MOST_NOISE = 8; // levels of grey
const JPEG_START = [0xff, 0xd8, 0xff];
const STAYS = "It stays in this page.";

/** A fault of the photo, in words for the reader. */
export class PhotoError extends Error {}

/** @param {OffscreenCanvas} canvas */
function photoContext(canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no 2D canvas.");
  return context;
}

/**
 * By how much a browser changes the pixels that a page reads, in levels of grey; mostly 0. Firefox
 * adds noise where it is set to resist fingerprinting.
 */
function readingNoise() {
  const side = 16;
  const context = photoContext(new OffscreenCanvas(side, side));
  const drawn = new ImageData(side, side);
  drawn.data.forEach((_, i) => {
    drawn.data[i] = i % 4 === 3 ? 255 : (37 * i) % 256;
  });
  context.putImageData(drawn, 0, 0);
  const read = context.getImageData(0, 0, side, side).data;
  return Math.max(...drawn.data.map((value, i) => Math.abs(value - read[i])));
}

/** @param {Blob} file */
async function isJpeg(file) {
  const start = new Uint8Array(await file.slice(0, JPEG_START.length).arrayBuffer());
  return JPEG_START.every((byte, i) => start[i] === byte);
}

/**
 * A photo that the browser has opened, upright.
 * @typedef {object} OpenPhoto
 * @property {string} name of its file
 * @property {number} width pixels
 * @property {number} height
 * @property {(side: number) => Pixels} square its central square
 * @property {(short: number) => Pixels} opened the whole photo; its short side has at most `short`
 *   pixels
 * @property {(short: number) => Pixels} shrunk the same, as `shrink` of Python returns it
 * @property {boolean} isNoisy whether the browser changes the pixels that a page reads
 * @property {() => void} close
 */

/**
 * @param {File} file
 * @returns {Promise<OpenPhoto>}
 */
async function openPhoto(file) {
  const bitmap = await decodeFile(file);
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    throw new PhotoError(`${quoted(file.name)} has more than 100 megapixels: save it smaller.`);
  }
  const noise = readingNoise();
  if (noise > MOST_NOISE) {
    throw new PhotoError("This browser hides pixels from pages: allow it to read a canvas.");
  }
  const canReduce = await isJpeg(file);
  /** @param {number} short */
  const opened = (short) => readPhoto(bitmap, short, canReduce);
  return {
    name: file.name,
    width,
    height,
    opened,
    isNoisy: noise > 0,
    close: () => bitmap.close(),
    square: (side) => centreSquare(opened(openedShort(side)), side),
    shrunk: (short) => shrinkPhoto(opened(openedShort(short)), short),
  };
}

/** @param {File} file */
async function decodeFile(file) {
  try {
    return await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
    });
  } catch {
    throw new PhotoError(`${quoted(file.name)} is no image that this browser can open.`);
  }
}

/**
 * The pixels of a bitmap, on white, in bands from top to bottom.
 * @param {ImageBitmap} bitmap
 * @param {number} multiple of which the height of every band but the last is one
 */
function* readBands(bitmap, multiple) {
  const { width, height } = bitmap;
  const most = Math.ceil(BAND_PIXELS / width / multiple) * multiple;
  const context = photoContext(new OffscreenCanvas(width, Math.min(most, height)));
  for (let top = 0; top < height; top += most) {
    const rows = Math.min(most, height - top);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    yield/** @type {Pixels} */ (context.getImageData(0, 0, width, rows));
  }
}

/**
 * A photo as Python opens a file for a short side.
 * @param {ImageBitmap} bitmap
 * @param {number} short pixels
 * @param {boolean} canReduce whether Python reduces the file while it is decoded
 */
function readPhoto(bitmap, short, canReduce) {
  const factor = canReduce ? jpegReduction(bitmap, short) : 1;
  const size = {
    width: Math.ceil(bitmap.width / factor),
    height: Math.ceil(bitmap.height / factor),
  };
  const [columns, rows] = openedSize(size, short);
  const bands = [];
  for (const band of readBands(bitmap, factor)) {
    const reduced = factor > 1 ? reducePixels(band, factor) : band;
    bands.push(resampleWidth(reduced, [0, size.width], columns, "bilinear"));
  }
  return resampleHeight(joinBands(bands), [0, size.height], rows, "bilinear");
}

/**
 * @param {Pixels[]} bands of one width
 * @returns {Pixels}
 */
function joinBands(bands) {
  const [{ width }] = bands;
  const height = bands.reduce((sum, band) => sum + band.height, 0);
  const data = new Uint8ClampedArray(width * height * 4);
  let start = 0;
  for (const band of bands) {
    data.set(band.data, start);
    start += band.data.length;
  }
  return { data, width, height };
}

/**
 * A value as Python writes it.
 * @param {any} value number, text, truth value, or a list of them
 * @returns {string}
 */
function pythonLiteral(value) {
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? pythonString(value) : String(value);
}

/**
 * What an explorer shows of a photo.
 * @typedef {Record<string, any>} OwnTraits
 *
 * @typedef {object} PhotoOptions
 * @property {string[]} traits the state
 * @property {string[]} [predictions] traits with what a model predicts for the explorer's images
 * @property {(photo: OpenPhoto, get: Get) => OwnTraits | Promise<OwnTraits>} own
 *   traits of an explorer that is made with the photo; images are `Pixels`
 */

/** @typedef {{ name: string, isNoisy: boolean, values: Record<string, any> }} OwnPhoto */
/** @typedef {(view: View) => Promise<() => void>} Render */

/**
 * What an explorer's frames share: the one that shows the photo, and those before and after it.
 * @typedef {{ history?: Changes, link?: Map<string, string>, isPanelOpen?: boolean }} Kept
 */

/** A model that has the reader's photo in place of its images; Python never receives it. */
export class PhotoModel {
  photo = this;
  trait = OWN_PHOTO;
  /** @type {OwnPhoto[]} all that were opened: undo returns to one */
  #opened = [];
  /** @type {number | null} index of the photo that is shown */
  #shown = null;
  /** @type {Record<string, any>} traits that are not those of Python */
  #values = {};
  /** @type {File | null} that was chosen last */
  #newest = null;
  /** @type {Map<string, Set<() => void>>} */
  #listeners = new Map();
  /** @type {Kept} */
  kept = {};
  /** @type {() => void} called before another photo is shown */
  beforeChange = () => {};
  /** @type {() => void} */
  afterChange = () => {};

  /**
   * @param {Model} model
   * @param {PhotoOptions} options
   */
  constructor(model, options) {
    this.model = model;
    this.options = options;
  }

  /** @returns {OwnPhoto | null} the photo that is shown */
  get #photo() {
    return this.#shown === null ? null : this.#opened[this.#shown];
  }

  /** @returns {string} the name of the photo's file; empty: there is none */
  get photoName() {
    return this.#photo?.name ?? "";
  }

  /** Whether the browser changes the pixels that a page reads. */
  get isNoisy() {
    return this.#photo?.isNoisy ?? false;
  }

  /** Whether a model's predictions are missing, as they are those for other images. */
  get hasLostPredictions() {
    const { predictions } = this.options;
    if (!this.#photo || !predictions) return false;
    return predictions.some((trait) => Object.keys(this.model.get(trait)).length > 0);
  }

  /** @param {string} trait */
  get(trait) {
    if (trait === OWN_PHOTO) return this.#shown;
    return Object.hasOwn(this.#values, trait) ? this.#values[trait] : this.model.get(trait);
  }

  /**
   * @param {string} trait
   * @param {any} value
   */
  set(trait, value) {
    if (trait === OWN_PHOTO) this.#show(value);
    else if (Object.hasOwn(this.#values, trait)) this.#setOwn(trait, value);
    else this.model.set(trait, value);
  }

  /**
   * @param {string} trait
   * @param {any} value
   */
  #setOwn(trait, value) {
    if (this.#values[trait] === value) return;
    this.#values[trait] = value;
    for (const listener of [...(this.#listeners.get(`change:${trait}`) ?? [])]) listener();
  }

  /** @param {number | null} index */
  #show(index) {
    if (index === this.#shown) return;
    this.beforeChange();
    this.model.save_changes();
    this.#shown = index;
    this.#values = index === null ? {} : { ...this.#opened[index].values };
    this.afterChange();
  }

  /**
   * Shows a photo, unless another one has been chosen before it is open.
   * @param {File} file
   * @param {{ keepsPanel: boolean }} options whether the panel of the photo stays open
   */
  async openFile(file, { keepsPanel }) {
    this.#newest = file;
    const photo = await openPhoto(file);
    try {
      const values = await this.#valuesWith(photo);
      if (file !== this.#newest) return;
      this.kept.isPanelOpen = keepsPanel;
      this.#opened.push({ name: photo.name, isNoisy: photo.isNoisy, values });
      this.set(OWN_PHOTO, this.#opened.length - 1);
    } finally {
      photo.close();
    }
  }

  /**
   * The traits that are not those of Python while a photo is shown.
   * @param {OpenPhoto} photo
   */
  async #valuesWith(photo) {
    const { traits, predictions = [], own } = this.options;
    const get = (/** @type {string} */ trait) => this.model.get(trait);
    const state = Object.fromEntries(traits.map((trait) => [trait, this.get(trait)]));
    const empty = predictions.map((trait) => [trait, Array.isArray(get(trait)) ? [] : {}]);
    const none = { pinned: {}, steps: [], kernel: false, ...Object.fromEntries(empty) };
    return { ...state, ...none, ...(await own(photo, get)) };
  }

  /** The Python that shows the photo in an explorer of the same state. */
  get code() {
    const { traits } = this.options;
    const state = traits
      .map((trait) => `${trait}=${pythonLiteral(this.get(trait))}`)
      .join(",\n    ");
    return { template: PHOTO_TEMPLATE, values: { file: pythonString(this.photoName), state } };
  }

  /**
   * Adds the panel with the field for a file.
   * @param {Frame} frame
   * @param {Panels} panels
   */
  addPanel(frame, panels) {
    addPhotoPanel(frame, this, panels);
  }

  save_changes() {
    this.model.save_changes();
  }

  /** @param {any} content of a message to Python */
  send(content) {
    this.model.send?.(content);
  }

  /**
   * @param {string} event
   * @param {() => void} listener
   */
  on(event, listener) {
    this.model.on(event, listener);
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  /**
   * @param {string} event
   * @param {() => void} listener
   */
  off(event, listener) {
    this.model.off(event, listener);
    this.#listeners.get(event)?.delete(listener);
  }
}

/**
 * The focused element of an explorer, so that the one in its place can be found.
 * @param {Element | undefined} root
 */
function focusedElement(root) {
  const { activeElement } = document;
  if (!root?.contains(activeElement)) return null;
  const { tagName, textContent } = /** @type {Element} */ (activeElement);
  const type = activeElement?.getAttribute("type");
  return (/** @type {Element} */ other) =>
    other.tagName === tagName &&
    other.textContent === textContent &&
    other.getAttribute("type") === type;
}

/**
 * A view that takes the reader's own photo: it is rendered again with it.
 * @param {Render} render
 * @param {PhotoOptions} options
 * @returns {Render}
 */
export function withPhoto(render, options) {
  return async ({ model: original, el }) => {
    const model = new PhotoModel(original, options);
    let close = await render({ model, el });
    let isDue = false;
    let isRendering = false;

    async function renderAgain() {
      isDue = true;
      if (isRendering) return;
      isRendering = true;
      while (isDue) {
        isDue = false;
        const old = [...el.querySelectorAll(":scope > .l7")];
        const isSame = focusedElement(old.at(-1));
        close = await render({ model, el });
        for (const root of old) root.remove();
        const all = [...el.querySelectorAll("button, input, select, summary")];
        const place = isSame && /** @type {HTMLElement} */ (all.find(isSame));
        place?.focus({ preventScroll: true });
      }
      isRendering = false;
    }

    model.beforeChange = () => close();
    model.afterChange = renderAgain;
    return () => close();
  };
}

/** The field for a file, and a line for what is wrong with it. */
function photoElements() {
  const input = html("input", { type: "file", accept: "image/*", id: uniqueId() });
  const label = html("label", { for: input.id }, "Photo from a file");
  const row = html("div", { class: "l7-row" }, label, input);
  const message = note({ spoken: true });
  const explanation = note({ text: `Or drop one on the picture, or paste it. ${STAYS}` });
  const node = html("div", { class: "l7-panel l7-photo" }, row, explanation, message);
  return { node, input, message };
}

/**
 * The panel with the field for a file. A photo can be dropped on the explorer, and pasted.
 * @param {Frame} frame
 * @param {PhotoModel} model
 * @param {Panels} panels
 */
function addPhotoPanel(frame, model, panels) {
  const { node, input, message } = photoElements();
  const panel = panels.add("Your photo", node);
  const { kept } = model;
  if (kept.isPanelOpen) panel.open();
  kept.isPanelOpen = false;
  const status = note({ text: describePhoto(model) });
  status.hidden = !status.textContent;
  frame.tools.before(status);

  /** @param {FileList | null} files of which the first is opened */
  async function open(files) {
    if (!files?.length) return;
    frame.body.setAttribute("aria-busy", "true");
    setText(message, "");
    try {
      await model.openFile(files[0], { keepsPanel: !node.hidden });
    } catch (error) {
      panel.open();
      const isKnown = error instanceof PhotoError;
      setText(message, isKnown ? error.message : "This browser cannot read the photo.");
      if (!isKnown) throw error;
    } finally {
      frame.body.removeAttribute("aria-busy");
    }
  }
  input.addEventListener("change", () => open(input.files));
  receiveFiles(frame.root, open);
}

/**
 * Calls `open` with files that are dropped on an element or pasted in it.
 * @param {HTMLElement} root
 * @param {(files: FileList) => void} open
 */
function receiveFiles(root, open) {
  /**
   * @param {Event} event
   * @param {FileList | undefined} files
   */
  function take(event, files) {
    root.classList.remove("l7-drop");
    if (!files?.length) return;
    event.preventDefault();
    open(files);
  }

  /** @param {DragEvent} event */
  function allowDrop(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    root.classList.add("l7-drop");
  }

  root.addEventListener("paste", (event) => take(event, event.clipboardData?.files));
  root.addEventListener("drop", (event) => take(event, event.dataTransfer?.files));
  root.addEventListener("dragenter", allowDrop);
  root.addEventListener("dragover", allowDrop);
  root.addEventListener("dragleave", (event) => {
    const isInside = root.contains(/** @type {Node | null} */ (event.relatedTarget));
    if (!isInside) root.classList.remove("l7-drop");
  });
}

/** @param {PhotoModel} model */
function describePhoto(model) {
  if (!model.photoName) return "";
  const lost = "The predictions that were computed before are for other photos, and are not shown.";
  const parts = [`Your photo ${quoted(model.photoName)}.`, STAYS];
  if (model.isNoisy)
    parts.push("This browser adds noise to the pixels that a page reads: numbers differ a little.");
  if (model.hasLostPredictions) parts.push(lost);
  return parts.join(" ");
}
