// The batch and its statistics: data from Python, and a reader's state.

import { decodePng } from "./canvas.js";
import { fixed } from "./format.js";
import {
  chosenStatistics,
  countValues,
  moments,
  normalizeMoments,
  normalizers,
  pixelValues,
  sumCounts,
} from "./normalize.math.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model } from "./frame.js" */
/** @import { Kind, Moments, Pixel, Running, Statistics } from "./normalize.math.js" */

/** @type {Record<Kind, string>} */
export const KINDS = {
  none: "none",
  batch: "this batch",
  dataset: "whole dataset",
  imagenet: "ImageNet",
  own: "your own",
};
/** @type {Record<Kind, string>} */
export const BEGINNINGS = {
  none: "Without normalization",
  batch: "With its own statistics",
  dataset: "With the dataset's statistics",
  imagenet: "With ImageNet's statistics",
  own: "With your own statistics",
};
/** @type {("mean" | "sd")[]} */
export const MOMENTS = ["mean", "sd"];
/** @param {number} value */
export const three = (value) => fixed(value, 3);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
export async function readData(model) {
  /** @type {Pixels} */
  const sprite = await decodePng(model.get("pixels"));
  /** @type {number} */
  const side = model.get("side");
  return {
    sprite,
    side,
    counts: countValues(sprite, side),
    draws: /** @type {number[][]} */ (model.get("draws")),
    known: /** @type {Record<string, Statistics>} */ (model.get("known")),
    credits: /** @type {string[]} */ (model.get("credits")),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/** What the reader points at; it is not a part of the state. */
export class Pointing {
  redraw = () => {};
  isAtPicture = false;
  /** @type {number | null} a channel that is pointed at */
  channel = null;
  /** @type {number | null} a channel that was pressed */
  pressed = null;

  /** @param {number} side of an image, pixels */
  constructor(side) {
    const centre = Math.floor(side / 2);
    /** @type {Pixel} */
    this.pixel = { tile: 0, x: centre, y: centre };
  }

  /** @param {Partial<Pick<Pointing, "isAtPicture" | "channel" | "pressed" | "pixel">>} change */
  set(change) {
    Object.assign(this, change);
    this.redraw();
  }
}

/**
 * @param {Data} data
 * @param {Pointing} pointing
 */
export function stateReader({ sprite, side, counts, draws, known }, pointing) {
  /** @type {Map<string, Moments[]>} */
  const batchMoments = new Map();

  /**
   * @param {number} draw
   * @param {number} bs
   */
  function momentsOf(draw, bs) {
    const key = `${draw} ${bs}`;
    const found = batchMoments.get(key);
    if (found) return found;
    const computed = sumCounts(counts, draws[draw].slice(0, bs)).map(moments);
    batchMoments.set(key, computed);
    return computed;
  }

  /** @param {number[]} images */
  function pointedAt(images) {
    const { isAtPicture, pixel } = pointing;
    const place = pixel.tile < images.length ? pixel : { ...pixel, tile: 0 };
    const image = images[place.tile];
    const values = pixelValues(sprite, side, { ...place, image });
    const alone = pointing.channel ?? pointing.pressed;
    return { place, image, values, isAtPicture, alone, channel: alone ?? 0 };
  }

  /** @param {Get} get */
  return function read(get) {
    /** @type {Kind} */
    const kind = get("kind");
    const draw = +get("draw");
    const bs = +get("bs");
    const batches = Array.from({ length: draw + 1 }, (_, i) => momentsOf(i, bs));
    const before = batches[draw];
    const own = /** @type {Statistics} */ ([get("own_mean"), get("own_std")]);
    const statistics = chosenStatistics(kind, before, { ...known, own });
    const images = draws[draw].slice(0, bs);
    return {
      draw,
      bs,
      kind,
      batches,
      images,
      before,
      statistics,
      isFile: get("show") === "file",
      running: /** @type {Running} */ (get("running")),
      normalize: normalizers(statistics),
      after: normalizeMoments(before, statistics),
      ...pointedAt(images),
    };
  };
}

/** @typedef {ReturnType<ReturnType<typeof stateReader>>} State */
