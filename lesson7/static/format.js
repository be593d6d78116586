// Numbers and names as text.

const LONGEST_NAME = 32; // characters

/**
 * Text of a number with a minus sign in place of the hyphen.
 * @param {string | number} text
 */
export function withMinus(text) {
  return String(text).replace("-", "−");
}

/**
 * A number with a fixed number of decimals; without a sign where they are all 0.
 * @param {number} value
 * @param {number} digits after the decimal point
 */
export function fixed(value, digits) {
  return withMinus(value.toFixed(digits)).replace(/^−(?=[0.]+$)/, "");
}

/**
 * A number rounded to three significant digits.
 * @param {number} value
 */
export function significant(value) {
  return withMinus(Number(value.toPrecision(3)));
}

/**
 * A name in a sentence: shortened, and with its writing direction isolated from the sentence's.
 * @param {string} name
 */
export function quoted(name) {
  const characters = [...name];
  const isLong = characters.length > LONGEST_NAME;
  const short = isLong ? `${characters.slice(0, LONGEST_NAME - 1).join("")}…` : name;
  return `“\u2068${short}\u2069”`;
}

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
