// Panels below an explorer, each with a button in the row of tools; one is open at a time.

import { html } from "./dom.js";

/** @import { Frame } from "./frame.js" */

/**
 * @typedef {object} Panel
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} node
 * @property {() => void} onOpen
 * @property {() => void} onClose
 */

const OUTPUTS = ".jp-OutputArea"; // of a cell in JupyterLab

/**
 * JupyterLab puts each output into boxes that would scroll, in which nothing can stay in view while
 * the notebook scrolls. Opens those that have nothing to scroll.
 * @param {HTMLElement} root
 * @returns {() => void} restores them
 */
function openOutputBoxes(root) {
  const outputs = root.closest(OUTPUTS);
  /** @type {[HTMLElement, string][]} */
  const before = [];
  for (let box = root.parentElement; outputs?.contains(box); box = box?.parentElement ?? null) {
    if (!box || box.scrollHeight > box.clientHeight) break;
    before.push([box, box.style.overflow]);
    box.style.overflow = "visible";
  }
  return () => {
    for (const [box, overflow] of before) box.style.overflow = overflow;
  };
}

export class Panels {
  /** @type {Panel | null} */
  #open = null;
  #closeOutputBoxes = () => {};

  /** @param {Frame} frame */
  constructor(frame) {
    this.frame = frame;
    frame.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#open) this.close({ isFocused: true });
    });
    frame.onClose(() => this.close());
  }

  /**
   * Adds a panel, closed, with the button that opens and closes it.
   * @param {string} label
   * @param {HTMLElement} node
   * @param {{ onOpen?: () => void, onClose?: () => void }} [events]
   */
  add(label, node, { onOpen = () => {}, onClose = () => {} } = {}) {
    const button = html("button", { type: "button", "aria-expanded": "false" }, label);
    const panel = { button, node, onOpen, onClose };
    node.hidden = true;
    button.addEventListener("click", () => this.#toggle(panel));
    this.frame.tools.append(button);
    this.frame.panels.append(node);
    const open = () => {
      if (this.#open !== panel) this.#toggle(panel);
    };
    return { button, open };
  }

  /** @param {Panel} panel */
  #toggle(panel) {
    const isOpening = this.#open !== panel;
    this.close();
    if (isOpening) this.#show(panel);
  }

  /** @param {Panel} panel */
  #show(panel) {
    this.#open = panel;
    this.#closeOutputBoxes = openOutputBoxes(this.frame.root);
    panel.node.hidden = false;
    panel.button.setAttribute("aria-expanded", "true");
    panel.onOpen();
  }

  /** @param {{ isFocused?: boolean }} [options] whether its button gets the focus */
  close({ isFocused = false } = {}) {
    const panel = this.#open;
    if (!panel) return;
    this.#open = null;
    panel.node.hidden = true;
    panel.button.setAttribute("aria-expanded", "false");
    panel.onClose();
    this.#closeOutputBoxes();
    if (isFocused) panel.button.focus();
  }
}
