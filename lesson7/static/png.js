// PNG files to pixels. No canvas reads them: a browser that resists fingerprinting adds noise to
// what a page reads from one.

/** @import { Pixels } from "./canvas.js" */

const SIGNATURE = 8; // bytes
const FRAME = 12; // bytes of a chunk beside its data: length, name, checksum
const RGB = 3; // channels
const FORM = [8, 2, 0, 0, 0]; // 8 bits, RGB, and no other form than the usual one

/**
 * The chunks of a PNG file with their names.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function* readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE; at < bytes.length; at += view.getUint32(at) + FRAME) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { name, data: bytes.subarray(at + 8, at + 8 + view.getUint32(at)) };
  }
}

/** @param {Uint8Array<ArrayBuffer>[]} parts */
async function inflate(parts) {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * What the fourth filter predicts for a byte: the neighbour nearest to left + above - corner.
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function nearestOf(left, above, corner) {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** What each filter of the format predicts for a byte, by its number. */
const PREDICTIONS = [
  () => 0,
  (/** @type {number} */ left) => left,
  (/** @type {number} */ _, /** @type {number} */ above) => above,
  (/** @type {number} */ left, /** @type {number} */ above) => (left + above) >> 1,
  nearestOf,
];

/**
 * Adds to each byte of a row what its filter predicts.
 * @param {Uint8Array} row
 * @param {Uint8Array} above the row above, or zeros
 * @param {number} filter
 */
function undoFilter(row, above, filter) {
  if (filter === 0) return;
  const predict = PREDICTIONS[filter];
  for (let i = 0; i < RGB; i += 1) row[i] += predict(0, above[i], 0);
  for (let i = RGB; i < row.length; i += 1) {
    row[i] += predict(row[i - RGB], above[i], above[i - RGB]);
  }
}

/**
 * The pixels of a PNG file of RGB bytes, as `encode_png` of Python writes it.
 * @param {BufferSource} file
 * @returns {Promise<Pixels>}
 */
export async function readPng(file) {
  const buffer = /** @type {ArrayBuffer} */ (ArrayBuffer.isView(file) ? file.buffer : file);
  const start = ArrayBuffer.isView(file) ? file.byteOffset : 0;
  const chunks = [...readChunks(new Uint8Array(buffer, start, file.byteLength))];
  const [{ data: header }] = chunks;
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (FORM.some((value, i) => header[8 + i] !== value)) throw new Error("no PNG file of RGB bytes");
  const parts = chunks.filter(({ name }) => name === "IDAT").map(({ data }) => data);
  const rows = await inflate(parts);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  const stride = RGB * width;
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y += 1) {
    const at = y * (stride + 1); // the byte before a row names its filter
    const row = rows.subarray(at + 1, at + 1 + stride);
    undoFilter(row, above, rows[at]);
    for (let x = 0; x < width; x += 1) {
      data.set(row.subarray(RGB * x, RGB * (x + 1)), 4 * (y * width + x));
    }
    above = row;
  }
  return { data, width, height };
}
