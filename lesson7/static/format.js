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
 * A text that begins with a capital letter.
 * @param {string} text
 */
export function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
