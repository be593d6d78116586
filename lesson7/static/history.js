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

export class History {
  /** @type {Snapshot[]} */
  #past = [];
  /** @type {Snapshot[]} */
  #future = [];
  #pending = 0;
  #isPaused = false; // while a question is open

  /**
   * @param {Frame} frame
   * @param {string[]} traits
   * @param {() => void} showChange called when undo or redo becomes possible or impossible
   */
  constructor(frame, traits, showChange) {
    this.frame = frame;
    this.traits = traits;
    this.showChange = showChange;
    this.start = frame.snapshot(traits);
    this.present = this.start;
    frame.on(traits, () => this.#schedule());
    frame.root.addEventListener("keydown", (event) => this.#pressKey(event));
    frame.onClose(() => clearTimeout(this.#pending));
  }

  get canUndo() {
    return !this.#isPaused && this.#past.length > 0;
  }

  get canRedo() {
    return !this.#isPaused && this.#future.length > 0;
  }

  /** @param {boolean} isPaused whether changes are no steps, and none can be undone */
  pause(isPaused) {
    this.#commit();
    this.#isPaused = isPaused;
    this.showChange();
  }

  undo() {
    if (this.#isPaused) return;
    this.#commit();
    const previous = this.#past.pop();
    if (!previous) return;
    this.#future.push(this.present);
    this.#restore(previous);
  }

  redo() {
    if (this.#isPaused) return;
    this.#commit();
    const next = this.#future.pop();
    if (!next) return;
    this.#past.push(this.present);
    this.#restore(next);
  }

  /** Sets the state that the explorer was opened with; that can be undone. */
  reset() {
    this.frame.setAll(this.start);
    this.#commit();
  }

  /** A drag, and changes that follow one another at once, are one step. */
  #schedule() {
    clearTimeout(this.#pending);
    if (this.#isPaused) return;
    this.#pending = setTimeout(() => {
      if (this.frame.isDragging) this.#schedule();
      else this.#commit();
    }, PAUSE);
  }

  #commit() {
    clearTimeout(this.#pending);
    if (this.#isPaused) return;
    const now = this.frame.snapshot(this.traits);
    if (isSame(now, this.present)) return;
    this.#past.push(this.present);
    if (this.#past.length > MOST_STEPS) this.#past.shift();
    this.#future = [];
    this.present = now;
    this.showChange();
  }

  /** @param {Snapshot} state */
  #restore(state) {
    this.present = state;
    this.frame.setAll(state);
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
