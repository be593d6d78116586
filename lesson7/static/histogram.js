// Parts of plots of a distribution.

import { setAttributes, setVisible, svg } from "./dom.js";
import { withMinus } from "./format.js";

const DOT_RADIUS = 3.5;
const LAST_DOT_RADIUS = 6;

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
