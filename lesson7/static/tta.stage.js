// The photo with the outlines of its views, which can be moved and resized.

import { imageCanvas } from "./canvas.js";
import { html, setAttributes, setVisible, svg } from "./dom.js";
import { addHandle, grip } from "./handle.js";
import { movePlace } from "./tta.controls.js";
import { intersection, nearestScale, placeOf, windowBox } from "./tta.math.js";
import { readState, selectedWindow, VIEW_COLOURS } from "./tta.state.js";
import { MOST_NAMED_VIEWS } from "./tta.sum.js";

/** @import { Box } from "./crop.js" */
/** @import { Frame } from "./frame.js" */
/** @import { Position } from "./handle.js" */
/** @import { Point } from "./tta.math.js" */
/** @import { Data, State } from "./tta.state.js" */

const OBJECT_COLOUR = "#ffe600";
const BADGE_PITCH = 22; // CSS pixels

/**
 * The outline of a view on the photo, and its numbered badge.
 * @param {number} index 0: the plain view
 * @param {number} windows
 */
function viewOutline(index, windows) {
  const source = { "data-source": `view${index}`, style: `color: ${VIEW_COLOURS[index]}` };
  const lines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })];
  // Many windows have their corners near one another: their badges are one below the other.
  const offset = windows >= MOST_NAMED_VIEWS && index ? BADGE_PITCH * (index - 1) : 0;
  const circle = svg("circle", { cx: 14, cy: 14 + offset, r: 10 });
  const number = svg("text", { x: 14, y: 18.5 + offset }, String(index));
  const mark = svg("g", { class: "l7-tta-badge" }, circle, number);
  const node = svg("g", source, ...lines);
  const badge = svg("g", source, mark);

  /** @param {State} state */
  function draw({ views, width, height, moving, enabled }) {
    const [x, y] = drawBox(lines, views[index], width, height);
    setAttributes(badge, { transform: `translate(${x} ${y})` });
    for (const group of [node, badge]) {
      group.classList.toggle("l7-moving", index === moving + 1);
      group.classList.toggle("l7-off", !enabled[index]);
    }
  }
  return { node, badge, draw };
}

/**
 * Draws the part of a box that is within the photo.
 * @param {SVGElement[]} rectangles
 * @param {Box} box
 * @param {number} width of the photo
 * @param {number} height
 */
function drawBox(rectangles, box, width, height) {
  const [x, y, x1, y1] = intersection(box, [0, 0, width, height]);
  for (const node of rectangles) setAttributes(node, { x, y, width: x1 - x, height: y1 - y });
  return [x, y];
}

/**
 * The photo with the outlines of the views, which can be dragged.
 * @param {Frame} frame
 * @param {Data} data
 */
export function photoStage(frame, data) {
  const { photos, names, credits, windows } = data;
  const canvas = imageCanvas();
  const overlay = svg("svg", { "aria-hidden": "true" });
  const node = html("div", { class: "l7-stage" }, canvas.node, overlay);
  const marks = stageMarks(frame, data, overlay);
  let shown = -1;
  let shownWidth = 1;

  function keepSizes() {
    const width = photos[Math.max(0, shown)].width;
    overlay.style.setProperty("--unit", String(width / shownWidth));
  }
  new ResizeObserver(([{ contentRect }]) => {
    shownWidth = contentRect.width || 1;
    keepSizes();
  }).observe(node);

  /** @param {State} state */
  function draw(state) {
    const { photo, width, height } = state;
    if (shown !== photo) {
      shown = photo;
      canvas.show(photos[photo]);
      const credit = credits[photo] ? `Photo: ${credits[photo]}` : "";
      const label = `${names[photo]}, ${width} by ${height} pixels, with ${windows} windows`;
      setAttributes(canvas.node, { "aria-label": credit ? `${label}. ${credit}` : label });
      setAttributes(overlay, { viewBox: `0 0 ${width} ${height}` });
      marks.credit.textContent = credit;
      node.style.setProperty("--ratio", String(width / height));
      keepSizes();
    }
    marks.draw(state);
  }
  return { node, draw, drawPin: (/** @type {State | null} */ pin) => marks.drawPin(pin, shown) };
}

/**
 * What is drawn on the photo, from back to front: the views, those of a pin, what takes the pointer
 * for the selected window, the object, badges, and the grip that changes the windows' size.
 * @param {Frame} frame
 * @param {Data} data
 * @param {SVGSVGElement} overlay
 */
