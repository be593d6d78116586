// What contains an explorer: its title, its controls, and how they follow the model.

import { html } from "./dom.js";
import { captureKeys } from "./keyboard.js";

/**
 * The part of an anywidget model that a view uses.
 * @typedef {object} Model
 * @property {(trait: string) => any} get
 * @property {(trait: string, value: any) => void} set
 * @property {() => void} save_changes sends what was set to Python
 * @property {(event: string, listener: () => void) => void} on
 * @property {(event: string, listener: () => void) => void} off
 */

/** @typedef {{ model: Model, el: HTMLElement }} View what anywidget calls `render` with */

export class Frame {
  /** @type {(() => void)[]} */
  #cleanups = [];
  #saveRequest = 0;

  /**
   * @param {View} view
   * @param {string} title
   */
  constructor({ model, el }, title) {
    this.model = model;
    this.controls = html("div", { class: "l7-controls" });
    const heading = html("p", { class: "l7-title" }, title);
    this.root = html("section", { class: "l7", "aria-label": title }, heading, this.controls);
    el.append(this.root);
    this.onClose(captureKeys(this.root));
  }

  /**
   * Calls `listener` when one of `traits` changed.
   * @param {string[]} traits
   * @param {() => void} listener
   */
  on(traits, listener) {
    for (const trait of traits) {
      this.model.on(`change:${trait}`, listener);
      this.onClose(() => this.model.off(`change:${trait}`, listener));
    }
  }

  /**
   * Sets a trait. Python receives it after the next display frame: the picture comes first.
   * @param {string} trait
   * @param {any} value
   */
  set(trait, value) {
    this.model.set(trait, value);
    this.#saveRequest ||= requestAnimationFrame(() => setTimeout(() => this.#save()));
  }

  #save() {
    this.#saveRequest = 0;
    this.model.save_changes();
  }

  /**
   * Draws now, and again when one of `traits` changed: at once, so that the next display frame has
   * little left to do; what changes once more before that frame is drawn with it.
   * @param {string[]} traits
   * @param {() => void} draw
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

    this.on(traits, () => {
      isDue = true;
      if (request) return;
      request = requestAnimationFrame(drawInFrame);
      queueMicrotask(drawIfDue); // traits that are set together are drawn together
    });
    this.onClose(() => {
      isDue = false;
      cancelAnimationFrame(request);
    });
    drawIfDue();
  }

  /** @param {() => void} cleanup called when the explorer is closed */
  onClose(cleanup) {
    this.#cleanups.push(cleanup);
  }

  close() {
    for (const cleanup of this.#cleanups) cleanup();
  }
}
