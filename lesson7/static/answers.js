// What a network predicts for the present state: the first source that is ready answers, one
// question at a time; while it does, only the newest of the other questions waits.

/**
 * @typedef {object} Question
 * @property {string} key of the state that it is about
 * @property {Float32Array[]} tensors images [C,H,W], normalized; a getter makes them only for the
 *   questions that a source reads
 * @property {number} size of an image, pixels
 * @property {string[]} [keys] of the rows that are missing
 */

/** @typedef {Float32Array[] | number[][]} Rows probabilities, a row for each image */

/**
 * @typedef {object} Source
 * @property {string} name kernel, page or grid
 * @property {() => boolean} isReady
 * @property {(question: Question) => Promise<Rows>} answer
 * @property {(question: Question) => void} [prepare] does what can be done before its turn
 */

/**
 * @typedef {object} Answer
 * @property {string} key of the question
 * @property {string} source name of the source
 * @property {Rows} rows
 */

/** @typedef {{ question: Question, resolve: (answer: Answer | null) => void }} Waiting */

/** @param {unknown} error */
function firstLine(error) {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0];
}

/** @param {Source[]} sources in order of preference */
export function createAnswers(sources) {
  /** @type {Waiting | null} */
  let next = null;
  let isBusy = false;
  let isClosed = false;
  let answering = ""; // name of the source of the newest answer
  let message = ""; // of a source that failed at the newest question

  /**
   * @param {Question} question
   * @returns {Promise<Answer | null>} null: no source could answer
   */
  async function answerFromFirst(question) {
    let failure = "";
    for (const source of sources) {
      if (!source.isReady()) continue;
      try {
        const rows = await source.answer(question);
        answering = source.name;
        message = failure;
        return { key: question.key, source: source.name, rows };
      } catch (error) {
        failure = firstLine(error);
      }
    }
    answering = "";
    message = failure;
    return null;
  }

  /**
   * While a source computes, the page is idle: the waiting question is prepared then.
   * @param {Waiting} waiting
   */
  function prepareWhenIdle(waiting) {
    globalThis.requestIdleCallback?.(() => {
      if (next !== waiting) return;
      const source = sources.find((candidate) => candidate.isReady());
      source?.prepare?.(waiting.question);
    });
  }

  async function answerNext() {
    isBusy = true;
    while (next) {
      const { question, resolve } = next;
      next = null;
      const answer = await answerFromFirst(question);
      resolve(isClosed ? null : answer);
    }
    isBusy = false;
  }

  /**
   * Answers arrive in the order of their questions: the last one is that of the newest question.
   * @param {Question} question
   * @returns {Promise<Answer | null>} null: a newer question took its place, or nobody could answer
   */
  function ask(question) {
    next?.resolve(null);
    next = null;
    if (isClosed) return Promise.resolve(null);
    return new Promise((resolve) => {
      next = { question, resolve };
      if (isBusy) prepareWhenIdle(next);
      else answerNext();
    });
  }

  /** Who gave the newest answer; before the first one and after a failure, who is ready. */
  function describe() {
    return answering || (sources.find((source) => source.isReady())?.name ?? "");
  }

  function close() {
    isClosed = true;
    next?.resolve(null);
    next = null;
  }

  /** One line about a source that failed at the newest question; mostly empty. */
  const getMessage = () => message;
  return { ask, describe, getMessage, close };
}

/** @typedef {ReturnType<typeof createAnswers>} Answers */