function stageMarks(frame, data, overlay) {
  const { windows, isLearned } = data;
  const outlines = Array.from({ length: windows + 1 }, (_, i) => viewOutline(i, windows));
  const ghosts = outlines.map(() => svg("rect", { class: "l7-ghost", visibility: "hidden" }));
  const selected = svg("rect", {});
  const objectLines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })];
  const style = `color: ${OBJECT_COLOUR}`;
  const object = svg("g", { class: "l7-object", "data-source": "object", style }, ...objectLines);
  const size = grip();
  size.node.classList.add("l7-tta-size");
  const credit = svg("title");
  /** @type {Box[]} */
  let shown = [];
  const nodes = [...outlines.map(({ node }) => node), ...ghosts, selected];
  const badges = outlines.map(({ badge }) => badge);
  overlay.append(credit, ...nodes, ...(isLearned ? [] : [object]), ...badges, size.node);
  addStageHandles(frame, data, { overlay, outlines, selected, object, size: size.node });

  /** @param {State} state */
  function draw(state) {
    const { width, height, views, moving } = state;
    for (const outline of outlines) outline.draw(state);
    shown = views;
    const index = 1 + selectedWindow(state);
    drawBox([selected], views[index], width, height);
    setAttributes(selected, { "data-source": `view${index}` });
    if (state.object) drawBox(objectLines, state.object, width, height);
    object.classList.toggle("l7-moving", moving === windows);
    size.move(views[index][2], views[index][3]);
  }

  /**
   * @param {State | null} pin
   * @param {number} photo that is shown
   */
  function drawPin(pin, photo) {
    ghosts.forEach((ghost, i) => {
      const isMoved = pin?.photo === photo && String(pin.views[i]) !== String(shown[i]);
      setVisible(ghost, isMoved);
      if (pin && isMoved) drawBox([ghost], pin.views[i], pin.width, pin.height);
    });
  }
  return { credit, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Data} data
 * @param {{ overlay: SVGSVGElement, outlines: ReturnType<typeof viewOutline>[],
 *   selected: SVGElement, object: SVGElement, size: SVGElement }} marks
 */
function addStageHandles(frame, data, { overlay, outlines, selected, object, size }) {
  const { model } = frame;
  const read = () => readState((trait) => model.get(trait), data);
  const moves = { axis: /** @type {const} */ ("xy"), area: overlay };

  /** @param {() => number} index of the window, or past the last one of the object */
  const startMove = (index) => (/** @type {Position} */ from) => {
    const moved = index();
    const { views, object, at, target, width, height } = read();
    const isWindow = moved < at.length;
    const [x0, y0, x1] = isWindow ? views[moved + 1] : /** @type {Box} */ (object);
    if (isWindow) frame.set("moving", moved);
    return (/** @type {Position} */ { x, y }) => {
      /** @type {Point} */
      const corner = [x0 + x - from.x, y0 + y - from.y];
      const next = placeOf(corner, x1 - x0, [width, height], isWindow ? at[moved] : target);
      movePlace(frame, data, moved, next);
    };
  };

  for (const [i, { node, badge }] of outlines.slice(1).entries()) {
    for (const part of [node, badge]) {
      addHandle(frame, part, { ...moves, trait: "at", start: startMove(() => i) });
    }
  }
  const ofSelected = startMove(() => selectedWindow(read()));
  addHandle(frame, selected, { ...moves, trait: "at", start: ofSelected });
  addHandle(frame, object, { ...moves, trait: "target", start: startMove(() => data.windows) });
  addHandle(frame, size, {
    ...moves,
    trait: "scale",
    start: () => startResize(frame, data, read()),
  });
}

/**
 * Dragging the corner of the selected window; its upper left corner stays where it can.
 * @param {Frame} frame
 * @param {Data} data
 * @param {State} state where the drag starts
 */
function startResize(frame, data, state) {
  const { width, height, at, views, scale } = state;
  const short = Math.min(width, height);
  const index = selectedWindow(state);
  const [x0, y0] = views[index + 1];

  /** @param {Position} corner */
  return ({ x, y }) => {
    const next = nearestScale(Math.max(x - x0, y - y0), short);
    const [, , side] = windowBox(width, height, next, [0, 0]);
    const place = placeOf([x0, y0], side, [width, height], at[index]);
    frame.set("scale", next);
    movePlace(frame, data, index, next === scale ? at[index] : place);
  };
}

/**
 * The photos to choose from, small.
 * @param {Frame} frame
 * @param {Data} data
 */
export function photoStrip(frame, { photos, names }) {
  const buttons = photos.map((photo, i) => {
    const image = imageCanvas();
    image.show(photo);
    setAttributes(image.node, { "aria-hidden": "true" });
    // The keyboard has the control of the same name.
    const label = { "aria-label": `photo: ${names[i]}`, title: names[i], tabindex: -1 };
    const node = html("button", { type: "button", ...label }, image.node);
    node.addEventListener("click", () => frame.set("photo", i));
    return node;
  });
  const isShown = photos.length > 1;
  const node = html("span", { class: "l7-tta-strip l7-shortcuts" }, ...(isShown ? buttons : []));

  /** @param {State} state */
  function draw({ photo }) {
    buttons.forEach((button, i) => {
      setAttributes(button, { "aria-pressed": i === photo });
    });
  }
  return { node, draw };
}
