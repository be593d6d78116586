// In place of the scripts of networks, in a saved page that carries no network.

/** @import { Frame, View } from "./frame.js" */

/**
 * @param {View} _view
 * @param {(network: null, networks: never[]) => Promise<Frame>} build
 */
export async function showWithNetwork(_view, build) {
  const frame = await build(null, []);
  return () => frame.close();
}

// What an explorer has for a network, and does not call without one.
export const networkBars = null;
export const networkPart = null;
export const networkRows = null;
export const rowsTogether = null;
export const topClasses = null;
export const blendAnswers = null;
export const sizeAnswers = null;
