// Images: PNG files to pixels, pixels to canvases.

import { html } from "./dom.js";
import { readPng } from "./png.js";

/**
 * An image's pixels, RGBA.
 * @typedef {{ data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number }} Pixels
 */

const SHARP_FROM = 2; // pixels of the screen that one of the image's is wide

/**
 * The pixels of a PNG file, exactly as the file has them; pixels are returned as they are.
 * @param {BufferSource | Pixels} png
 * @returns {Promise<Pixels>}
 */
export async function decodePng(png) {
  return "data" in png ? png : readPng(png);
}

/**
 * A canvas that shows an image; its bitmap has the image's own pixels.
 *
 * Images are smoothed when they are enlarged. `sharp` ones show their pixels as squares where
 * these cover at least two pixels of the screen; smaller squares would differ in width.
 * @param {{ sharp?: boolean }} [options]
 */
export function imageCanvas({ sharp = false } = {}) {
  const node = html("canvas", { role: "img", width: 0, height: 0 });
  let shownWidth = 0; // CSS pixels
  /** @type {Pixels["data"] | null} */
  let shown = null;

  function setSharpness() {
    const scale = (shownWidth * devicePixelRatio) / node.width;
    node.classList.toggle("l7-sharp", scale >= SHARP_FROM);
  }

  /** @param {Pixels} pixels drawn unless they are on the canvas already */
  function show({ data, width, height }) {
    if (data === shown) return;
    shown = data;
    if (node.width !== width) node.width = width;
    if (node.height !== height) node.height = height;
    node.getContext("2d")?.putImageData(new ImageData(data, width, height), 0, 0);
    if (sharp) setSharpness();
  }

  if (sharp) {
    new ResizeObserver(([entry]) => {
      shownWidth = entry.contentRect.width;
      setSharpness();
    }).observe(node);
  }
  return { node, show };
}

/** @typedef {ReturnType<typeof imageCanvas>} ImageCanvas */
