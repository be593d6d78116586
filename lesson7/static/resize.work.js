// The work of each stage as an area, whose edges can be dragged.

import { imageCanvas } from "./canvas.js";
import { figure, html, setAttributes, setText } from "./dom.js";
import { addHandle } from "./handle.js";
import { liveLine } from "./live.js";
import {
  diagramScale,
  exchangeEpochs,
  labelCost,
  MOST_SIZE,
  MOST_STAGES,
  trainedEpochs,
} from "./resize.math.js";
import { placeBox } from "./resize.photos.js";

/** @import { Frame } from "./frame.js" */
/** @import { Cost, Stage } from "./resize.math.js" */
/** @import { ImageOf } from "./resize.photos.js" */
/** @import { State } from "./resize.state.js" */

/**
 * A stage's rectangle in the work diagram, whose upper and right edges are handles.
 * @param {number} index
 */
function stageBar(index) {
  const top = html("i", { class: "l7-resize-top" });
  const end = html("i", { class: "l7-resize-end" });
  const node = html("div", { "data-source": `stage${index}` }, top, end);
  const ghost = html("div", { class: "l7-ghost" });
  return { node, ghost, top, end };
}

/**
 * Epochs to the right, pixels upwards: the area is the work. The dashed frame is training at the
 * largest size throughout.
 * @param {Frame} frame
 */
function workPlot(frame) {
  const bars = Array.from({ length: MOST_STAGES }, (_, i) => stageBar(i));
  const title = html("span");
  const all = html("div", { class: "l7-resize-all", "data-source": "throughout" }, title);
  const schedule = html("div", { "data-source": "schedule" }, ...bars.map(({ node }) => node));
  const ghosts = bars.map(({ ghost }) => ghost);
  const node = html("div", { class: "l7-resize-plot", role: "img" }, all, schedule, ...ghosts);
  let scale = { size: MOST_SIZE, epochs: 1 };
  // The scale, while an edge is dragged.
  let isHeld = false;
  /** @type {Cost} */
  let shown;
  /** @type {Cost | null} */
  let pinned = null;

  /**
   * @param {{ start: number, epochs: number, size: number }} row
   * @returns {{ left: number, width: number, height: number }} shares of the plot
   */
  function place({ start, epochs, size }) {
    const height = (size / scale.size) ** 2;
    return { left: start / scale.epochs, width: epochs / scale.epochs, height };
  }

  /**
   * @param {HTMLElement[]} nodes
   * @param {Cost["rows"]} rows
   */
  function placeRows(nodes, rows) {
    nodes.forEach((bar, i) => {
      bar.hidden = i >= rows.length;
      if (!bar.hidden) placeBox(bar, place(rows[i]));
    });
  }

  function layOut() {
    const { epochs, largest, rows } = shown;
    if (!isHeld) scale = diagramScale(pinned ? [shown, pinned] : [shown]);
    const nodes = bars.map((bar) => bar.node);
    placeRows(nodes, rows);
    placeRows(ghosts, pinned?.rows ?? []);
    rows.forEach((row, i) => {
      nodes[i].style.setProperty("--epochs", String(row.epochs));
    });
    placeBox(all, place({ start: 0, epochs, size: largest }));
    setText(title, `dashed: ${epochs} epochs at ${largest} px`);
    setAttributes(node, { "aria-label": labelCost(shown) });
  }

  /** @param {boolean} isHeldNow */
  function hold(isHeldNow) {
    isHeld = isHeldNow;
    layOut();
  }

  /**
   * Makes an edge a handle; it keeps its distance from the pointer.
   * @param {HTMLElement} edge
   * @param {string} trait
   * @param {{ axis: "x" | "y", read: () => number, move: (share: number) => void }} options where
   *   the edge is, and where to move it, as shares of the plot
   */
  function addEdge(edge, trait, { axis, read, move }) {
    addHandle(frame, edge, {
      trait,
      axis,
      area: node,
      end: () => hold(false),
      start(pressed) {
        hold(true);
        const offset = read() - pressed[axis];
        return (position) => move(Math.min(1, Math.max(0, position[axis] + offset)));
      },
    });
  }

  bars.forEach(({ top, end }, i) => {
    const box = () => place(shown.rows[i]);
    const size = frame.numberBinding(`size${i}`);
    addEdge(top, size.name, {
      axis: "y",
      read: () => 1 - box().height,
      move: (y) => size.setNear(Math.sqrt(1 - y) * scale.size),
    });
    addEdge(end, `epochs${i}`, {
      axis: "x",
      read: () => box().left + box().width,
      move: (x) => moveEnd(frame, i, x * scale.epochs - shown.rows[i].start),
    });
  });

  /** @param {Cost} cost */
  function draw(cost) {
    shown = cost;
    layOut();
  }

  /** @param {Cost | null} cost */
  function drawPin(cost) {
    const hasPin = pinned || cost;
    pinned = cost;
    if (hasPin) layOut();
  }
  return { node, draw, drawPin };
}

