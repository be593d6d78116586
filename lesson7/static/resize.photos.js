// The photos at the image size of each stage.

import { barChart } from "./bars.js";
import { imageCanvas } from "./canvas.js";
import { figure, html, note, setAttributes, setText, setVisible } from "./dom.js";
import { pointerPosition } from "./handle.js";
import {
  boxWithin,
  cropBox,
  cropImage,
  describePixel,
  describeSize,
  MOST_STAGES,
  neighbour,
  pixelBox,
  resizeImage,
} from "./resize.math.js";
import { describeThreshold } from "./threshold.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Box, Guesses, Place } from "./resize.math.js" */
/** @import { State } from "./resize.state.js" */

/** @type {Record<string, [right: number, down: number]>} */
const ARROWS = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/**
 * The photo as a file of a given side holds it, at any size; each computed once.
 * @param {Pixels} photo
 */
export function imageSizes(photo) {
  let file = 0;
  let source = photo;
  /** @type {Map<number, Pixels>} */
  const sizes = new Map();

  /**
   * @param {number} side of the file
   * @param {number} size
   */
  return (side, size) => {
    if (file !== side) {
      file = side;
      source = resizeImage(photo, side);
      sizes.clear();
    }
    const image = sizes.get(size) ?? resizeImage(source, size);
    sizes.set(size, image);
    return image;
  };
}

/** @typedef {ReturnType<typeof imageSizes>} ImageOf */

/**
 * An image with a frame around one of its pixels.
 * @param {(place: Place) => void} choose called with the place that is pointed at
 */
function markedImage(choose) {
  const image = imageCanvas({ sharp: true });
  const mark = html("span", { class: "l7-resize-mark", "aria-hidden": "true" });
  const node = html("div", { class: "l7-resize-image" }, image.node, mark);
  for (const kind of ["pointerdown", "pointermove"]) {
    image.node.addEventListener(kind, (event) => {
      choose(pointerPosition(image.node, /** @type {PointerEvent} */ (event)));
    });
  }

  /** @param {Box | null} box null: no frame */
  function drawMark(box) {
    mark.hidden = box === null;
    if (!box) return;
    const { left, top, side } = box;
    placeBox(mark, { left, top, width: side, height: side });
  }
  return { node, canvas: image.node, draw: image.show, drawMark };
}

/**
 * Places an element in one that contains it.
 * @param {HTMLElement} node
 * @param {Record<string, number>} box CSS properties, as shares of the container
 */
export function placeBox(node, box) {
  for (const [name, share] of Object.entries(box)) node.style.setProperty(name, `${100 * share}%`);
}

/** Returns `cropImage` that computes a part again only where it differs from the last one. */
function lastCrop() {
  /** @type {[Pixels, Box, Pixels] | null} */
  let last = null;

  /**
   * @param {Pixels} image
   * @param {Box} box
   */
  return (image, box) => {
    const [lastImage, lastBox] = last ?? [];
    const isSame = image === lastImage && box.left === lastBox?.left && box.top === lastBox.top;
    if (!last || !isSame) last = [image, box, cropImage(image, box)];
    return last[2];
  };
}

/**
 * The photo at one size, and a part of it enlarged.
 * @param {string} source of the highlight
 * @param {string} prefixText of the title, left out where there is little space
 * @param {(place: Place) => void} choose called with the place that is pointed at
 */
function photoColumn(source, prefixText, choose) {
  const whole = markedImage(choose);
  const part = markedImage(({ x, y }) => {
    choose({ x: crop.left + x * crop.side, y: crop.top + y * crop.side });
  });
  let crop = { left: 0, top: 0, side: 1 };
  const cropOf = lastCrop();
  const title = html("span");
  const prefix = html("span", { class: "l7-resize-prefix" }, prefixText);
  const comment = note();
  const top = figure(html("figcaption", {}, prefix, title), whole.node, comment);
  const low = html("figure", {}, part.node);
  setAttributes(whole.node, { "data-source": source });
  setAttributes(part.canvas, { "aria-label": "a part of it, four times as large" });

  /**
   * @param {string} text
   * @param {string} label
   * @param {string} commentText
   */
  function drawText(text, label, commentText) {
    setText(title, text);
    setAttributes(whole.canvas, { "aria-label": label });
    setText(comment, commentText);
  }

  /**
   * @param {Pixels} image
   * @param {Place} place in the middle of the part
   * @param {Box | null} box that is framed
   */
  function draw(image, place, box) {
    crop = cropBox(place, image.width);
    whole.draw(image);
    part.draw(cropOf(image, crop));
    whole.drawMark(box);
    part.drawMark(box && boxWithin(box, crop));
  }
  return { top, low, whole, drawText, draw };
}

