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

/**
 * @template T
 * @param {T[]} list
 * @returns {T[]} the same elements in a random order
 */
export function randomOrder(list) {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
