// Pointing at a term of a formula highlights the part of the picture that it comes from, and the
// reverse: the parts have the same `data-source`.

/** @import { Frame } from "./frame.js" */

/** @param {Event} event */
function sourceOf(event) {
  const target = event.target instanceof Element ? event.target : null;
  const part = target?.closest("[data-source]");
  return part?.getAttribute("data-source") ?? "";
}

/**
 * @param {HTMLElement} root
 * @param {string} source "": nothing
 */
function highlight(root, source) {
  for (const part of root.querySelectorAll(".l7-lit")) part.classList.remove("l7-lit");
  if (!source) return;
  for (const part of root.querySelectorAll(`[data-source="${CSS.escape(source)}"]`)) {
    part.classList.add("l7-lit");
  }
}

/**
 * Highlights what a step is about, also after the reader has pointed at something else.
 * @param {HTMLElement} root
 * @param {string} source "": nothing
 */
export function keepHighlight(root, source) {
  root.dataset.look = source;
  highlight(root, source);
}

/** @param {Frame} frame */
export function addHighlights({ root }) {
  const kept = () => root.dataset.look ?? "";
  for (const kind of ["pointerover", "focusin"]) {
    root.addEventListener(kind, (event) => highlight(root, sourceOf(event) || kept()));
  }
  for (const kind of ["pointerleave", "focusout"]) {
    root.addEventListener(kind, () => highlight(root, kept()));
  }
}