/**
 * What one stage sees, and what a model predicts from it.
 * @param {Guesses} guesses
 * @param {number} index
 * @param {(place: Place) => void} choose
 */
function stageColumn(guesses, index, choose) {
  const column = photoColumn(`stage${index}`, "Stage ", choose);
  const chart = barChart(guesses.top ?? 0);
  const verdict = note();
  if (guesses.top) column.low.append(chart.node, verdict);
  const label = `stage ${index + 1}: arrow keys choose a pixel`;
  setAttributes(column.whole.node, { tabindex: 0, role: "group", "aria-label": label });

  /**
   * @param {number} size
   * @param {number} file
   */
  function drawStage(size, file) {
    column.top.classList.toggle("l7-resize-past", size > file);
    const origin = `${size > file ? "larger than" : "from"} a file of ${file}`;
    const label = `the photo at ${size} by ${size} pixels, ${origin}`;
    column.drawText(`${index + 1}: ${size} px`, label, describeSize(size, file));
    if (guesses.top) drawPredictions(guesses.at[file][size]);
  }

  /** @param {[number, number][]} best */
  function drawPredictions(best) {
    const names = best.map(([c]) => guesses.names[c]);
    const values = best.map(([, p]) => p);
    chart.draw(names.map((name, i) => [name, values[i]]));
    const { threshold } = guesses;
    setVisible(verdict, threshold !== undefined);
    if (threshold !== undefined) setText(verdict, describeThreshold(values, names, threshold));
  }
  return { ...column, drawStage, answerElements: [chart.node, verdict] };
}

/**
 * The photo in the file and at each stage's size; the block of pixels of the file that a pixel
 * averages is framed.
 * @param {{ imageOf: ImageOf, guesses: Guesses, credit: string }} data
 */
export function photoFigures({ imageOf, guesses, credit }) {
  // A stage, and a place in the photo.
  let chosen = { index: 0, place: { x: 0.5, y: 0.5 } };
  /** @type {State} */
  let shown;
  const inFile = photoColumn("file", "", (place) => choose(chosen.index, place));
  if (credit) inFile.whole.canvas.title = `Photo: ${credit}`;
  const stages = Array.from({ length: MOST_STAGES }, (_, i) => {
    return stageColumn(guesses, i, (place) => choose(i, place));
  });
  stages.forEach(({ whole }, i) => {
    whole.node.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || event.altKey) return;
      event.preventDefault();
      choose(i, neighbour(chosen.place, shown.stages[i][0], step));
    });
  });
  const columns = [inFile, ...stages];
  const top = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.top));
  const parts = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.low));
  const sentence = note({ spoken: true });
  const low = html("div", {}, parts, sentence);

  /**
   * @param {number} index
   * @param {Place} place
   */
  function choose(index, place) {
    chosen = { index, place };
    drawImages();
  }

  function drawImages() {
    const { file } = shown;
    const sizes = shown.stages.map(([size]) => size);
    const index = Math.min(chosen.index, sizes.length - 1);
    const { place } = chosen;
    const box = pixelBox(place, sizes[index]);
    inFile.draw(imageOf(file, file), place, box);
    sizes.forEach((size, i) => {
      stages[i].draw(imageOf(file, size), place, i === index ? box : null);
    });
    setText(sentence, describePixel(imageOf(file, sizes[index]), place, file));
  }

  /** @param {State} state */
  function draw(state) {
    shown = state;
    const { file } = state;
    const count = state.stages.length;
    for (const node of [top, parts]) node.style.setProperty("--columns", String(count + 1));
    inFile.drawText(`File: ${file} px`, `the photo in the file, ${file} by ${file} pixels`, "");
    stages.forEach((stage, i) => {
      for (const node of [stage.top, stage.low]) node.hidden = i >= count;
      if (i < count) stage.drawStage(state.stages[i][0], file);
    });
    drawImages();
  }
  return { top, low, answerElements: stages.flatMap((stage) => stage.answerElements), draw };
}
