// The explorer as a PNG file, made in the page.

import { html } from "./dom.js";

/** @import { Frame } from "./frame.js" */

const SCALE = 2; // pixels of the file for one of the page
const LEFT_OUT =
  ".l7-controls, .l7-more, .l7-tools, .l7-shortcuts, " +
  ".l7-panels > :not(.l7-pin), button:not(.l7-kept)";
const NOT_XML = /(?!\n)\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu; // characters that XML does not have
const COLOURS = ["fg", "bg", "line", "faint", "blue", "orange", "green", "red", "track", "soft"];

/**
 * @param {Element} original
 * @param {Element} copy
 */
function replaceCanvases(original, copy) {
  const canvases = [...original.querySelectorAll("canvas")];
  copy.querySelectorAll("canvas").forEach((node, i) => {
    const image = html("img", { src: canvases[i].toDataURL(), class: node.className });
    image.style.cssText = node.style.cssText;
    const { width, height } = canvases[i].getBoundingClientRect();
    Object.assign(image.style, { width: `${width}px`, height: `${height}px` });
    node.replaceWith(image);
  });
}

/**
 * The explorer without its controls, as XHTML.
 * @param {Frame} frame
 */
function pictureMarkup({ root, model }) {
  const copy = /** @type {HTMLElement} */ (root.cloneNode(true));
  replaceCanvases(root, copy);
  for (const node of copy.querySelectorAll(LEFT_OUT)) node.remove();
  const colours = getComputedStyle(root);
  for (const name of COLOURS) {
    copy.style.setProperty(`--l7-${name}`, colours.getPropertyValue(`--l7-${name}`));
  }
  copy.style.margin = "0";
  const style = html("style", {}, model.get("_css"));
  const page = html("div", {}, style, copy);
  page.style.colorScheme = colours.colorScheme;
  return { page, copy };
}

/**
 * @param {Frame} frame
 * @returns {Promise<Blob>}
 */
async function pictureOf(frame) {
  const { page, copy } = pictureMarkup(frame);
  const width = Math.ceil(frame.root.getBoundingClientRect().width);
  copy.style.width = `${width}px`;
  const place = html("div", { "aria-hidden": "true" }, page); // measured out of sight
  place.style.cssText = "position: absolute; left: -10000px; top: 0";
  document.body.append(place);
  const height = Math.ceil(copy.getBoundingClientRect().height);
  const markup = new XMLSerializer().serializeToString(page).replace(NOT_XML, "\ufffd");
  place.remove();
  const size = `width="${width}" height="${height}"`;
  const svgText =
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>` +
    `<foreignObject width="100%" height="100%">${markup}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText)}`;
  await image.decode();
  const canvas = new OffscreenCanvas(width * SCALE, height * SCALE);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser has no 2D canvas.");
  context.scale(SCALE, SCALE);
  context.drawImage(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** @param {Frame} frame */
export async function savePicture(frame) {
  const url = URL.createObjectURL(await pictureOf(frame));
  const link = html("a", { href: url, download: `${frame.title.toLowerCase()}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
