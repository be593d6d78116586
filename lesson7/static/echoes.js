// Values of a trait that Python sends back after newer ones: a host can return each change, late.

const LATEST = 1000; // milliseconds after a change in which its value may come back

/** @typedef {{ text: string, value: any, time: number }} Change */

/** Whether a view of this page sets a trait at this moment. */
const page = /** @type {{ l7setting?: boolean }} */ (globalThis);

export class Echoes {
  /** @type {Map<string, Change[]>} the changes of a trait in this view, the last one at the end */
  #changes = new Map();

  /**
   * Makes a change, and remembers it.
   * @param {string} trait
   * @param {any} value
   * @param {() => void} set
   */
  change(trait, value, set) {
    const time = performance.now();
    const recent = (this.#changes.get(trait) ?? []).filter((change) => time - change.time < LATEST);
    this.#changes.set(trait, [...recent, { text: JSON.stringify(value) ?? "", value, time }]);
    const wasSetting = page.l7setting;
    page.l7setting = true;
    try {
      set();
    } finally {
      page.l7setting = wasSetting;
    }
  }

  /**
   * Whether a value came back, and is not the last one. Each change is told once, so that Python
   * can go back to an earlier value.
   * @param {string} trait
   * @param {any} value
   */
  has(trait, value) {
    const changes = this.#changes.get(trait);
    if (page.l7setting || !changes) return false;
    const text = JSON.stringify(value);
    const time = performance.now();
    const last = changes[changes.length - 1];
    if (last.text === text || time - last.time > LATEST) return false;
    const index = changes.findIndex((change) => change.text === text);
    if (index < 0) return false;
    changes.splice(index, 1);
    return true;
  }

  /** @param {string} trait @returns {any} the value that this view set last */
  last(trait) {
    return this.#changes.get(trait)?.at(-1)?.value;
  }
}
