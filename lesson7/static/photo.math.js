// Photos at other sizes, by the filters of Pillow: with its whole numbers, so that a page and
// Python have the same pixels of the same file.

/** @import { Pixels } from "./canvas.js" */
/** @typedef {"bilinear" | "lanczos"} PhotoFilter */
/** @typedef {[start: number, end: number]} Span in pixels, may begin and end within one */

const PRECISION = 2 ** 22; // of Pillow's weights, which are whole numbers
const LANCZOS_LOBES = 3;
const SPARE = 2; // files are opened with this many times the pixels that are needed
const LONGEST_SHARE = 4; // of the short side: the longest side of a photo that is shrunk
const REDUCTIONS = [8, 4, 2]; // of a JPEG file while it is decoded

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @type {Record<PhotoFilter, { reach: number, weight: (x: number) => number }>} */
const PHOTO_FILTERS = {
  bilinear: { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  lanczos: {
    reach: LANCZOS_LOBES,
    weight: (x) => (Math.abs(x) < LANCZOS_LOBES ? sinc(x) * sinc(x / LANCZOS_LOBES) : 0),
  },
};

/** @param {number} value */
function wholeWeight(value) {
  return Math.trunc(value * PRECISION + (value < 0 ? -0.5 : 0.5));
}

/**
 * For each new pixel, the first old one that it is computed from, and their weights.
 * @param {number} length old pixels
 * @param {Span} span the part of them that is resized
 * @param {number} size new pixels
 * @param {PhotoFilter} filter
 */
function photoTaps(length, [start, end], size, filter) {
  const { reach, weight } = PHOTO_FILTERS[filter];
  const step = (end - start) / size;
  const scale = Math.max(1, step);
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - reach * scale + 0.5));
    const last = Math.min(length, Math.trunc(centre + reach * scale + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) => {
      return weight((first + k - centre + 0.5) / scale);
    });
    const total = raw.reduce((sum, value) => sum + value, 0);
    return { first, weights: Float64Array.from(raw, (value) => wholeWeight(value / total)) };
  });
}

/**
 * @param {number} sum of bytes by whole weights
 * @returns {number} a byte
 */
function weightedByte(sum) {
  return Math.min(255, Math.max(0, Math.floor((sum + PRECISION / 2) / PRECISION)));
}

/**
 * @param {Pixels} image
 * @param {Span} span of columns
 * @param {number} size of the new rows, pixels
 * @param {PhotoFilter} filter
 * @returns {Pixels}
 */
export function resampleWidth(image, [start, end], size, filter) {
  const { data, width, height } = image;
  if (size === width && start === 0 && end === width) return image;
  const taps = photoTaps(width, [start, end], size, filter);
  const resampled = new Uint8ClampedArray(size * height * 4);
  for (let y = 0; y < height; y++) {
    const row = y * width * 4;
    for (let x = 0; x < size; x++) {
      const { first, weights } = taps[x];
      let [red, green, blue] = [0, 0, 0];
      let from = row + first * 4;
      for (let k = 0; k < weights.length; k++, from += 4) {
        red += weights[k] * data[from];
        green += weights[k] * data[from + 1];
        blue += weights[k] * data[from + 2];
      }
      const to = (y * size + x) * 4;
      resampled[to] = weightedByte(red);
      resampled[to + 1] = weightedByte(green);
      resampled[to + 2] = weightedByte(blue);
      resampled[to + 3] = 255;
    }
  }
  return { data: resampled, width: size, height };
}

/**
 * @param {Pixels} image
 * @param {Span} span of rows
 * @param {number} size of the new columns, pixels
 * @param {PhotoFilter} filter
 * @returns {Pixels}
 */
export function resampleHeight(image, [start, end], size, filter) {
  const { data, width, height } = image;
  if (size === height && start === 0 && end === height) return image;
  const resampled = new Uint8ClampedArray(width * size * 4);
  photoTaps(height, [start, end], size, filter).forEach(({ first, weights }, y) => {
    for (let i = 0; i < width * 4; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        sum += weights[k] * data[(first + k) * width * 4 + i];
      }
      resampled[y * width * 4 + i] = weightedByte(sum);
    }
  });
  return { data: resampled, width, height: size };
}

/**
 * The mean of each square of `factor` pixels; those at the right and lower edges may be smaller.
 * @param {Pixels} image
 * @param {number} factor
 * @returns {Pixels}
 */
export function reducePixels({ data, width, height }, factor) {
  const [columns, rows] = [width, height].map((length) => Math.ceil(length / factor));
  const sums = new Uint32Array(columns * rows * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      const to = (Math.floor(y / factor) * columns + Math.floor(x / factor)) * 4;
      sums[to] += data[from];
      sums[to + 1] += data[from + 1];
      sums[to + 2] += data[from + 2];
      sums[to + 3] += 1;
    }
  }
  const reduced = new Uint8ClampedArray(sums.length);
  for (let i = 0; i < sums.length; i += 4) {
    for (let c = 0; c < 3; c++) reduced[i + c] = sums[i + c] / sums[i + 3];
    reduced[i + 3] = 255;
  }
  return { data: reduced, width: columns, height: rows };
}

/**
 * By how much the pixels of a JPEG file are reduced before they are resized.
 * @param {{ width: number, height: number }} photo
 * @param {number} short side that is needed, pixels
 */
export function jpegReduction({ width, height }, short) {
  const least = Math.min(width, height);
  const scales = [width, height].map((length) => {
    return Math.floor(length / Math.max(1, Math.floor((length * short) / least)));
  });
  return REDUCTIONS.find((factor) => Math.min(...scales) >= factor) ?? 1;
}

/**
 * The nearest whole number, and of two the even one, as Python rounds.
 * @param {number} value
 */
function pythonRound(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/**
 * @param {{ width: number, height: number }} photo
 * @param {number} scale
 */
function scaledSize({ width, height }, scale) {
  return [width, height].map((length) => Math.max(1, pythonRound(length * scale)));
}

/**
 * The width and height of a photo whose short side has at most `short` pixels.
 * @param {{ width: number, height: number }} photo
 * @param {number} short
 */
export function openedSize(photo, short) {
  const scale = short / Math.min(photo.width, photo.height);
  return scale < 1 ? scaledSize(photo, scale) : [photo.width, photo.height];
}

/**
 * The central square of a photo, as `squares` of `lesson7.data.images` returns it.
 * @param {Pixels} photo
 * @param {number} side of the result, pixels
 */
export function centreSquare(photo, side) {
  const least = Math.min(photo.width, photo.height);
  const [columns, rows] = [photo.width, photo.height].map((length) => {
    const start = (length - least) / 2;
    return /** @type {Span} */ ([start, start + least]);
  });
  return resampleHeight(resampleWidth(photo, columns, side, "lanczos"), rows, side, "lanczos");
}

/**
 * A photo that is small enough to be shown, as `shrink` of `lesson7.data.images` returns it.
 * @param {Pixels} photo
 * @param {number} short largest short side, pixels
 */
export function shrinkPhoto(photo, short) {
  const { width, height } = photo;
  const longest = LONGEST_SHARE * short;
  const scale = Math.min(short / Math.min(width, height), longest / Math.max(width, height));
  if (scale >= 1) return photo;
  const [columns, rows] = scaledSize(photo, scale);
  const narrow = resampleWidth(photo, [0, width], columns, "lanczos");
  return resampleHeight(narrow, [0, height], rows, "lanczos");
}

/**
 * The short side with which a file is opened for images of a side.
 * @param {number} side pixels
 */
export function openedShort(side) {
  return SPARE * side;
}
