// The classes that a network finds most probable, as bars.

import { barChart } from "./bars.js";
import { figure, html, setText } from "./dom.js";

/** @import { About } from "./network.js" */

const MOST_BARS = 5;

/**
 * The classes with the highest probabilities, the highest first.
 * @param {number[]} row
 * @param {number} count
 */
export function topClasses(row, count) {
  /** @type {number[]} */
  const found = [];
  row.forEach((value, c) => {
    const place = found.findIndex((other) => row[other] < value);
    if (place >= 0) found.splice(place, 0, c);
    else if (found.length < count) found.push(c);
    found.length = Math.min(found.length, count);
  });
  return found;
}

/**
 * @param {About} about
 * @param {string} caption
 */
export function networkBars({ classes }, caption) {
  const count = Math.min(MOST_BARS, classes.length);
  const chart = barChart(count, (value) => value.toFixed(2));
  const captionNode = html("figcaption", {}, caption);
  const node = figure(captionNode, chart.node);
  node.classList.add("l7-network-bars");

  /** @param {number[] | undefined} row probabilities; undefined: those that are shown stay */
  function draw(row) {
    if (row) chart.draw(topClasses(row, count).map((c) => [classes[c], row[c]]));
  }
  return {
    node,
    draw,
    /** @param {string} text */
    setCaption: (text) => setText(captionNode, text),
  };
}
