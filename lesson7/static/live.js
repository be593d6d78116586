// Sentences and formulas whose numbers follow the state; those of the state can be changed.

import { html, mathElement, setAttributes, setText } from "./dom.js";
import { addScrub } from "./scrub.js";

/** @import { Frame } from "./frame.js" */

/**
 * A number that follows the state.
 * @typedef {object} Quantity
 * @property {string} name unique in its line; parts of the picture with the same `data-source` are
 *   highlighted with it
 * @property {number} value at full precision
 * @property {string} text the number as it is shown
 * @property {string} [scrub] name of the binding that dragging the number changes
 * @property {string} [source] what is highlighted with it, unless it is `name`
 */

/** @typedef {{ tag: string, children: LiveNode[] }} LiveElement */
/** @typedef {string | Quantity | LiveElement} LiveNode */

/** @param {string} text */
export const identifier = (text) => ({ tag: "mi", children: [text] });
/** @param {string | number} text */
export const constant = (text) => ({ tag: "mn", children: [String(text)] });
/** @param {string} text */
export const operator = (text) => ({ tag: "mo", children: [text] });
/** @param {...LiveNode} children */
export const mathRow = (...children) => ({ tag: "mrow", children });
/** @param {string} text */
export const mathText = (text) => ({ tag: "mtext", children: [text] });

/**
 * @param {LiveNode[]} above
 * @param {LiveNode[]} below
 */
export const fraction = (above, below) => ({
  tag: "mfrac",
  children: [mathRow(...above), mathRow(...below)],
});

/**
 * @param {LiveNode} base
 * @param {LiveNode} index
 */
export const subscript = (base, index) => ({ tag: "msub", children: [base, index] });

/**
 * @param {LiveNode} base
 * @param {LiveNode} exponent
 */
export const power = (base, exponent) => ({ tag: "msup", children: [base, exponent] });

/**
 * @param {LiveNode} node
 * @returns {node is Quantity}
 */
function isQuantity(node) {
  return typeof node !== "string" && "value" in node;
}

/**
 * What must be equal for the elements of a line to be kept: all but its texts and numbers.
 * @param {LiveNode} node
 * @returns {string}
 */
function shapeOf(node) {
  if (typeof node === "string") return "text";
  if (isQuantity(node)) return `#${node.name} ${node.scrub ?? ""}`;
  return `${node.tag}(${node.children.map(shapeOf).join()})`;
}

/**
 * The texts and numbers of a line, in order.
 * @param {LiveNode} node
 * @returns {(string | Quantity)[]}
 */
function leavesOf(node) {
  if (typeof node === "string" || isQuantity(node)) return [node];
  return node.children.flatMap(leavesOf);
}

/**
 * @param {Frame} frame
 * @param {Quantity} quantity
 * @param {boolean} isMath
 */
function numberElement(frame, { name, scrub, source = name }, isMath) {
  const node = isMath ? mathElement("mn") : html("span");
  node.classList.add("l7-number");
  node.dataset.name = name;
  node.dataset.source = source;
  const showScrub = scrub ? addScrub(frame, node, scrub) : () => {};

  /** @param {Quantity} quantity */
  function draw({ value, text }) {
    setText(node, text);
    node.dataset.value = String(value);
    showScrub();
  }
  return { node, draw };
}

/**
 * Fills `node`, a paragraph or a `<math>`, with text and numbers. The elements are kept while the
 * line has the same form, so that a number that is being changed keeps the focus.
 * @param {Frame} frame
 * @param {HTMLElement | MathMLElement} node
 */
export function liveLine(frame, node) {
  const isMath = !(node instanceof HTMLElement);
  let shape = "";
  /** @type {((leaf: any) => void)[]} */
  let drawLeaves = [];

  /**
   * @param {LiveNode} item
   * @returns {Node}
   */
  function build(item) {
    if (typeof item === "string") {
      const text = document.createTextNode("");
      drawLeaves.push((/** @type {string} */ leaf) => {
        if (text.data !== leaf) text.data = leaf;
      });
      return text;
    }
    if (isQuantity(item)) {
      const number = numberElement(frame, item, isMath);
      drawLeaves.push(number.draw);
      return number.node;
    }
    const element = isMath ? mathElement(item.tag) : document.createElement(item.tag);
    element.append(...item.children.map(build));
    return element;
  }

  /** @param {LiveNode[]} items */
  function rebuild(items) {
    const focused = /** @type {HTMLElement | null} */ (node.querySelector(":focus"));
    drawLeaves = [];
    node.replaceChildren(...items.map(build));
    if (!focused) return;
    const selector = `[data-name="${CSS.escape(focused.dataset.name ?? "")}"][tabindex]`;
    /** @type {HTMLElement | null} */ (node.querySelector(selector))?.focus();
  }

  /** @param {LiveNode[]} items */
  return function draw(items) {
    const next = items.map(shapeOf).join();
    if (next !== shape) rebuild(items);
    shape = next;
    items.flatMap(leavesOf).forEach((leaf, i) => {
      drawLeaves[i](leaf);
    });
  };
}

/**
 * A formula in symbols, and the same with the numbers on screen.
 * @template State
 * @typedef {object} Formula
 * @property {LiveNode[] | ((state: State) => LiveNode[])} symbols
 * @property {string} spoken the symbols in words
 * @property {(state: State) => LiveNode[]} numbers
 */

/**
 * @template State
 * @param {Frame} frame
 * @param {Formula<State>} formula
 */
export function formulaFigure(frame, { symbols, spoken, numbers }) {
  const symbolic = mathElement("math");
  const numeric = mathElement("math");
  const drawSymbols = liveLine(frame, symbolic);
  const drawNumbers = liveLine(frame, numeric);
  // No role of `math`: its children would be hidden from screen readers, and these are sliders.
  setAttributes(numeric, { role: "group", "aria-label": "the same with the present numbers" });
  const group = { class: "l7-formula", role: "group", "aria-label": spoken };
  const node = html("div", group, symbolic, numeric);

  /** @param {State} state */
  function draw(state) {
    drawSymbols(typeof symbols === "function" ? symbols(state) : symbols);
    drawNumbers(numbers(state));
  }
  return { node, draw };
}
