// Parts that plots share.

import { setAttributes, setVisible, svg } from "./dom.js";
import { withMinus } from "./format.js";

const DOT_RADIUS = 3.5;
const LAST_DOT_RADIUS = 6;

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

/**
 * Numbers at equal distances below an axis; the first and the last do not reach past its ends.
 * @param {number[]} ticks
 * @param {number} width
 * @param {number} y
 */
export function tickLabels(ticks, width, y) {
  const last = ticks.length - 1;
  return ticks.map((tick, i) => {
    const anchor = { 0: "start", [last]: "end" }[i] ?? "middle";
    return svg("text", { x: (i / last) * width, y, "text-anchor": anchor }, withMinus(tick));
  });
}

/**
 * The outline of a histogram, from the left end of its base to the right one.
 * @param {number[]} tops of the bins, y coordinates
 * @param {number} width
 * @param {number} base y coordinate
 */
export function stepPath(tops, width, base) {
  const steps = tops.map((y) => `V${y.toFixed(1)}h${width / tops.length}`);
  return `M0 ${base}${steps.join("")}V${base}Z`;
}

/**
 * A row of dots, the last one larger.
 * @param {number} most
 * @param {number} y
 */
export function dotRow(most, y) {
  const nodes = Array.from({ length: most }, () => svg("circle", { cy: y, fill: "currentColor" }));

  /** @param {number[]} positions of the dots that are shown */
  function draw(positions) {
    nodes.forEach((dot, i) => {
      setVisible(dot, i < positions.length);
      if (i >= positions.length) return;
      const isLast = i === positions.length - 1;
      const size = { r: isLast ? LAST_DOT_RADIUS : DOT_RADIUS, opacity: isLast ? 1 : 0.45 };
      setAttributes(dot, { cx: positions[i], ...size });
    });
  }
  return { nodes, draw };
}
