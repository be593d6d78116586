// Parts of a picture that are dragged.

import { setAttributes, svg } from "./dom.js";

/** @import { Frame } from "./frame.js" */

/** @typedef {{ x: number, y: number }} Position */

/**
 * The position of a pointer: in a drawing's own units, or for another element as a share of its
 * width and height.
 * @param {Element} area
 * @param {{ clientX: number, clientY: number }} pointer
 * @returns {Position}
 */
export function pointerPosition(area, { clientX, clientY }) {
  if (area instanceof SVGSVGElement) {
    const matrix = area.getScreenCTM()?.inverse();
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix);
    return { x, y };
  }
  const box = area.getBoundingClientRect();
  return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
}

/**
 * @typedef {object} HandleOptions
 * @property {string} trait what dragging it changes; a control with the same `data-trait`, or with
 *   the same one and an index, is its twin for the keyboard
 * @property {"x" | "y" | "xy"} axis in which it moves
 * @property {SVGSVGElement | HTMLElement} area in which positions are measured
 * @property {(position: Position) => ((position: Position) => void) | undefined} start called where
 *   the drag starts; the function that it returns is called at each move
 * @property {() => void} [end] called when the drag is over
 */

/**
 * Makes an element a handle.
 * @param {Frame} frame
 * @param {HTMLElement | SVGElement} node
 * @param {HandleOptions} options
 */
export function addHandle(frame, node, { trait, axis, area, start, end = () => {} }) {
  setAttributes(node, { "data-handle": trait, "data-axis": axis });
  node.addEventListener("pointerdown", (/** @type {any} */ event) => {
    if (event.button) return;
    const move = start(pointerPosition(area, event));
    if (!move) return;
    node.classList.add("l7-dragged");
    const release = () => {
      node.classList.remove("l7-dragged");
      end();
    };
    frame.drag(event, (pointer) => move(pointerPosition(area, pointer)), release);
  });
}

/**
 * A round grip that shows that a line or an edge can be dragged, of the same size at any width of
 * the drawing; the area that takes the pointer is larger.
 */
export function grip() {
  const target = svg("circle", { class: "l7-grip-target" });
  const dot = svg("circle", { class: "l7-grip" });
  const node = svg("g", { class: "l7-handle" }, target, dot);

  /**
   * @param {number} x
   * @param {number} y
   */
  function move(x, y) {
    setAttributes(node, { transform: `translate(${x} ${y})` });
  }
  return { node, move };
}
