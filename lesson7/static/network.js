// The networks of a page: loaded when the reader asks for one, and then used by all explorers.

import { createAnswers } from "./answers.js";
import { button } from "./controls.js";
import { html, note, setAttributes, setText } from "./dom.js";
import { capitalize } from "./format.js";
import { readFile, readOffers, transferSize } from "./network.files.js";
import { serveNetworks } from "./network.worker.js";

/** @import { Source } from "./answers.js" */
/** @import { Frame, View } from "./frame.js" */
/** @import { Offer } from "./network.files.js" */

/**
 * What is known of a network when it is loaded.
 * @typedef {object} About
 * @property {string} label
 * @property {string} note
 * @property {string[]} classes
 * @property {number} size of the images that it was trained on, pixels
 * @property {number[]} mean of its normalization
 * @property {number[]} std
 * @property {"softmax" | "sigmoid" | "none"} activation
 */

/** @typedef {{ name: string, about: About, source: Source }} PageNetwork */

/**
 * @typedef {object} Loading
 * @property {number} received bytes
 * @property {number} total bytes
 * @property {AbortController} controller
 */

const PAGE_DEFAULT = "lite0"; // of explorers that have no network of their own
const RUNTIME_FILES = ["runtime.js", "runtime.wasm"];
const MEGABYTE = 1e6;

/**
 * A network's outputs as probabilities.
 * @param {Float32Array} outputs
 * @param {About["activation"]} activation
 */
export function activate(outputs, activation) {
  if (activation === "none") return outputs;
  if (activation === "sigmoid") return outputs.map((value) => 1 / (1 + Math.exp(-value)));
  const largest = outputs.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(outputs, (value) => Math.exp(value - largest));
  const total = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / total);
}

/**
 * Starts the worker. It is a classic one: pages from disk allow no module.
 * @param {string} runtime text of the script
 * @param {(reason: string) => void} onEnd called when the worker has failed
 */
function startWorker(runtime, onEnd) {
  const source = `${runtime}\n(${serveNetworks})(self, self.ort);`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  let count = 0;

  worker.onmessage = ({ data: { id, result, error } }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error) call?.reject(new Error(error));
    else call?.resolve(result);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message || "this browser does not start it";
    close(reason);
    onEnd(reason);
  };

  /** @param {string} reason */
  function close(reason) {
    worker.terminate();
    URL.revokeObjectURL(url);
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
  }

  /**
   * @param {string} action
   * @param {Record<string, any>} message
   * @param {Transferable[]} [moved] buffers of the message that the page needs no more
   * @returns {Promise<any>}
   */
  function call(action, message, moved = []) {
    count += 1;
    const id = count;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, action, ...message }, moved);
    });
  }
  return { call, close };
}

/** @param {Uint8Array} bytes compressed with gzip, unless a server has unpacked them */
async function unpackText(bytes) {
  const data = /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const stream = new Blob([data]).stream();
  const plain = isZipped ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
  return new Response(plain).text();
}

/**
 * Those that a page offers, with the worker that runs them.
 * @param {Record<string, Offer>} offers
 */
