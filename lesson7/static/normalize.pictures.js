// Pictures of the batch: as a file has them, and as the model sees them.

import { imageCanvas } from "./canvas.js";
import { figure, html, setAttributes, setText } from "./dom.js";
import { pointerPosition } from "./handle.js";
import { liveLine } from "./live.js";
import { statistic } from "./normalize.controls.js";
import {
  CHANNELS,
  nextPixel,
  pixelAt,
  pixelPosition,
  recolour,
  shownLevels,
  tileImages,
} from "./normalize.math.js";
import { MOMENTS } from "./normalize.state.js";

/** @import { Frame } from "./frame.js" */
/** @import { Data, Pointing, State } from "./normalize.state.js" */

const MIDDLE_GREY = 0.18; // luminance, 0 to 1

/**
 * The batch in a grid, with a ring around the pixel that the formula is about.
 * @param {Pointing} pointing
 * @param {Data} data
 */
function batchPicture(pointing, { sprite, side }) {
  const canvas = imageCanvas();
  const ring = html("i", { class: "l7-normalize-ring" });
  const node = html("div", { class: "l7-normalize-grid" }, canvas.node, ring);
  let count = 0;
  let shown = "";

  /** @param {PointerEvent} event */
  function point(event) {
    const pixel = pixelAt(pointerPosition(node, event), { count, side });
    if (pixel) pointing.set({ pixel, isAtPicture: true });
  }
  node.addEventListener("pointermove", point);
  node.addEventListener("pointerdown", point);
  node.addEventListener("pointerleave", () => {
    if (!node.matches(":focus")) pointing.set({ isAtPicture: false });
  });

  /**
   * @param {State} state
   * @param {((value: number) => number)[] | null} normalize
   */
  function draw({ images, place, alone, statistics }, normalize) {
    count = images.length;
    const key = JSON.stringify([images, alone, normalize && statistics]);
    if (key !== shown) {
      const tiled = tileImages(sprite, side, images);
      const isPlain = !normalize && alone === null;
      if (!isPlain) recolour(tiled.data, shownLevels(normalize), alone);
      canvas.show(tiled);
    }
    shown = key;
    const { x, y } = pixelPosition(place, { count, side });
    Object.assign(ring.style, { left: `${100 * x}%`, top: `${100 * y}%` });
  }
  return { node, canvas: canvas.node, draw };
}

/**
 * The batch as in its files: focused, arrow keys lead from picture to picture.
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
function filePicture(pointing, data, read) {
  const picture = batchPicture(pointing, data);
  const { node } = picture;
  setAttributes(node, { tabindex: 0, role: "application" });
  node.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const { place, images } = read();
    const press = { key: event.key, isFine: event.shiftKey };
    const pixel = nextPixel(place, press, { count: images.length, side: data.side });
    if (pixel) pointing.set({ pixel, isAtPicture: true });
  });
  node.addEventListener("focus", () => pointing.set({ isAtPicture: true }));
  node.addEventListener("blur", () => pointing.set({ isAtPicture: false }));

  /** @param {State} state */
  function draw(state) {
    picture.draw(state, null);
    const { bs, image, place, channel } = state;
    setAttributes(picture.canvas, { "aria-label": `${bs} pictures, as in the file` });
    const at = `picture ${place.tile + 1}, pixel ${place.x}, ${place.y}`;
    const keys = "Arrow keys: another picture; with Shift: another pixel";
    setAttributes(node, {
      "aria-label": `The batch: ${at}. ${keys}`,
      title: data.credits[image] ?? "",
      "data-source": `x.${channel}`,
    });
  }
  return { node, draw };
}

/**
 * @param {Pointing} pointing
 * @param {Data} data
 */
function modelPicture(pointing, data) {
  const picture = batchPicture(pointing, data);
  const scale = [html("span", {}, "−3"), html("i"), html("span", {}, "+3")];
  const legend = html("div", { class: "l7-normalize-scale", "aria-hidden": "true" }, ...scale);

  /** @param {State} state */
  function draw(state) {
    picture.draw(state, state.normalize);
    const label = `${state.bs} pictures, as the model sees them: −3 is black, +3 is white`;
    setAttributes(picture.canvas, { "aria-label": label });
    setAttributes(picture.node, { "data-source": `z.${state.channel}` });
  }
  return { node: picture.node, legend, draw };
}

/**
 * A colour: the mean or the sd in use of each channel, with its numbers.
 * @param {Frame} frame
 * @param {number} m 0: the mean, 1: the sd
 */
function swatch(frame, m) {
  const lines = CHANNELS.map(() => html("span"));
  const drawLines = lines.map((line) => liveLine(frame, line));
  const label = `${MOMENTS[m]} in use, of each channel`;
  const group = { class: "l7-normalize-swatch", role: "group", "aria-label": label };
  const node = html("div", group, ...lines);

  /** @param {State} state */
  function draw(state) {
    const values = state.statistics[m];
    const bytes = values.map((value) => Math.min(255, Math.max(0, Math.round(255 * value))));
    const [red, green, blue] = bytes.map((byte) => (byte / 255) ** 2.2);
    const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    const isDark = luminance < MIDDLE_GREY;
    node.style.background = `rgb(${bytes})`;
    node.style.color = isDark ? "#fff" : "#000";
    setAttributes(node, { "data-source": `${MOMENTS[m]}.${state.channel}` });
    drawLines.forEach((drawLine, c) => {
      drawLine([`${CHANNELS[c]} `, statistic(state, m, c)]);
    });
  }
  return { node, draw };
}

/**
 * The line of arithmetic: the batch, minus the mean, divided by the sd, is what the model sees.
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
export function pictureLine(frame, pointing, data, read) {
  const file = filePicture(pointing, data, read);
  const seen = modelPicture(pointing, data);
  const swatches = [swatch(frame, 0), swatch(frame, 1)];
  const captions = ["", "μ: mean", "σ: sd", ""].map((text) => html("figcaption", {}, text));
  setAttributes(captions[0], { "aria-live": "polite" });
  /** @param {string} text */
  const sign = (text) => html("span", { "aria-hidden": "true" }, text);
  const parts = [
    ...[sign("("), figure(captions[0], file.node), sign("−")],
    ...[figure(captions[1], swatches[0].node), sign(")"), sign("÷")],
    ...[figure(captions[2], swatches[1].node), sign("=")],
    figure(captions[3], seen.node, seen.legend),
  ];
  const node = html("div", { class: "l7-normalize-line", "data-picture": "" }, ...parts);

  /** @param {State} state */
  function draw(state) {
    for (const part of [file, seen, ...swatches]) part.draw(state);
    const { isFile, alone, isAtPicture, place, image } = state;
    setAttributes(node, { "data-large": isFile ? "file" : "model" });
    const only = alone === null ? null : `${CHANNELS[alone]} alone`;
    const credit = data.credits[image] ? `, photo: ${data.credits[image]}` : "";
    const batch = `batch ${state.draw + 1} of ${data.draws.length}`;
    const what = isAtPicture ? `picture ${place.tile + 1}${credit}` : (only ?? batch);
    setText(captions[0], `x: ${what}`);
    setText(captions[3], `z: ${only ?? `what the model sees${isFile ? "" : ", −3 to +3"}`}`);
  }
  return { node, draw };
}
