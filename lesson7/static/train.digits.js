// Images that two networks see: rows of digits, and the pad to draw one.

import { imageCanvas } from "./canvas.js";
import { figure, html, note, setAttributes, setText } from "./dom.js";
import { SIDES } from "./train.parts.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data, State } from "./train.state.js" */

const DIGITS_SHOWN = 6; // of each kind
const PAD_INK = 16;
const EDGE_INK = 5; // beside a dot
const DOT = [
  [0, 0, PAD_INK],
  [1, 0, EDGE_INK],
  [-1, 0, EDGE_INK],
  [0, 1, EDGE_INK],
  [0, -1, EDGE_INK],
]; // columns, rows, ink
const CURSOR_COLOUR = [208, 72, 0];

/**
 * Small images with a line of text each.
 * @param {Data} data
 * @param {string} source
 */
function imageRow({ side, values, columns, most }, source) {
  const slots = Array.from({ length: DIGITS_SHOWN }, () => {
    const image = imageCanvas({ sharp: true });
    setAttributes(image.node, { role: "presentation" });
    image.node.hidden = !side;
    const text = html("span", { dir: "auto" });
    return { image, text, node: html("div", {}, image.node, text), shown: -1 };
  });
  const nodes = slots.map(({ node }) => node);
  const node = html("div", { class: "l7-train-images", "data-source": source }, ...nodes);

  /** @param {{ index: number, text: string }[]} items */
  function draw(items) {
    slots.forEach((slot, i) => {
      slot.node.hidden = !items[i];
      if (!items[i]) return;
      const { index, text } = items[i];
      setText(slot.text, text);
      if (!side || slot.shown === index) return;
      const pixels = new Uint8ClampedArray(4 * columns).fill(255);
      for (let k = 0; k < columns; k++) {
        pixels.fill(255 - (255 * values[index * columns + k]) / most, 4 * k, 4 * k + 3);
      }
      slot.image.show({ data: pixels, width: side, height: side });
      slot.shown = index;
    });
  }
  return { node, draw };
}

/**
 * The validation images that a side gets wrong most often, and the wrong labels it has memorized.
 * @param {Data} data
 */
export function imageLists(data) {
  const rows = SIDES.map((name) => {
    const mistakes = imageRow(data, `mistakes${name}`);
    const memory = imageRow(data, `memory${name}`);
    const [first, second] = [html("figcaption"), html("figcaption")];
    const figures = [figure(first, mistakes.node), figure(second, memory.node)];
    return { mistakes, memory, first, second, figures };
  });
  const figures = rows.flatMap((row) => row.figures);
  const node = html("div", { class: "l7-train-lists" }, ...figures);

  /** @param {State} state */
  function draw({ sides, seeds, isBusy }) {
    if (isBusy) return; // they are looked at when the training has ended
    rows.forEach((row, i) => {
      const { mistakes, memory } = sides[i].lists();
      const { found, wrong, shown } = memory;
      row.mistakes.draw(mistakes);
      row.memory.draw(shown);
      const all = seeds === 1 ? "1 seed" : `${seeds} seeds`;
      setText(row.first, `${SIDES[i]} gets wrong most often (${all}): class\u00a0→\u00a0answer`);
      const share = `${found} of ${wrong} wrong labels (seed 1): class\u00a0→\u00a0label`;
      setText(row.second, `${SIDES[i]} memorized ${wrong ? share : "no label: none is wrong"}`);
    });
  }
  return { node, draw };
}

/**
 * A drawing with one more dot, and paler ink beside it.
 * @param {number[]} values of the pixels, 0 to `PAD_INK`
 * @param {number} column
 * @param {number} row
 * @param {number} side of the image, pixels
 */
function withDot(values, column, row, side) {
  const painted = [...values];
  for (const [dx, dy, ink] of DOT) {
    const [x, y] = [column + dx, row + dy];
    const isInside = x >= 0 && y >= 0 && x < side && y < side;
    if (isInside) painted[y * side + x] = Math.max(painted[y * side + x], ink);
  }
  return painted;
}

/**
 * The RGBA bytes of a drawing: dark ink, and the cursor.
 * @param {number[]} values of the pixels, 0 to `PAD_INK`
 * @param {number} cursor index of a pixel; -1: none
 */
function padPixels(values, cursor) {
  const pixels = new Uint8ClampedArray(4 * values.length).fill(255);
  values.forEach((value, i) => {
    const level = 255 - (255 * value) / PAD_INK;
    pixels.set(i === cursor ? CURSOR_COLOUR : [level, level, level], 4 * i);
  });
  return pixels;
}

/**
 * An image that the reader draws, and what both sides see in it.
 * @param {Frame} frame
 * @param {Data} data
 */
export function drawingPad(frame, { side, columns }) {
  const image = imageCanvas({ sharp: true });
  const help = "Draw a digit: arrow keys move, space draws, Delete clears.";
  setAttributes(image.node, { role: "application", tabindex: 0, "aria-label": help });
  const line = note({ spoken: true });
  const clear = html("button", { type: "button", tabindex: -1 }, "Clear");
  const place = html("div", { class: "l7-train-pad" }, image.node, clear);
  const node = figure("Draw a digit for A and B", place, line);
  node.hidden = !side;
  let cursor = -1;

  /** @returns {number[]} */
  function values() {
    const pad = frame.model.get("pad");
    return pad.length ? [...pad] : Array(columns).fill(0);
  }

  /**
   * @param {number} column
   * @param {number} row
   */
  function paint(column, row) {
    const isInside = column >= 0 && row >= 0 && column < side && row < side;
    if (isInside) frame.set("pad", withDot(values(), column, row, side));
  }

  /** @param {PointerEvent} event */
  function paintAt({ clientX, clientY }) {
    const box = image.node.getBoundingClientRect();
    const share = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    const [column, row] = share.map((value) => Math.floor(value * side));
    paint(column, row);
  }

  image.node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    paintAt(event);
    frame.drag(event, paintAt);
  });
  image.node.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: side, ArrowUp: -side };
    const move = /** @type {Record<string, number>} */ (moves)[event.key];
    const start = Math.max(0, cursor);
    if (move) cursor = cursor < 0 ? 0 : Math.min(columns - 1, Math.max(0, cursor + move));
    else if (event.key === " ") paint(start % side, Math.floor(start / side));
    else if (event.key === "Delete") frame.set("pad", []);
    else return;
    event.preventDefault();
    show();
  });
  image.node.addEventListener("blur", () => {
    cursor = -1;
    show();
  });
  clear.addEventListener("click", () => frame.set("pad", []));

  function show() {
    image.show({ data: padPixels(values(), cursor), width: side, height: side });
  }

  /** @param {State} state */
  function draw({ answers }) {
    if (!side) return;
    show();
    setText(line, answers);
  }
  return { node, draw };
}
