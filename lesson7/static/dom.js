// Elements of the page. Text becomes text nodes and attributes only: class names are untrusted.

/** @typedef {Record<string, string | number | boolean>} Attributes */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const MATHML_NAMESPACE = "http://www.w3.org/1998/Math/MathML";

let idCount = 0;

/** An id that no other element of the page has. */
export function uniqueId() {
  idCount += 1;
  return `l7-${Date.now().toString(36)}-${idCount}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG_NAMESPACE, tag);
  setAttributes(node, attributes);
  node.append(...children);
  return node;
}

/** @param {string} tag of MathML */
export function mathElement(tag) {
  return document.createElementNS(MATHML_NAMESPACE, tag);
}

/**
 * Sets those attributes that change, so that the page is not laid out in vain.
 * @param {Element} node
 * @param {Attributes} attributes
 */
export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
  }
}

/**
 * Sets an element's text if it changes: screen readers speak new text, even if it is the same.
 * @param {Element} node
 * @param {string | number} text
 */
export function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = String(text);
}

/**
 * @param {Element} node
 * @param {boolean} isVisible a hidden one keeps its place
 */
export function setVisible(node, isVisible) {
  setAttributes(node, { visibility: isVisible ? "visible" : "hidden" });
}

/**
 * A figure with a caption.
 * @param {string | HTMLElement} caption
 * @param {...Node} children
 */
export function figure(caption, ...children) {
  const isText = typeof caption === "string";
  return html("figure", {}, isText ? html("figcaption", {}, caption) : caption, ...children);
}

/**
 * A line of text below a part of an explorer.
 * @param {{ spoken?: boolean, text?: string }} [options] spoken: screen readers speak changes
 */
export function note({ spoken = false, text = "" } = {}) {
  /** @type {Attributes} */
  const attributes = spoken ? { "aria-live": "polite" } : {};
  return html("p", { class: "l7-note", ...attributes }, text);
}
