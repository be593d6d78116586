// Predictions of a model of several classes an image.

/**
 * Which classes count, for a model of several classes an image.
 * @param {number[]} values probability of each class
 * @param {string[]} classes
 * @param {number} threshold
 */
export function describeThreshold(values, classes, threshold) {
  const found = classes.filter((_, i) => values[i] > threshold);
  const names = found.join(", ") || "none";
  return `Above the threshold of ${threshold}: ${names}. The values need not sum to 1.`;
}
