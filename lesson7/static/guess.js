// Guess mode: you predict a number, then see the answer. All explorers of a page share one score,
// which is not saved.

import { html, note, uniqueId } from "./dom.js";
import { quoted, significant } from "./format.js";

/** @import { Frame } from "./frame.js" */
/** @import { Panels } from "./panels.js" */

/**
 * A question about the explorer's state, with its answer, accepted error and explanation.
 * @typedef {{ text: string, answer: number, tolerance: number, because: string }} Question
 */

/**
 * @typedef {object} Task
 * @property {Record<string, any>} state traits to set
 * @property {() => Question} getQuestion in the present state, which the reader may change
 */

/**
 * @typedef {object} GuessOptions
 * @property {() => Task} createTask
 * @property {Element[]} answerElements show the answer: hidden while a question is open
 * @property {Element[]} [ariaHiddenElements] show it to screen readers only: hidden from these
 * @property {boolean} [allowNegative] answers may be negative
 */

const SCORE_EVENT = "l7-score";
const ROUNDING = 1e-9;

/** @returns {{ correct: number, answered: number }} the page's score */
function pageScore() {
  const page = /** @type {any} */ (globalThis);
  page.l7score ??= { correct: 0, answered: 0 };
  return page.l7score;
}

/**
 * The number that a reader typed, with a point or a comma; NaN if the text is not a number.
 * @param {string} typed
 */
function parseNumber(typed) {
  const value = Number(typed.replace(",", ".").replace("−", "-"));
  return typed && Number.isFinite(value) ? value : Number.NaN;
}

/** @param {boolean} allowNegative */
function guessElements(allowNegative) {
  const id = uniqueId();
  const question = html("label", { for: id, "aria-live": "polite" }, "Your guess");
  const submit = html("button", { type: "button" }, "Check");
  const input = html("input", {
    id,
    type: "text",
    size: 7,
    maxlength: 12,
    autocomplete: "off",
    inputmode: allowNegative ? "text" : "decimal", // the decimal keys of phones lack the minus
  });
  const fields = html("div", {}, question, html("span", {}, input, " ", submit));
  const scoreText = html("span", { class: "l7-score" });
  const message = note({ spoken: true });
  const group = { class: "l7-panel l7-guess", role: "group", "aria-label": "Guess" };
  const node = html("div", group, fields, scoreText, message);
  return { node, question, input, submit, scoreText, message };
}

/** @param {boolean} allowNegative */
function guessPanel(allowNegative) {
  const elements = guessElements(allowNegative);
  const { input, submit, message } = elements;

  /** @param {boolean} isOpen whether the question is unanswered */
  function setOpen(isOpen) {
    input.readOnly = !isOpen;
    submit.textContent = isOpen ? "Check" : "Next question";
  }

  function clearInput() {
    input.value = "";
    input.setAttribute("aria-invalid", "false");
    input.focus();
  }

  /**
   * @param {string} sentence
   * @param {boolean | ""} isRight "": the message is not a result
   */
  function showMessage(sentence, isRight = "") {
    message.textContent = sentence;
    message.dataset.right = String(isRight);
  }
  return { ...elements, setOpen, clearInput, showMessage };
}

/** Adds the button that asks questions about the explorer. */
export class Guess {
  /** @type {Task | null} */
  #task = null;
  /** @type {Record<string, any> | null} */
  #stateBefore = null;
  #isOpen = false;
  /** @type {(isGuessing: boolean) => void} */
  #showChange = () => {};

  /**
   * @param {Frame} frame
   * @param {Panels} panels
   * @param {string[]} traits set back when the reader stops guessing
   * @param {GuessOptions} options
   */
  constructor(frame, panels, traits, options) {
    const { createTask, answerElements, ariaHiddenElements = [], allowNegative = false } = options;
    this.frame = frame;
    this.traits = traits;
    this.createTask = createTask;
    this.ariaHiddenElements = ariaHiddenElements;
    this.panel = guessPanel(allowNegative);
    for (const node of answerElements) node.classList.add("l7-secret");
    panels.add("Guess", this.panel.node, {
      onOpen: () => this.#start(),
      onClose: () => this.#stop(),
    });
    this.#listen();
  }

  /** @param {(isGuessing: boolean) => void} listener called when guessing starts and ends */
  onChange(listener) {
    this.#showChange = listener;
  }

  get #isGuessing() {
    return this.#stateBefore !== null;
  }

  #listen() {
    const { frame, panel } = this;
    const showScore = () => this.#showScore();
    panel.submit.addEventListener("click", () => this.#submit());
    // No form: sandboxed frames can block submitting one.
    panel.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.repeat) this.#submit();
    });
    frame.on(this.traits, () => this.#showQuestion());
    document.addEventListener(SCORE_EVENT, showScore);
    frame.onClose(() => {
      document.removeEventListener(SCORE_EVENT, showScore);
    });
  }

  #start() {
    this.#stateBefore = this.frame.snapshot(this.traits);
    this.#showChange(true);
    this.#next();
    this.#showScore();
  }

  #stop() {
    const state = this.#stateBefore ?? {};
    this.#setQuestionOpen(false);
    this.panel.showMessage("");
    this.frame.setAll(state);
    this.#stateBefore = null;
    this.#showScore();
    this.#showChange(false);
  }

  #submit() {
    if (this.#isOpen) this.#check();
    else this.#next();
  }

  #next() {
    this.#task = this.createTask();
    this.#setQuestionOpen(true);
    this.frame.setAll(this.#task.state);
    this.#showQuestion();
    this.panel.showMessage("");
    this.panel.clearInput();
  }

  #check() {
    const { input } = this.panel;
    const typed = input.value.trim();
    const value = parseNumber(typed);
    const isNumber = !Number.isNaN(value);
    input.setAttribute("aria-invalid", String(!isNumber));
    if (!typed) this.panel.showMessage("Enter a number, such as 0.25.");
    else if (!isNumber)
      this.panel.showMessage(`Enter a number such as 0.25, not ${quoted(typed)}.`);
    else if (this.#task) this.#reveal(typed, value, this.#task.getQuestion());
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
    this.#setQuestionOpen(false);
    score.answered += 1;
    score.correct += isRight ? 1 : 0;
    const result = isRight ? "Correct:" : `Not ${typed}: the answer is`;
    this.panel.showMessage(`${result} ${reason}`, isRight);
    document.dispatchEvent(new CustomEvent(SCORE_EVENT));
  }

  /** Updates an unanswered question when the controls change; an answered one stays. */
  #showQuestion() {
    if (this.#isOpen && this.#task) this.panel.question.textContent = this.#task.getQuestion().text;
  }

  #showScore() {
    const { correct, answered } = pageScore();
    const isShown = this.#isGuessing && answered > 0;
    this.panel.scoreText.textContent = isShown ? `${correct} of ${answered} on this page` : "";
  }

  /**
   * Opens or closes the question; its answer is hidden while it is open.
   * @param {boolean} isOpen
   */
  #setQuestionOpen(isOpen) {
    this.#isOpen = isOpen;
    this.frame.root.classList.toggle("l7-guessing", isOpen);
    for (const node of this.ariaHiddenElements) {
      if (isOpen) node.setAttribute("aria-hidden", "true");
      else node.removeAttribute("aria-hidden");
    }
    this.panel.setOpen(isOpen);
  }
}