function createNetworks(offers) {
  /** @type {ReturnType<typeof startWorker> | null} */
  let worker = null;
  let failure = ""; // why the worker ended
  /** @type {Map<string, PageNetwork>} */
  const loaded = new Map();
  /** @type {Map<string, Loading>} */
  const loading = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();
  const showChange = () => {
    for (const listener of listeners) listener();
  };

  /** @param {string} reason */
  function forget(reason) {
    worker = null;
    loaded.clear();
    failure = reason;
    showChange();
  }

  /** @param {string} name */
  function neededFiles(name) {
    if (loaded.has(name)) return [];
    const files = Object.entries(offers[name].files);
    return worker ? files.filter(([file]) => !RUNTIME_FILES.includes(file)) : files;
  }

  /**
   * Bytes that loading networks transfers.
   * @param {string[]} names
   */
  function cost(names) {
    const sizes = Object.fromEntries(names.flatMap(neededFiles));
    return transferSize(Object.values(sizes).reduce((sum, size) => sum + size, 0));
  }

  /**
   * @param {string} name
   * @param {Loading} state
   */
  async function readFiles(name, state) {
    const progress = {
      signal: state.controller.signal,
      /** @param {number} bytes */
      onBytes(bytes) {
        state.received += bytes;
        showChange();
      },
    };
    const names = neededFiles(name).map(([file]) => file);
    const contents = await Promise.all(names.map((file) => readFile(file, progress)));
    progress.signal.throwIfAborted();
    return Object.fromEntries(names.map((file, i) => [file, contents[i]]));
  }

  /**
   * @param {string} name
   * @param {Record<string, Uint8Array>} contents
   */
  async function open(name, contents) {
    const started = worker ?? startWorker(await unpackText(contents["runtime.js"]), forget);
    try {
      if (!worker) await started.call("start", { wasm: contents["runtime.wasm"] });
      await started.call("open", { name, network: contents[`${name}.onnx`] });
    } catch (error) {
      if (!worker) started.close("closed");
      throw error;
    }
    worker = started;
    /** @type {About} */
    const about = JSON.parse(await unpackText(contents[`${name}.json`]));
    loaded.set(name, { name, about, source: networkSource(name, about) });
  }

  /**
   * @param {string} name
   * @param {About} about
   * @returns {Source}
   */
  function networkSource(name, { activation }) {
    return {
      name: "page",
      isReady: () => loaded.has(name),
      prepare: ({ tensors }) => tensors.length, // to read them makes them
      async answer({ tensors, size }) {
        if (!worker) throw new Error("The network is not loaded.");
        const made = [...tensors];
        const buffers = made.map(({ buffer }) => /** @type {ArrayBuffer} */ (buffer));
        const rows = await worker.call("run", { name, tensors: made, size }, buffers);
        return rows.map((/** @type {Float32Array} */ row) => activate(row, activation));
      },
    };
  }

  /**
   * Loads a network once; raises an error where the browser cannot, or the reader cancels.
   * @param {string} name
   */
  async function load(name) {
    const known = loaded.get(name);
    if (known) return known;
    const total = neededFiles(name).reduce((sum, [, size]) => sum + size, 0);
    const state = { received: 0, total, controller: new AbortController() };
    loading.set(name, state);
    showChange();
    try {
      await open(name, await readFiles(name, state));
    } finally {
      loading.delete(name);
      showChange();
    }
    return /** @type {PageNetwork} */ (loaded.get(name));
  }

  return {
    offers,
    cost,
    load,
    getFailure: () => failure,
    /** @param {Record<string, Offer>} others networks of one explorer */
    add: (others) => Object.assign(offers, others),
    /** @param {string} name */
    get: (name) => loaded.get(name) ?? null,
    /** @param {string} name */
    getLoading: (name) => loading.get(name) ?? null,
    /** @param {string} name */
    cancel: (name) => loading.get(name)?.controller.abort(),
    /** @param {() => void} listener called when something is loaded or loading */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** @typedef {ReturnType<typeof createNetworks>} Networks */

/** @returns {Networks} those of the page; its explorers share them */
function pageNetworks() {
  const page = /** @type {any} */ (globalThis);
  page.l7networks ??= createNetworks(readOffers());
  return page.l7networks;
}

/** @param {number} bytes */
function formatSize(bytes) {
  return `${(bytes / MEGABYTE).toFixed(bytes < MEGABYTE ? 1 : 0)} MB`;
}

/**
 * What a reader is told about the networks of an explorer.
 * @param {Offer[]} offers
 */
function describeOffers(offers) {
  const [{ label, note: about }] = offers;
  if (offers.length > 1)
    return { label: "both networks", answers: "Both networks answer, in this page." };
  return { label, answers: capitalize(`${label} answers, in this page. ${about}`.trim()) };
}

/**
 * The button that loads networks and turns them on and off, with the progress of loading.
 * @param {Networks} networks
 * @param {string[]} names
 * @param {{ isOn: boolean, message: string, toggle: () => void }} options
 */
function networkControl(networks, names, { isOn, message, toggle }) {
  const { label, answers } = describeOffers(names.map((name) => networks.offers[name]));
  const findLoading = () => names.find((name) => networks.getLoading(name)) ?? "";
  const attributes = { class: "l7-network", role: "group", "aria-label": "Network" };
  const node = html("div", { ...attributes, "data-answers": isOn ? "page" : "" });
  const run = button(node, "", toggle);
  const progress = html("progress", { "aria-label": `Loading ${label}` });
  const cancel = button(node, "Cancel", () => networks.cancel(findLoading()));
  const text = note({ spoken: true });
  cancel.before(progress);
  node.append(text);

  function show() {
    const loading = networks.getLoading(findLoading());
    const cost = networks.cost(names);
    const price = cost ? ` · ${formatSize(cost)}` : "";
    setText(run, isOn ? `Stop ${label}` : `Run ${label} here${price}`);
    for (const part of [progress, cancel]) part.hidden = !loading;
    run.hidden = loading !== null;
    if (loading) setAttributes(progress, { max: loading.total, value: loading.received });
    setText(text, loading ? `Loading ${label}` : message || (isOn ? answers : ""));
  }
  show();
  return { node, run, show };
}

/**
 * Elements of explorers for which a network answers, also when they are shown again.
 * @type {WeakSet<HTMLElement>}
 */
const answering = new WeakSet();

/**
 * Shows an explorer; where its page offers a network, with the button that runs it. The explorer is
 * built again when the network starts or ends to answer; its state stays.
 * @param {View} view
 * @param {(network: PageNetwork | null, networks: PageNetwork[]) => Promise<Frame>} buildWith the
 *   first network that answers, and all of them
 * @returns {Promise<() => void>} closes it
 */
export async function showWithNetwork({ model, el }, buildWith) {
  const networks = pageNetworks();
  const { names, offers } = ownNetworks(model.get("network"));
  networks.add(offers);
  const found = answering.has(el) ? names.flatMap((name) => networks.get(name) ?? []) : [];
  const loaded = found.length === names.length ? found : [];
  /** @param {PageNetwork[]} all */
  const build = (all) => buildWith(all[0] ?? null, all);
  let frame = await build(loaded);
  const canRun = names.length > 0 && names.every((name) => networks.offers[name]);
  if (!canRun) return () => frame.close();
  let isOn = loaded.length > 0;
  let isClosed = false;
  /** @type {ReturnType<typeof networkControl>} */
  let control;
  let stopListening = () => {};

  /** @param {string} [message] */
  function addControl(message = "") {
    stopListening();
    control = networkControl(networks, names, { isOn, message, toggle });
    frame.tools.before(control.node);
    const stop = networks.onChange(() => {
      if (isOn && !names.every((name) => networks.get(name))) stopAfterFailure();
      else control.show();
    });
    stopListening = () => stop();
  }

  async function stopAfterFailure() {
    stopListening();
    await change(false);
    control.node.remove();
    addControl(`The network ended: ${networks.getFailure()}`);
  }

  /** @param {boolean} next whether the network answers */
  async function change(next) {
    const all = [];
    for (const name of next ? names : []) all.push(await networks.load(name));
    if (isClosed) return;
    const built = await build(all);
    const old = frame;
    const hadFocus = old.root.contains(document.activeElement);
    old.close();
    old.root.remove();
    frame = built;
    isOn = next;
    if (isOn) answering.add(el);
    else answering.delete(el);
    addControl();
    if (hadFocus) control.run.focus({ preventScroll: true });
  }

  async function toggle() {
    try {
      await change(!isOn);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      const isCancelled = error instanceof DOMException && error.name === "AbortError";
      control.node.remove();
      addControl(isCancelled ? "" : `The network cannot run in this browser: ${reason}`);
    }
  }

  addControl();
  return () => {
    isClosed = true;
    stopListening();
    frame.close();
  };
}

/**
 * The networks that an explorer uses.
 * @param {{ names?: string[], offers?: Record<string, Offer> } | undefined} own
 */
function ownNetworks(own) {
  return { names: own?.names ?? [PAGE_DEFAULT], offers: own?.offers ?? {} };
}

const KEPT_ROWS = 400; // of 1,000 numbers each

/**
 * The rows that a network gave, by keys; those that are missing are asked for.
 * @param {{ name?: string, about: { size: number }, source: Source }} network
 */
export function networkRows({ about, source }) {
  const answers = createAnswers([source]);
  /** @type {Map<string, number[]>} */
  const rows = new Map();
  let newest = ""; // keys of the question that was asked last and has no answer yet

  /**
   * @param {string[]} keys
   * @param {(key: string) => Float32Array} makeTensor [C,H,W], normalized
   * @param {(key: string) => number} [sizeOf] size of an image, pixels; where sizes differ, those
   *   of the first size are asked for
   * @returns {Promise<boolean>} whether there are new rows
   */
  async function request(keys, makeTensor, sizeOf = () => about.size) {
    const lacking = [...new Set(keys.filter((key) => !rows.has(key)))];
    if (!lacking.length) return false;
    const size = sizeOf(lacking[0]);
    const missing = lacking.filter((key) => sizeOf(key) === size);
    const key = missing.join(" ");
    if (key === newest) return false;
    newest = key;
    /** @type {Float32Array[] | undefined} */
    let made;
    const question = {
      key,
      keys: missing,
      size,
      get tensors() {
        made ||= missing.map(makeTensor);
        return made;
      },
    };
    const answer = await answers.ask(question);
    if (newest === key) newest = "";
    answer?.rows.forEach((row, i) => {
      rows.set(missing[i], Array.from(row));
    });
    while (rows.size > KEPT_ROWS) rows.delete(rows.keys().next().value ?? "");
    return answer !== null;
  }

  return {
    request,
    getMessage: answers.getMessage,
    close: answers.close,
    /** @param {string} key */
    get: (key) => rows.get(key),
    /** @param {string} key */
    has: (key) => rows.has(key),
    /** @param {string[]} keys */
    hasAll: (keys) => keys.every((key) => rows.has(key)),
  };
}

/**
 * The rows of several networks, which are asked for the same keys.
 * @param {{ request: (keys: string[]) => Promise<boolean>, hasAll: (keys: string[]) => boolean,
 *   getMessage: () => string, close: () => void }[]} all
 */
export function rowsTogether(all) {
  return {
    /** @param {string[]} keys */
    async request(keys) {
      const found = await Promise.all(all.map((rows) => rows.request(keys)));
      return found.some(Boolean);
    },
    /** @param {string[]} keys */
    hasAll: (keys) => all.every((rows) => rows.hasAll(keys)),
    getMessage: () => all.map((rows) => rows.getMessage()).find(Boolean) ?? "",
    close() {
      for (const rows of all) rows.close();
    },
  };
}

/**
 * The part of an explorer that asks a network for what the present state needs.
 * @template State
 * @param {Frame} frame
 * @param {{ request: (keys: string[]) => Promise<boolean>, hasAll: (keys: string[]) => boolean,
 *   getMessage: () => string, close: () => void }} rows
 * @param {{ wanted: (state: State) => string[], later?: (state: State) => string[],
 *   onComplete?: (state: State) => void }} options wanted: keys that the state is shown with;
 *   later: keys that can wait; onComplete: called with a state whose rows are there
 */
export function networkPart(frame, rows, { wanted, later = () => [], onComplete = () => {} }) {
  const node = note({ spoken: true });
  let redraw = () => {};
  frame.onClose(rows.close);

  /** @param {State} state */
  async function draw(state) {
    const keys = wanted(state);
    const isComplete = rows.hasAll(keys);
    setAttributes(frame.body, { "aria-busy": !isComplete });
    frame.root.classList.toggle("l7-waiting", !isComplete);
    if (isComplete) onComplete(state);
    const isNew = await rows.request(isComplete ? later(state) : keys);
    setText(node, rows.getMessage());
    if (rows.getMessage()) frame.body.setAttribute("aria-busy", "false");
    if (isNew) redraw();
  }
  return {
    node,
    draw,
    /** @param {() => void} next draws the explorer again */
    setRedraw(next) {
      redraw = next;
    },
  };
}
