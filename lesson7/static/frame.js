// What contains an explorer: its headline, its controls, and how they follow the model.

import { html } from "./dom.js";
import { Echoes } from "./echoes.js";
import { captureKeys } from "./keyboard.js";

/** @import { AnyBinding, NumberBinding } from "./bindings.js" */
/** @import { PhotoModel } from "./photo.js" */

/**
 * The part of an anywidget model that a view uses.
 * @typedef {object} Model
 * @property {(trait: string) => any} get
 * @property {(trait: string, value: any) => void} set
 * @property {() => void} save_changes sends what was set to Python
 * @property {(event: string, listener: (...values: any[]) => void) => void} on
 * @property {(event: string, listener: (...values: any[]) => void) => void} off
 * @property {(content: any) => void} [send] a custom message to Python
 * @property {PhotoModel} [photo] of an explorer that takes the reader's own photo
 */

/** @typedef {{ model: Model, el: HTMLElement }} View what anywidget calls `render` with */

const OPEN = "open";

/**
 * The controls that are rarely used. It is open again on the next page if the reader opened it.
 * @param {string} title
 */
function moreControls(title) {
  const node = html("details", { class: "l7-more", hidden: "" }, html("summary", {}, "More"));
  const controls = html("div", { class: "l7-controls" });
  node.append(controls);
  const key = `l7-more ${title}`;
  try {
    node.open = sessionStorage.getItem(key) === OPEN;
    node.addEventListener("toggle", () => sessionStorage.setItem(key, node.open ? OPEN : ""));
  } catch {
    // A page in a sandbox has no storage.
  }
  return { node, controls };
}

/**
 * Copies numbers with a hyphen for the minus sign, so that they paste as numbers.
 * @param {ClipboardEvent} event
 */
function copyNumbers(event) {
  const text = String(getSelection());
  const plain = text.replaceAll("−", "-").replaceAll("\u202f", "");
  if (plain === text) return;
  event.clipboardData?.setData("text/plain", plain);
  event.preventDefault();
}

export class Frame {
  /** @type {(() => void)[]} */
  #cleanups = [];
  #saveRequest = 0;
  #echoes = new Echoes();
  /** @type {Map<string, AnyBinding>} */
  bindings = new Map();
  isDragging = false;
  #endDrag = () => {};

  /**
   * @param {View} view
   * @param {string} title
   */
  constructor({ model, el }, title) {
    this.model = model;
    this.el = el;
    this.title = title;
    this.headline = html("p", { class: "l7-headline" });
    this.controls = html("div", { class: "l7-controls" });
    const more = moreControls(title);
    this.more = more.controls;
    this.body = html("div", { class: "l7-body" });
    this.tools = html("div", { class: "l7-tools", role: "group", "aria-label": "Tools" });
    this.panels = html("div", { class: "l7-panels" });
    const heading = html("p", { class: "l7-title" }, title);
    const top = [heading, this.headline, this.controls, more.node];
    const bottom = [this.tools, this.panels];
    this.root = html("section", { class: "l7", "aria-label": title }, ...top, this.body, ...bottom);
    this.root.addEventListener("copy", copyNumbers);
    el.append(this.root);
    this.onClose(captureKeys(this.root));
    this.onClose(() => this.#endDrag());
  }

  /**
   * Calls `listener` when one of `traits` changed.
   * @param {string[]} traits
   * @param {() => void} listener
   */
  on(traits, listener) {
    for (const trait of traits) {
      const hear = () => {
        if (!this.#undoEcho(trait)) listener();
      };
      this.model.on(`change:${trait}`, hear);
      this.onClose(() => this.model.off(`change:${trait}`, hear));
    }
  }

  /**
   * Sets a trait again where Python sent back what it had before the last change.
   * @param {string} trait
   * @returns {boolean} whether it did
   */
  #undoEcho(trait) {
    if (!this.#echoes.has(trait, this.model.get(trait))) return false;
    this.set(trait, this.#echoes.last(trait));
    return true;
  }

  /**
   * Sets a trait. Python receives it after the next display frame: the picture comes first.
   * @param {string} trait
   * @param {any} value
   */
  set(trait, value) {
    this.setHere(trait, value);
    this.#saveRequest ||= requestAnimationFrame(() => setTimeout(() => this.#save()));
  }

  /**
   * Sets a trait in this page; Python receives it with the next one that is `set`.
   * @param {string} trait
   * @param {any} value
   */
  setHere(trait, value) {
    this.#echoes.change(trait, value, () => this.model.set(trait, value));
  }

  #save() {
    this.#saveRequest = 0;
    this.model.save_changes();
  }

  /** @param {Record<string, any>} state traits that are set together */
  setAll(state) {
    for (const [trait, value] of Object.entries(state)) this.set(trait, value);
  }

  /**
   * @param {string[]} traits
   * @returns {Record<string, any>} their values
   */
  snapshot(traits) {
    return Object.fromEntries(traits.map((trait) => [trait, this.model.get(trait)]));
  }

  /** @param {AnyBinding} binding */
  addBinding(binding) {
    this.bindings.set(binding.name, binding);
  }

  /**
   * @param {string} name
   * @returns {NumberBinding}
   */
  numberBinding(name) {
    const binding = this.bindings.get(name);
    if (binding?.kind !== "number") throw new Error(`There is no number named ${name}.`);
    return binding;
  }

  /**
   * Follows the pointer that was pressed until it is released.
   * @param {PointerEvent} pressed
   * @param {(event: PointerEvent) => void} move
   * @param {() => void} [end]
   */
  drag(pressed, move, end = () => {}) {
    const finished = new AbortController();
    const { signal } = finished;
    this.isDragging = true;

    /** @param {PointerEvent} event */
    const follow = (event) => {
      if (event.pointerId === pressed.pointerId) move(event);
    };
    const finish = () => {
      if (signal.aborted) return;
      finished.abort();
      this.isDragging = false;
      end();
    };
    document.addEventListener("pointermove", follow, { signal });
    document.addEventListener("pointerup", finish, { signal });
    document.addEventListener("pointercancel", finish, { signal });
    this.#endDrag = finish;
  }

  /**
   * Draws now and after each change of `traits`. Changes made together are drawn once, in a
   * microtask; further changes before the next display frame are drawn in that frame.
   * @param {string[]} traits
   * @param {() => void} draw
   * @returns {() => void} draws again as if one of the traits had changed
   */
  redraw(traits, draw) {
    let request = 0;
    let isDue = true;

    function drawIfDue() {
      if (!isDue) return;
      isDue = false;
      draw();
    }

    function drawInFrame() {
      request = 0;
      drawIfDue();
    }

    function drawAgain() {
      isDue = true;
      if (request) return;
      request = requestAnimationFrame(drawInFrame);
      queueMicrotask(drawIfDue); // traits that are set together are drawn together
    }

    this.on(traits, drawAgain);
    this.onClose(() => {
      isDue = false;
      cancelAnimationFrame(request);
    });
    drawIfDue();
    return drawAgain;
  }

  /** @param {() => void} cleanup called when the explorer is closed */
  onClose(cleanup) {
    this.#cleanups.push(cleanup);
  }

  close() {
    for (const cleanup of this.#cleanups) cleanup();
  }
}
