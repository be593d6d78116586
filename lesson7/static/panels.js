// Panels below an explorer, each with a button in the row of tools; one is open at a time.

import { html } from "./dom.js";

/** @import { Frame } from "./frame.js" */

const OUTPUTS = ".jp-OutputArea"; // of a cell in JupyterLab
const PANEL_GAP = 8; // px, above an open panel

/**
 * @typedef {object} Panel
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} node
 * @property {() => void} onOpen
 * @property {() => void} onClose
 */

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

/**
 * Scrolls to the headline, and from there to the figure with what is highlighted, if it is below
 * the window or behind the open panel. In a low window, where the panel is not in front, scrolls to
 * the panel.
 * @param {Frame} frame
 */
export function scrollToPicture({ root, panels }) {
  const isInFront = getComputedStyle(panels).position === "sticky";
  const covered = isInFront ? panels.offsetHeight + PANEL_GAP : 0;
  root.style.setProperty("--l7-covered", `${covered}px`);
  const lit = [...root.querySelectorAll("[data-picture] .l7-lit")].at(-1);
  for (const node of isInFront ? [root.firstElementChild, lit?.closest("figure")] : [panels]) {
    node?.scrollIntoView({ block: "nearest" });
  }
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
    this.frame.root.style.removeProperty("--l7-covered");
    if (isFocused) panel.button.focus();
  }
}
