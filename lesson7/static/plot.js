// Parts that plots share.

import { setAttributes, setVisible, svg } from "./dom.js";

/**
 * A drawing whose texts and grips have the same size at any width: `--unit` is the drawing's units
 * in a CSS pixel.
 * @param {{ left?: number, top?: number, width: number, height: number }} box in its own units
 * @param {...Node} children
 */
export function drawing({ left = 0, top = 0, width, height }, ...children) {
  const viewBox = `${left} ${top} ${width} ${height}`;
  const node = svg("svg", { viewBox, role: "img" }, ...children);
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width) node.style.setProperty("--unit", String(width / contentRect.width));
  }).observe(node);
  return node;
}

/**
 * A horizontal line from 0 to `width`.
 * @param {number} width
 * @param {number} y
 */
export function axisLine(width, y) {
  return svg("line", { x1: 0, x2: width, y1: y, y2: y, stroke: "var(--l7-line)" });
}

/**
 * A vertical line that marks a value.
 * @param {number} top
 * @param {number} bottom
 */
export function markLine(top, bottom) {
  return svg("line", { y1: top, y2: bottom, stroke: "var(--l7-fg)", "stroke-width": 2 });
}

/**
 * A vertical line at the value of a pin.
 * @param {number} top
 * @param {number} bottom
 */
export function pinLine(top, bottom) {
  return svg("line", { class: "l7-ghost", y1: top, y2: bottom, visibility: "hidden" });
}

/**
 * @param {SVGLineElement} line
 * @param {number | null} x null hides it
 */
export function movePin(line, x) {
  setVisible(line, x !== null);
  if (x !== null) moveLine(line, x);
}

/**
 * @param {SVGLineElement} line
 * @param {number} x
 */
export function moveLine(line, x) {
  setAttributes(line, { x1: x, x2: x });
}
