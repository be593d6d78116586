// Two workers that train networks, in slices: the newest wishes are trained first.

import { trainingSource, trainRun } from "./train.math.js";

/** @import { Draw, Evaluation, Examples, Settings } from "./train.math.js" */

/** @typedef {{ key: string, settings: Settings, draw: Draw }} Job */
/** @typedef {{ evaluations: Evaluation[], weights: Float64Array[] | null }} Run */
/** @typedef {{ key: string, evaluation?: Evaluation, weights?: Float64Array[] }} Message */
/** @typedef {{ postMessage(data: any, transfer?: any): void, terminate(): void }} Trainer */
/**
 * @typedef {object} Slot a worker and what it does
 * @property {Trainer} trainer
 * @property {Job | null} job
 * @property {number} heard time of its last message
 */

const WORKERS = 2;
const LONGEST_SILENCE = 5000; // milliseconds after which a busy worker is replaced
const REPORT_INTERVAL = 200; // milliseconds between two reports: drawing takes time from training
const FIRST_SEED = 1;
const MOST_FAILURES = 4; // after that, this thread trains
const MOST_RUNS = 60; // trainings that are kept

/**
 * The worker's program: trains one job at a time, and looks for a newer one after each slice.
 * @param {{ onmessage: any, postMessage(data: any, transfer?: any): void }} scope
 * @param {typeof trainRun} train
 */
function serveTrainings(scope, train) {
  const slice = 12; // milliseconds
  const channel = new MessageChannel();
  /** @type {any} */
  let examples = null;
  /** @type {any} */
  let job = null;
  /** @type {any} */
  let run = null;
  let isQueued = false;

  function queue() {
    if (isQueued) return;
    isQueued = true;
    channel.port2.postMessage(0);
  }

  channel.port1.onmessage = () => {
    isQueued = false;
    if (!job) return;
    const end = performance.now() + slice;
    while (performance.now() < end) {
      const { done, value } = run.next();
      if (done) {
        scope.postMessage({ key: job.key, weights: value.weights });
        job = null;
        return;
      }
      const transfer = value ? [value.logits.buffer] : [];
      if (value) scope.postMessage({ key: job.key, evaluation: value }, transfer);
    }
    queue();
  };

  scope.onmessage = (/** @type {{ data: any }} */ { data }) => {
    if (data.examples) examples = data.examples;
    if (data.isClosed) channel.port1.close();
    job = data.job ?? null;
    if (!job) return;
    run = train(examples, job.settings, job.draw);
    queue();
  };
}

/**
 * A trainer in a worker of its own. It is a classic one: pages from disk allow no module.
 * @param {(message: Message) => void} hear
 * @param {() => void} fail
 * @returns {Trainer}
 */
function workerTrainer(hear, fail) {
  const start = `(${serveTrainings})(self, trainRun);`;
  const source = `${trainingSource()}\n${start}`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url);
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url); // it has been loaded
    hear(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail();
  };
  return worker;
}

/**
 * A trainer in this thread, where a page allows no workers.
 * @param {(message: Message) => void} hear
 * @returns {Trainer}
 */
function localTrainer(hear) {
  /** @type {any} */
  const scope = { postMessage: hear, onmessage: null };
  serveTrainings(scope, trainRun);
  return {
    postMessage: (data) => scope.onmessage({ data }),
    terminate: () => scope.onmessage({ data: { isClosed: true } }),
  };
}

/**
 * @param {Examples} examples
 * @param {() => void} onChange called when a training has new numbers
 */
