// Random choices. Tests replace `globalThis.l7random`, which is otherwise `Math.random`.

/**
 * @param {number} count
 * @returns {number} a whole number from 0 to count - 1
 */
export function randomInt(count) {
  const random = /** @type {any} */ (globalThis).l7random ?? Math.random;
  return Math.floor(random() * count);
}

/**
 * @template T
 * @param {T[]} list
 * @returns {T}
 */
export function randomChoice(list) {
  return list[randomInt(list.length)];
}