/**
 * Moves the right edge of a stage: between two stages, epochs go from one to the other; that of
 * the last stage changes the sum.
 * @param {Frame} frame
 * @param {number} index
 * @param {number} trained epochs that the stage trains, rounded here
 */
function moveEnd(frame, index, trained) {
  /** @type {Stage[]} */
  const stages = frame.model.get("stages");
  const epochs = Math.round(trained) - trainedEpochs(0, index);
  const isLast = index === stages.length - 1;
  if (isLast) frame.numberBinding(`epochs${index}`).setNear(epochs);
  else frame.set("stages", exchangeEpochs(stages, index, epochs));
}

/**
 * Below the work diagram, each stage's image, all at one scale, with its epochs and size.
 * @param {Frame} frame
 * @param {ImageOf} imageOf
 */
function stageLabels(frame, imageOf) {
  const labels = Array.from({ length: MOST_STAGES }, () => {
    const image = imageCanvas();
    setAttributes(image.node, { "aria-hidden": "true" });
    const text = html("span");
    const node = html("div", {}, html("div", {}, image.node), text);
    return { node, image, drawText: liveLine(frame, text) };
  });
  const rest = html("div");
  const nodes = labels.map((label) => label.node);
  const node = html("div", { class: "l7-resize-labels" }, ...nodes, rest);

  /** @param {State} state */
  function draw({ cost, file }) {
    const scale = diagramScale([cost]);
    node.style.setProperty("--largest", String(scale.size));
    rest.style.flexGrow = String(scale.epochs - cost.epochs);
    labels.forEach(({ node, image, drawText }, i) => {
      node.hidden = i >= cost.rows.length;
      const row = cost.rows[i] ?? cost.rows[0];
      const [count, size] = stageQuantities(row, i);
      node.style.flexGrow = String(row.epochs);
      image.node.style.setProperty("--size", String(row.size));
      image.show(imageOf(file, row.size));
      const unit = row.epochs === 1 ? " epoch" : " epochs";
      drawText([count, unit, { tag: "br", children: [] }, "at ", size, " px"]);
    });
  }
  return { node, draw };
}

/**
 * @param {{ epochs: number, size: number }} row
 * @param {number} i
 */
export function stageQuantities({ epochs, size }, i) {
  const source = `stage${i}`;
  return [
    { name: `epochs${i}`, value: epochs, text: String(epochs), scrub: `epochs${i}`, source },
    { name: `size${i}`, value: size, text: String(size), scrub: `size${i}`, source },
  ];
}

/**
 * @param {Frame} frame
 * @param {ImageOf} imageOf
 */
export function workFigure(frame, imageOf) {
  const plot = workPlot(frame);
  const labels = stageLabels(frame, imageOf);
  const node = figure("Work = pixels × epochs: drag the edges", plot.node, labels.node);

  /** @param {State} state */
  function draw(state) {
    plot.draw(state.cost);
    labels.draw(state);
  }

  /** @param {State | null} state */
  function drawPin(state) {
    plot.drawPin(state?.cost ?? null);
  }
  return { node, draw, drawPin };
}
