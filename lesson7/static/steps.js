// Guided steps: each sets a state, asks a question, and shows the answer once the reader has moved.

import { html, note, setText } from "./dom.js";
import { keepHighlight } from "./highlight.js";
import { scrollToPicture } from "./panels.js";

/** @import { Frame } from "./frame.js" */

/**
 * @typedef {object} Step as `Step` in Python
 * @property {string} title
 * @property {Record<string, any>} state
 * @property {string} question
 * @property {string} answer
 * @property {string} look `data-source` of what is highlighted; "": nothing
 * @property {string[]} move traits of which the reader changes one; empty: any
 */

const MOVE_TIME = 300; // milliseconds, at most, that a change of state by a step takes

/**
 * @param {any} from number, or list of numbers
 * @param {any} to of the same form
 * @param {number} share of the way
 * @returns {any}
 */
function between(from, to, share) {
  if (!Array.isArray(to)) return from + (to - from) * share;
  return to.map((value, i) => between(from[i], value, share));
}

/**
 * Sets the state, `animated` traits gradually unless the reader prefers no motion.
 * @param {Frame} frame
 * @param {Record<string, any>} state
 * @param {string[]} animated numbers and lists of numbers, which may have any value between two
 * @param {() => void} done
 */
function moveTo(frame, state, animated, done) {
  const names = animated.filter((name) => name in state);
  const from = frame.snapshot(names);
  const isSameForm = names.every((name) => from[name]?.length === state[name]?.length);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isStill || !isSameForm || !names.length) {
    frame.setAll(state);
    done();
    return;
  }
  const start = performance.now();
  frame.setAll({ ...state, ...from });

  /** @param {number} time */
  function advance(time) {
    const share = Math.min(1, Math.max(0, (time - start) / MOVE_TIME));
    for (const name of names) {
      const value = share === 1 ? state[name] : between(from[name], state[name], share);
      frame.setHere(name, value);
    }
    if (share < 1) requestAnimationFrame(advance);
    else {
      frame.setAll(state);
      done();
    }
  }
  requestAnimationFrame(advance);
}

function stepElements() {
  const position = html("strong");
  const question = note({ spoken: true });
  const answer = note({ spoken: true });
  const back = html("button", { type: "button" }, "Back");
  const reveal = html("button", { type: "button" }, "Show answer");
  const next = html("button", { type: "button" }, "Next");
  answer.classList.add("l7-answer");
  const buttons = html("div", { class: "l7-row" }, back, reveal, next);
  const group = { class: "l7-panel l7-steps", role: "group", "aria-label": "Steps" };
  const node = html("div", group, position, question, answer, buttons);
  return { node, position, question, answer, back, reveal, next };
}

/**
 * @param {Frame} frame
 * @param {{ traits: string[], animated: string[], steps: Step[], close: () => void }} options
 */
export function stepsPanel(frame, { traits, animated, steps, close }) {
  const elements = stepElements();
  let index = 0;
  let isOpen = false;
  let isWaiting = false; // for the reader's move
  let stateAtStart = "";

  const isLast = () => index === steps.length - 1;

  /** The traits of which the reader changes one, as text. */
  function stateOfMove() {
    const { move } = steps[index];
    return JSON.stringify(frame.snapshot(move.length ? move : traits));
  }

  function showAnswer() {
    isWaiting = false;
    setText(elements.answer, steps[index].answer);
    elements.reveal.hidden = true;
  }

  /** @param {number} i */
  function show(i) {
    index = i;
    const { title, state, question, look } = steps[i];
    setText(elements.position, `${i + 1} of ${steps.length}: ${title}`);
    setText(elements.question, question);
    setText(elements.answer, "");
    elements.reveal.hidden = false;
    elements.back.disabled = i === 0;
    setText(elements.next, isLast() ? "Close" : "Next");
    isWaiting = false;
    moveTo(frame, state, animated, () => {
      // Changes that the step itself makes are not the reader's.
      queueMicrotask(() => {
        isWaiting = isOpen && index === i && elements.answer.textContent === "";
        stateAtStart = stateOfMove();
      });
      keepHighlight(frame.root, look);
      requestAnimationFrame(() => scrollToPicture(frame)); // it is drawn by then
    });
  }

  /** A link to a pin sets its state and back again, which is no move. */
  function showAnswerAfterMove() {
    if (isWaiting && stateOfMove() !== stateAtStart) showAnswer();
  }

  frame.on(traits, () => {
    if (isWaiting) queueMicrotask(showAnswerAfterMove);
  });
  /**
   * Shows a step, with the focus on the button for its answer.
   * @param {number} i
   */
  function goTo(i) {
    show(i);
    elements.reveal.focus({ preventScroll: true });
  }
  elements.back.addEventListener("click", () => goTo(index - 1));
  elements.next.addEventListener("click", () => (isLast() ? close() : goTo(index + 1)));
  elements.reveal.addEventListener("click", () => {
    showAnswer();
    elements.next.focus({ preventScroll: true });
  });

  function onOpen() {
    isOpen = true;
    goTo(index);
  }

  function onClose() {
    isOpen = false;
    isWaiting = false;
    keepHighlight(frame.root, "");
  }
  return { node: elements.node, onOpen, onClose };
}
