// Probabilities against a number, as curves.

import { setAttributes, setVisible, svg } from "./dom.js";
import { tickLabels } from "./histogram.js";
import { axisLine, drawing, markLine, moveLine } from "./plot.js";

const CURVE_WIDTH = 420;
const CURVE_HEIGHT = 96;

/**
 * @param {number} value
 * @param {[number, number]} range
 */
function placeIn(value, [low, high]) {
  return (CURVE_WIDTH * (value - low)) / (high - low);
}

/** @param {number} probability */
const heightOf = (probability) => CURVE_HEIGHT * (1 - probability);

/**
 * A curve with a dot at each value that is known.
 * @param {number[]} xs x coordinates of its points
 * @param {string} colour
 */
function curve(xs, colour) {
  const path = svg("path", { fill: "none", stroke: colour, "stroke-width": 2 });
  const dots = xs.map((cx) => svg("circle", { cx, r: 4, fill: colour }));

  /** @param {(number | undefined)[]} probabilities one for each point; undefined: not known */
  function draw(probabilities) {
    const points = probabilities.flatMap((value, i) =>
      value === undefined ? [] : [`${xs[i]} ${heightOf(value)}`],
    );
    setAttributes(path, { d: points.length ? `M${points.join("L")}` : "" });
    dots.forEach((dot, i) => {
      const value = probabilities[i];
      setVisible(dot, value !== undefined);
      if (value !== undefined) setAttributes(dot, { cy: heightOf(value), "data-value": value });
    });
  }
  return { nodes: [path, ...dots], draw };
}

/**
 * @param {object} options
 * @param {number[]} options.values where the probabilities are known, from the first to the last
 * @param {number[]} options.ticks at equal distances
 * @param {string[]} options.colours of the curves
 * @param {[from: number, to: number][]} [options.straight] probabilities at the ends of dashed
 *   lines
 */
export function curvePlot({ values, ticks, colours, straight = [] }) {
  /** @type {[number, number]} */
  const range = [values[0], values[values.length - 1]];
  const xs = values.map((value) => placeIn(value, range));
  const curves = colours.map((colour) => curve(xs, colour));
  const lines = straight.map(([from, to], i) => {
    const ends = { x1: 0, y1: heightOf(from), x2: CURVE_WIDTH, y2: heightOf(to) };
    return svg("line", { ...ends, stroke: colours[i], "stroke-dasharray": "2 4" });
  });
  const mark = markLine(0, CURVE_HEIGHT);
  setAttributes(mark, { "stroke-dasharray": "4 3" });
  const labels = tickLabels(ticks, CURVE_WIDTH, CURVE_HEIGHT + 16);
  const sides = [0, 1].map((value) =>
    svg("text", { x: -6, y: heightOf(value) + 4, "text-anchor": "end" }, String(value)),
  );
  const box = { left: -20, top: -10, width: CURVE_WIDTH + 28, height: CURVE_HEIGHT + 32 };
  const axis = axisLine(CURVE_WIDTH, CURVE_HEIGHT);
  const drawn = curves.flatMap(({ nodes }) => nodes);
  const node = drawing(box, axis, ...sides, ...lines, mark, ...drawn, ...labels);
  node.classList.add("l7-network-plot");

  /**
   * @param {(number | undefined)[][]} rows probabilities of each curve
   * @param {number} marked the value with a dashed line
   */
  function draw(rows, marked) {
    curves.forEach((one, i) => {
      one.draw(rows[i]);
    });
    const isInside = marked >= range[0] && marked <= range[1];
    setVisible(mark, isInside);
    if (isInside) moveLine(mark, placeIn(marked, range));
  }
  return { node, draw };
}