export function trainingPool(examples, onChange) {
  /** @type {Map<string, Run>} */
  const runs = new Map();
  /** @type {Job[]} */
  let wanted = [];
  /** @type {Slot[]} */
  let slots = [];
  let failures = 0;
  let reported = 0; // time of the last report
  let report = 0; // the next one, where it is due
  let watch = 0;

  /** @param {boolean} isUrgent does not wait for the next interval */
  function reportSoon(isUrgent) {
    if (isUrgent) clearTimeout(report);
    else if (report) return;
    const rest = Math.max(0, reported + REPORT_INTERVAL - performance.now());
    const wait = isUrgent ? 0 : rest;
    report = setTimeout(() => {
      report = 0;
      reported = performance.now();
      onChange();
    }, wait);
  }

  /** @param {Slot} slot */
  function start(slot) {
    /** @param {Message} message */
    const hear = (message) => receive(slot, message);
    const replace = () => {
      failures += 1;
      slot.trainer.terminate();
      start(slot);
      assign();
    };
    slot.job = null;
    try {
      if (failures >= MOST_FAILURES) throw new Error("Workers fail here.");
      slot.trainer = workerTrainer(hear, replace);
    } catch {
      slot.trainer = localTrainer(hear);
    }
    slot.trainer.postMessage({ examples });
  }

  /**
   * @param {Slot} slot
   * @param {Message} message
   */
  function receive(slot, { key, evaluation, weights }) {
    slot.heard = performance.now();
    if (slot.job?.key !== key) return; // a job that is no longer wanted
    const { seed } = slot.job.draw;
    const run = runs.get(key);
    if (evaluation) run?.evaluations.push(evaluation);
    if (weights) {
      if (run) run.weights = weights;
      slot.job = null;
      assign();
    }
    // The first point of a curve, and the end.
    const isFirst = seed === FIRST_SEED && run?.evaluations.length === 1;
    reportSoon(isFirst || slots.every(({ job }) => !job));
  }

  /** @param {Job} job */
  function isOpen({ key }) {
    return !runs.get(key)?.weights && slots.every(({ job }) => job?.key !== key);
  }

  /**
   * @param {Slot} slot
   * @param {Job | null} job null: nothing is to be trained
   */
  function give(slot, job) {
    if (!job && !slot.job) return;
    if (slot.job) runs.delete(slot.job.key);
    slot.job = job;
    slot.heard = performance.now();
    if (job) runs.set(job.key, { evaluations: [], weights: null });
    slot.trainer.postMessage({ job });
  }

  /** Gives each free worker the next job, and takes jobs that are not wanted from the others. */
  function assign() {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const slot of slots) {
      const isUseful = slot.job && keys.has(slot.job.key);
      if (!isUseful) give(slot, wanted.find(isOpen) ?? null);
    }
    forget(keys);
    const isTraining = slots.some(({ job }) => job);
    if (isTraining && !watch) watch = setTimeout(check, LONGEST_SILENCE / 4);
  }

  /** @param {Set<string>} keys of runs that stay */
  function forget(keys) {
    for (const key of runs.keys()) {
      if (runs.size <= MOST_RUNS) return;
      if (!keys.has(key)) runs.delete(key);
    }
  }

  /** Replaces a worker that has stopped. */
  function check() {
    watch = 0;
    const now = performance.now();
    for (const slot of slots) {
      if (!slot.job || now - slot.heard < LONGEST_SILENCE) continue;
      slot.trainer.terminate();
      start(slot);
    }
    assign();
  }

  /** @param {Job[]} jobs in the order in which they are trained */
  function want(jobs) {
    const isSame =
      jobs.length === wanted.length && jobs.every(({ key }, i) => wanted[i].key === key);
    if (isSame) return;
    wanted = jobs;
    assign();
  }

  /** Ends what is training; what is drawn of it stays until it is wanted again. */
  function stop() {
    wanted = [];
    for (const slot of slots) {
      slot.job = null;
      slot.trainer.postMessage({ job: null });
    }
  }

  function close() {
    clearTimeout(watch);
    clearTimeout(report);
    wanted = [];
    for (const { trainer } of slots) trainer.terminate();
    slots = [];
    runs.clear();
  }

  slots = Array.from({ length: WORKERS }, () => {
    /** @type {any} */
    const slot = { job: null, heard: 0 };
    start(slot);
    return slot;
  });
  return { runs, want, stop, close };
}
