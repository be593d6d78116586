// Guess: predict a number, then reveal it. All explorers of a page keep one score, which is
// neither stored nor sent.

import { html, note, uniqueId } from "./dom.js";
import { quoted, significant } from "./format.js";

/** @import { Frame } from "./frame.js" */

/**
 * What the state asks for, and why the answer is what it is.
 * @typedef {{ text: string, answer: number, tolerance: number, because: string }} Question
 */

/**
 * @typedef {object} Task
 * @property {Record<string, any>} state traits to set
 * @property {() => Question} read the question in the present state, which the reader may change
 */

/**
 * @typedef {object} GuessOptions
 * @property {() => Task} ask
 * @property {Element[]} hide what shows the answer: covered while a question is open
 * @property {Element[]} [mute] what only tells it to screen readers: hidden from these
 * @property {boolean} [signed] answers may be negative
 */

const SCORE_EVENT = "l7-score";
const ROUNDING = 1e-9;

/** @returns {{ right: number, asked: number }} the page's score */
function pageScore() {
  const page = /** @type {any} */ (globalThis);
  page.l7score ??= { right: 0, asked: 0 };
  return page.l7score;
}

/**
 * The number that a reader typed, with a point or a comma; NaN where it is none.
 * @param {string} typed
 */
function parseNumber(typed) {
  const value = Number(typed.replace(",", ".").replace("−", "-"));
  return typed && Number.isFinite(value) ? value : Number.NaN;
}

/** @param {boolean} signed */
function guessElements(signed) {
  const id = uniqueId();
  const toggle = html("button", { type: "button", "aria-pressed": "false" }, "Guess");
  const hint = html("span", {}, "Predict a number before you see it.");
  const question = html("label", { for: id, "aria-live": "polite" }, "Your guess");
  const step = html("button", { type: "button" }, "Check");
  const input = html("input", {
    ...{ id, type: "text", size: 7, maxlength: 12, autocomplete: "off" },
    inputmode: signed ? "text" : "decimal", // the decimal keys of phones lack the minus
  });
  const fields = html("div", { hidden: "" }, question, html("span", {}, input, " ", step));
  const points = html("span", { class: "l7-score" });
  const verdict = note({ spoken: true });
  const group = { class: "l7-guess", role: "group", "aria-label": "Guess" };
  const node = html("div", group, toggle, hint, fields, points, verdict);
  return { node, toggle, hint, fields, question, input, step, points, verdict };
}

/** @param {boolean} signed */
function guessPanel(signed) {
  const elements = guessElements(signed);
  const { toggle, hint, fields, input, step, verdict } = elements;

  /** @param {boolean} isPressed */
  function setPressed(isPressed) {
    toggle.setAttribute("aria-pressed", String(isPressed));
    hint.hidden = isPressed;
    fields.hidden = !isPressed;
  }

  /** @param {boolean} isOpen whether a question waits for its answer */
  function setOpen(isOpen) {
    input.readOnly = !isOpen;
    step.textContent = isOpen ? "Check" : "Next question";
  }

  function clearInput() {
    input.value = "";
    input.setAttribute("aria-invalid", "false");
    input.focus();
  }

  /**
   * @param {string} sentence
   * @param {boolean | ""} isRight "": the sentence is no verdict
   */
  function say(sentence, isRight = "") {
    verdict.textContent = sentence;
    verdict.dataset.right = String(isRight);
  }
  return { ...elements, setPressed, setOpen, clearInput, say };
}

class Guess {
  /** @type {Task | null} */
  #task = null;
  /** @type {Record<string, any> | null} */
  #stateBefore = null;
  #isOpen = false;

  /**
   * @param {Frame} frame
   * @param {string[]} traits set back when the reader stops guessing
   * @param {GuessOptions} options
   */
  constructor(frame, traits, { ask, hide, mute = [], signed = false }) {
    this.frame = frame;
    this.traits = traits;
    this.ask = ask;
    this.mute = mute;
    this.panel = guessPanel(signed);
    for (const node of hide) node.classList.add("l7-secret");
    frame.root.append(this.panel.node);
    this.#listen();
  }

