// The model in the kernel: asked by anywidget's custom messages, one question at a time.

import { uniqueId } from "./dom.js";
import { networkRows } from "./network.js";

/** @import { Source } from "./answers.js" */
/** @import { Model } from "./frame.js" */

const LATE = 1500; // milliseconds without an answer after which a kernel counts as busy
const LOST = 30_000; // after which a question is given up, and the kernel is asked if it is there
const ANSWERS = "The model in the kernel answers.";
const BUSY = "The kernel does not answer: these predictions were computed before.";

/** Milliseconds; tests set them. */
function lateAfter() {
  return /** @type {any} */ (globalThis).l7late ?? LATE;
}

/**
 * @typedef {object} Waiting
 * @property {string} id
 * @property {(rows: Float32Array[]) => void} resolve
 * @property {(error: Error) => void} reject
 */

/**
 * The rows of an answer.
 * @param {{ shape: [number, number] }} content
 * @param {DataView[]} buffers
 */
function answerRows({ shape: [count, length] }, [view]) {
  return Array.from({ length: count }, (_, i) => {
    const start = view.byteOffset + 4 * i * length;
    return new Float32Array(view.buffer.slice(start, start + 4 * length));
  });
}

/**
 * The kernel of an explorer whose model answers there; null where there is none.
 * @param {Model} model
 * @param {(keys: string[]) => Record<string, any>} ask makes a question of the keys of its rows
 */
export function connectKernel(model, ask) {
  if (!model.get("kernel")) return null;
  const name = uniqueId();
  /** @type {Waiting | null} */
  let waiting = null;
  let count = 0;
  let isReady = false;
  let isLate = false;
  let lateTimer = 0;
  let lostTimer = 0;
  let showChange = () => {};

  /** @param {boolean} isThere */
  function setReady(isThere) {
    const isChange = isReady !== isThere || isLate === isThere;
    isReady = isThere;
    isLate = !isThere;
    if (isChange) showChange();
  }

  function stopTimers() {
    clearTimeout(lateTimer);
    clearTimeout(lostTimer);
  }

  function giveUp() {
    waiting?.reject(new Error("the kernel has not answered"));
    greet();
  }

  /**
   * @param {Record<string, any>} question
   * @returns {Promise<Float32Array[]>}
   */
  function send(question) {
    count += 1;
    const id = `${name} ${count}`;
    stopTimers();
    lateTimer = setTimeout(() => setReady(false), lateAfter());
    lostTimer = setTimeout(giveUp, LOST);
    return new Promise((resolve, reject) => {
      waiting = { id, resolve, reject };
      model.send?.({ kind: "question", id, question });
    });
  }

  /** Asks nothing: a kernel that answers is ready. */
  function greet() {
    send({}).catch(() => {});
  }

  /**
   * @param {{ kind: string, id: string, shape: [number, number], error?: string }} content
   * @param {DataView[]} buffers
   */
  function receive(content, buffers) {
    if (content.kind !== "answer" || content.id !== waiting?.id) return;
    const { resolve, reject } = waiting;
    waiting = null;
    stopTimers();
    if (content.error) reject(new Error(content.error));
    else resolve(answerRows(content, buffers));
    setReady(true);
  }

  function close() {
    stopTimers();
    model.off("msg:custom", receive);
  }

  /** @type {Source} */
  const source = {
    name: "kernel",
    isReady: () => isReady,
    answer: ({ keys = [] }) => send(ask(keys)),
  };
  model.on("msg:custom", receive);
  greet();
  return {
    source,
    close,
    isReady: () => isReady,
    isLate: () => isLate,
    describe: () => (isReady ? ANSWERS : isLate && BUSY) || "",
    /** @param {() => void} listener called when the kernel becomes ready, or does not answer */
    onChange(listener) {
      showChange = listener;
    },
  };
}

/** @typedef {NonNullable<ReturnType<typeof connectKernel>>} Kernel */

/**
 * The rows that the kernel gave. Where it does not answer, those computed before are shown.
 * @param {Kernel} kernel
 */
export function kernelRows(kernel) {
  const rows = networkRows({ about: { size: 0 }, source: kernel.source });
  let failed = ""; // keys of the question that has no answer
  /** @type {{ group: any, rows: number[][] }} */
  let latest = { group: null, rows: [] };

  /** @param {string[]} keys */
  const known = (keys) => keys.map((key) => rows.get(key) ?? []);

  /**
   * @param {string[]} keys
   * @returns {Promise<boolean>} whether something else is to be drawn
   */
  async function request(keys) {
    if (!keys.length || !kernel.isReady()) return false;
    const isNew = await rows.request(keys, () => new Float32Array());
    const isFailure = !isNew && rows.getMessage() !== "";
    failed = isFailure ? String(keys) : "";
    return isNew || isFailure;
  }

  /**
   * The rows of keys; until they are there, those that were shown last.
   * @param {string[]} keys
   * @param {any} group of keys whose rows have the same classes
   * @returns {number[][] | null} null: there are none
   */
  function lookup(keys, group) {
    if (rows.hasAll(keys)) {
      latest = { group, rows: known(keys) };
      return latest.rows;
    }
    const canWait = kernel.isReady() && !failed && latest.group === group;
    return canWait && latest.rows.length === keys.length ? latest.rows : null;
  }

  function close() {
    rows.close();
    kernel.close();
  }

  return {
    request,
    lookup,
    close,
    has: rows.has,
    latest: () => latest.rows,
    getMessage: () => rows.getMessage() || kernel.describe(),
    /**
     * Whether nothing is to be waited for.
     * @param {string[]} keys
     */
    hasAll: (keys) => !kernel.isReady() || String(keys) === failed || rows.hasAll(keys),
  };
}
