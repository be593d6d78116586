// The files of the networks that a page offers: parts of a saved page, files of a site, or, on a
// page from disk, which may not read files, scripts.

/**
 * What a page says about a network before it loads it.
 * @typedef {object} Offer
 * @property {string} label
 * @property {string} note
 * @property {Record<string, number>} files name -> bytes
 */

/**
 * @typedef {object} Progress
 * @property {AbortSignal} signal
 * @property {(bytes: number) => void} onBytes called with what has arrived since the last call
 */

const SCRIPT_SHARE = 4 / 3; // base64 takes four characters for three bytes

/** The element that names the page's networks; null: the page has none. */
function offerElement() {
  return /** @type {HTMLScriptElement | null} */ (document.querySelector("script[data-networks]"));
}

/** @returns {Record<string, Offer>} by the networks' names */
export function readOffers() {
  return JSON.parse(offerElement()?.dataset.networks ?? "{}");
}

/** @param {string} name of a file that is part of the page */
function embeddedFile(name) {
  return document.querySelector(`script[data-file="${CSS.escape(name)}"]`);
}

/** Whether networks are files beside the page's scripts, and not part of the page. */
export function hasOwnFiles() {
  return !offerElement()?.src;
}

const isOnDisk = () => location.protocol === "file:";

/**
 * What is transferred for files, in bytes.
 * @param {number} bytes
 */
export function transferSize(bytes) {
  return isOnDisk() || hasOwnFiles() ? bytes * SCRIPT_SHARE : bytes;
}

/** @param {string} text base64 */
function decodeBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * @param {URL} url
 * @param {Progress} progress
 */
async function fetchFile(url, { signal, onBytes }) {
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new Error(`${url.pathname}: ${response.status}`);
  const parts = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes(value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * A file as a script, which gives its content to `l7file`.
 * @param {string} name
 * @param {URL} url
 * @param {Progress} progress
 * @returns {Promise<Uint8Array>}
 */
function runFile(name, url, { signal, onBytes }) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const page = /** @type {any} */ (globalThis);
    const fail = (/** @type {string} */ reason) => {
      script.remove();
      reject(new Error(reason));
    };
    page.l7files ??= {};
    page.l7file = (/** @type {string} */ file, /** @type {string} */ text) => {
      page.l7files[file] = text;
    };
    script.addEventListener("load", () => {
      const bytes = decodeBase64(page.l7files[name]);
      delete page.l7files[name];
      script.remove();
      onBytes(bytes.length);
      resolve(bytes);
    });
    script.addEventListener("error", () => fail(`${url.pathname} was not found`));
    signal.addEventListener("abort", () => fail("cancelled"));
    script.src = String(url);
    document.head.append(script);
  });
}

/**
 * @param {string} name
 * @param {Progress} progress
 * @returns {Promise<Uint8Array>} compressed with gzip, unless a server has unpacked it
 */
export async function readFile(name, progress) {
  const part = embeddedFile(name);
  if (part) {
    const bytes = decodeBase64(part.textContent ?? "");
    progress.onBytes(bytes.length);
    return bytes;
  }
  const folder = new URL("networks/", offerElement()?.src ?? location.href);
  if (isOnDisk()) return runFile(name, new URL(`${name}.gz.js`, folder), progress);
  return fetchFile(new URL(`${name}.gz`, folder), progress);
}