  #listen() {
    const { frame, panel } = this;
    const showScore = () => this.#showScore();
    panel.toggle.addEventListener("click", () =>
      this.#stateBefore ? this.#stop() : this.#start(),
    );
    panel.step.addEventListener("click", () => this.#step());
    // No form: some frames forbid to submit one.
    panel.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.repeat) this.#step();
    });
    frame.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#stateBefore) {
        this.#stop();
        panel.toggle.focus();
      }
    });
    frame.on(this.traits, () => this.#showQuestion());
    document.addEventListener(SCORE_EVENT, showScore);
    frame.onClose(() => {
      document.removeEventListener(SCORE_EVENT, showScore);
      if (this.#stateBefore) this.#stop();
    });
  }

  #start() {
    const { model } = this.frame;
    this.#stateBefore = Object.fromEntries(this.traits.map((trait) => [trait, model.get(trait)]));
    this.panel.setPressed(true);
    this.#next();
    this.#showScore();
  }

  #stop() {
    const state = this.#stateBefore ?? {};
    this.panel.setPressed(false);
    this.#cover(false);
    this.panel.say("");
    this.#setState(state);
    this.#stateBefore = null;
    this.#showScore();
  }

  #step() {
    if (this.#isOpen) this.#check();
    else this.#next();
  }

  #next() {
    this.#task = this.ask();
    this.#cover(true);
    this.#setState(this.#task.state);
    this.#showQuestion();
    this.panel.say("");
    this.panel.clearInput();
  }

  #check() {
    const { input } = this.panel;
    const typed = input.value.trim();
    const value = parseNumber(typed);
    const isNumber = !Number.isNaN(value);
    input.setAttribute("aria-invalid", String(!isNumber));
    if (!typed) this.panel.say("Write a number first, like 0.25.");
    else if (!isNumber) this.panel.say(`${quoted(typed)} is not a number: write one like 0.25.`);
    else if (this.#task) this.#reveal(typed, value, this.#task.read());
  }

  /**
   * @param {string} typed
   * @param {number} value
   * @param {Question} question
   */
  #reveal(typed, value, { answer, tolerance, because }) {
    const score = pageScore();
    const isRight = Math.abs(value - answer) <= tolerance + ROUNDING;
    const reason = `${significant(answer)}, because ${because}.`;
    this.#cover(false);
    score.asked += 1;
    score.right += isRight ? 1 : 0;
    this.panel.say(isRight ? `Right: ${reason}` : `${typed} – it is ${reason}`, isRight);
    document.dispatchEvent(new CustomEvent(SCORE_EVENT));
  }

  /** @param {Record<string, any>} state */
  #setState(state) {
    const { model } = this.frame;
    for (const [trait, value] of Object.entries(state)) model.set(trait, value);
    model.save_changes();
  }

  /** An open question follows the controls; an answered one stays as it was asked. */
  #showQuestion() {
    if (this.#isOpen && this.#task) this.panel.question.textContent = this.#task.read().text;
  }

  #showScore() {
    const { right, asked } = pageScore();
    const isShown = this.#stateBefore && asked;
    this.panel.points.textContent = isShown ? `${right} of ${asked} on this page` : "";
  }

  /** @param {boolean} isOpen whether a question is open: its answer is covered */
  #cover(isOpen) {
    this.#isOpen = isOpen;
    this.frame.root.classList.toggle("l7-guessing", isOpen);
    for (const node of this.mute) {
      if (isOpen) node.setAttribute("aria-hidden", "true");
      else node.removeAttribute("aria-hidden");
    }
    this.panel.setOpen(isOpen);
  }
}

/**
 * Adds the button that asks questions about the explorer.
 * @param {Frame} frame
 * @param {string[]} traits the state, set back when the reader stops guessing
 * @param {GuessOptions} options
 */
export function addGuess(frame, traits, options) {
  new Guess(frame, traits, options);
}
