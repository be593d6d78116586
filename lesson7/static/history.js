// Undo, redo and reset.

/** @import { Frame } from "./frame.js" */

const PAUSE = 400; // milliseconds without a change after which the next one is another step
const MOST_STEPS = 200;

/** @typedef {Record<string, any>} Snapshot */

/**
 * @param {Snapshot} a
 * @param {Snapshot} b
 */
function isSame(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * @typedef {object} Changes
 * @property {Snapshot} start with which the explorer was opened
 * @property {Snapshot} present
 * @property {Snapshot[]} past
 * @property {Snapshot[]} future
 */

export class History {
  #pending = 0;
  #isPaused = false; // while a question is open
  #isRestoring = false;

  /**
   * @param {Frame} frame
   * @param {string[]} traits
   * @param {() => void} showChange called when undo or redo becomes possible or impossible
   * @param {{ history?: Changes }} [kept] by an earlier frame of the explorer
   */
  constructor(frame, traits, showChange, kept = {}) {
    this.frame = frame;
    this.traits = traits;
    this.showChange = showChange;
    const start = frame.snapshot(traits);
    kept.history ??= { start, present: start, past: [], future: [] };
    /** @type {Changes} */
    this.changes = kept.history;
    frame.on(traits, () => this.#schedule());
    frame.root.addEventListener("keydown", (event) => this.#pressKey(event));
    frame.onClose(() => this.commit());
  }

  get canUndo() {
    return !this.#isPaused && this.changes.past.length > 0;
  }

  get canRedo() {
    return !this.#isPaused && this.changes.future.length > 0;
  }

  /** @param {boolean} isPaused whether changes are no steps, and none can be undone */
  pause(isPaused) {
    this.commit();
    this.#isPaused = isPaused;
    this.showChange();
  }

  undo() {
    if (this.#isPaused) return;
    this.commit();
    const previous = this.changes.past.pop();
    if (!previous) return;
    this.changes.future.push(this.changes.present);
    this.#restore(previous);
  }

  redo() {
    if (this.#isPaused) return;
    this.commit();
    const next = this.changes.future.pop();
    if (!next) return;
    this.changes.past.push(this.changes.present);
    this.#restore(next);
  }

  /** Sets the state that the explorer was opened with; that can be undone. */
  reset() {
    this.frame.setAll(this.changes.start);
    this.commit();
  }

  /** A drag, and changes that follow one another at once, are one step. */
  #schedule() {
    clearTimeout(this.#pending);
    if (this.#isPaused) return;
    this.#pending = setTimeout(() => {
      if (this.frame.isDragging) this.#schedule();
      else this.commit();
    }, PAUSE);
  }

  /** Makes one step of what has changed. */
  commit() {
    clearTimeout(this.#pending);
    if (this.#isPaused || this.#isRestoring) return;
    const { changes } = this;
    const now = this.frame.snapshot(this.traits);
    if (isSame(now, changes.present)) return;
    changes.past.push(changes.present);
    if (changes.past.length > MOST_STEPS) changes.past.shift();
    changes.future = [];
    changes.present = now;
    this.showChange();
  }

  /** @param {Snapshot} state */
  #restore(state) {
    this.changes.present = state;
    this.#isRestoring = true;
    this.frame.setAll(state);
    this.#isRestoring = false;
    this.showChange();
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const key = event.key.toLowerCase();
    const isUndo = key === "z" && !event.shiftKey;
    const isRedo = (key === "z" && event.shiftKey) || key === "y";
    if (this.#isPaused) return; // the keys undo what was typed as an answer
    if (!(event.ctrlKey || event.metaKey) || !(isUndo || isRedo)) return;
    event.preventDefault();
    if (isUndo) this.undo();
    else this.redo();
  }
}
