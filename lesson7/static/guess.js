// Guess mode: you predict a number, then see the answer. All explorers of a page share one score,
// which is not saved.

import { html, note, uniqueId } from "./dom.js";
import { quoted, significant } from "./format.js";
import { scrollToPicture } from "./panels.js";
import { randomOrder } from "./random.js";

/** @import { Frame } from "./frame.js" */
/** @import { Panels } from "./panels.js" */

/**
 * A question about the explorer's state, with its answer, accepted error and explanation.
 * NaN is an answer that is not known yet.
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
const GUESSING = "l7guessing"; // of the model: in which of its views a question is open
const ROUNDING = 1e-9;
const MOST_TASKS = 20; // of a task, until its question differs from the last one
const COMPOSING = 229; // key code of a key that an input method handles

/**
 * Goes through all kinds of questions in a random order before one is asked again.
 * @param {(() => Task)[]} kinds
 * @returns {() => Task} creates the next task
 */
export function taskDeck(kinds) {
  /** @type {(() => Task)[]} */
  let rest = [];
  /** @type {(() => Task) | undefined} */
  let last;

  return () => {
    if (!rest.length) rest = randomOrder(kinds);
    // The first kind of an order is not the last one of the order before.
    if (rest.length > 1 && rest[0] === last) rest.push(...rest.splice(0, 1));
    last = rest.shift() ?? kinds[0];
    return last();
  };
}

/** @returns {{ correct: number, answered: number }} the page's score */
function pageScore() {
  const page = /** @type {any} */ (globalThis);
  page.l7score ??= { correct: 0, answered: 0 };
  return page.l7score;
}

/** @returns {string} tells this page from the one in which a notebook's state was saved */
function pageId() {
  const page = /** @type {any} */ (globalThis);
  page.l7page ??= crypto.getRandomValues(new Uint32Array(2)).join("-");
  return page.l7page;
}

/**
 * The number that a reader typed, with a point or a comma, and digits of half or full width; NaN if
 * the text is not a number.
 * @param {string} typed
 */
function parseNumber(typed) {
  const value = Number(typed.normalize("NFKC").replace(/[,。]/, ".").replace("−", "-"));
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
  #id = uniqueId();
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
      // Enter that ends the composition of an input method is no answer.
      const isComposing = event.isComposing || event.keyCode === COMPOSING;
      if (event.key === "Enter" && !event.repeat && !isComposing) this.#submit();
    });
    frame.on(this.traits, () => this.#showQuestion());
    frame.on([GUESSING], () => this.#cover());
    this.#cover();
    document.addEventListener(SCORE_EVENT, showScore);
    frame.onClose(() => {
      document.removeEventListener(SCORE_EVENT, showScore);
      if (this.#isOpen) this.#setQuestionOpen(false);
    });
  }

  #start() {
    this.#stateBefore = this.frame.snapshot(this.traits);
    this.#showChange(true);
    this.#next();
    this.#showScore();
    requestAnimationFrame(() => scrollToPicture(this.frame));
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
    this.#setQuestionOpen(true);
    this.#task = this.#newTask();
    this.#showQuestion();
    this.panel.showMessage("");
    this.panel.clearInput();
  }

  /** Creates a task and sets its state; its question is not the last one. */
  #newTask() {
    const last = this.panel.question.textContent;
    let task = this.createTask();
    this.frame.setAll(task.state);
    for (let draws = 1; draws < MOST_TASKS && task.getQuestion().text === last; draws++) {
      task = this.createTask();
      this.frame.setAll(task.state);
    }
    return task;
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
    else if (this.#task) this.#answer(typed, value, this.#task.getQuestion());
  }

  /**
   * @param {string} typed
   * @param {number} value
   * @param {Question} question
   */
  #answer(typed, value, question) {
    const isKnown = !Number.isNaN(question.answer);
    if (isKnown) this.#reveal(typed, value, question);
    else this.panel.showMessage("The model has not answered for this state.");
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
    this.panel.node.scrollIntoView({ block: "nearest" }); // it is higher than before
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

  /** @returns {string[]} the views of this model in which a question is open */
  get #openViews() {
    const { page, views } = this.frame.model.get(GUESSING) ?? {};
    return page === pageId() ? views : [];
  }

  /**
   * Opens or closes the question; while it is open, its answer is hidden in all views of the model.
   * @param {boolean} isOpen
   */
  #setQuestionOpen(isOpen) {
    this.#isOpen = isOpen;
    const others = this.#openViews.filter((id) => id !== this.#id);
    const views = isOpen ? [...others, this.#id] : others;
    this.frame.model.set(GUESSING, { page: pageId(), views });
    this.panel.setOpen(isOpen);
  }

  /** Hides the answer while a question is open in a view. */
  #cover() {
    const isCovered = this.#openViews.length > 0;
    this.frame.root.classList.toggle("l7-guessing", isCovered);
    for (const node of this.ariaHiddenElements) {
      if (isCovered) node.setAttribute("aria-hidden", "true");
      else node.removeAttribute("aria-hidden");
    }
  }
}
