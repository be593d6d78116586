// Questions about trained networks.

import { taskDeck } from "./guess.js";
import { randomChoice } from "./random.js";
import { mean, percent, trainWhole } from "./train.math.js";
import { evaluationAt, one, three } from "./train.state.js";

/** @import { Question } from "./guess.js" */
/** @import { Data, State } from "./train.state.js" */

const GUESS_TOLERANCE = 2; // points of accuracy
const ACCURACY_TOLERANCE = 3; // points
const ECE_TOLERANCE = 0.05;

/**
 * Asks how accurate A is, how much B gains, and how well A is calibrated; what is not trained yet
 * is trained for the answer.
 * @param {Data} data
 * @param {() => State} read
 */
export function createTasks(data, read) {
  const questions = [gainQuestion, accuracyQuestion, calibrationQuestion];
  return taskDeck(questions.map((ask) => () => createTask(data, read, ask)));
}

/**
 * @param {Data} data
 * @param {() => State} read
 * @param {(data: Data, state: State) => Question} ask
 */
function createTask(data, read, ask) {
  const wrong = randomChoice([0, 0.1, 0.25, 0.4]);
  const [alpha, eps] = randomChoice([
    [1, 0],
    [0.4, 0],
    [0, 0.1],
    [0, 0.3],
  ]);
  const state = { wrong: [wrong, wrong], alpha: [0, alpha], eps: [0, eps], temperature: [1, 1] };
  return { state, getQuestion: () => ask(data, read()) };
}

/**
 * A question whose answer needs the trainings of both sides.
 * @param {string} text
 * @param {number} tolerance
 * @param {() => { answer: number, because: string }} find
 * @returns {Question}
 */
function trainedQuestion(text, tolerance, find) {
  /** @type {ReturnType<typeof find> | undefined} */
  let found;
  const once = () => {
    found ??= find();
    return found;
  };
  return {
    text,
    tolerance,
    get answer() {
      return once().answer;
    },
    get because() {
      return once().because;
    },
  };
}

/**
 * @param {Data} data
 * @param {State} state
 */
function gainQuestion(data, state) {
  const { settings, differences } = state;
  const changes = differences.map(({ b }) => b).join(" and ") || "the same settings";
  const text =
    `${percent(settings[0].wrong)} of A's labels are wrong; B has ${changes}. ` +
    "By how many points is B more accurate?";
  return trainedQuestion(text, GUESS_TOLERANCE, () => {
    const [a, b] = trainedMeans(data, state).map(({ accuracy }) => 100 * accuracy);
    const because = `B is right in ${one(b)} % and A in ${one(a)} % (${describeMean(state)})`;
    return { answer: b - a, because };
  });
}

/**
 * @param {Data} data
 * @param {State} state
 */
function accuracyQuestion(data, state) {
  const { settings } = state;
  const text =
    `${percent(settings[0].wrong)} of A's training labels are wrong. In how many per cent of the ` +
    `validation images is A right, to within ${ACCURACY_TOLERANCE}?`;
  return trainedQuestion(text, ACCURACY_TOLERANCE, () => {
    const [a, b] = trainedMeans(data, state).map(({ accuracy }) => 100 * accuracy);
    const because = `A was trained so (${describeMean(state)}); B is right in ${one(b)} %`;
    return { answer: a, because };
  });
}

/**
 * @param {Data} data
 * @param {State} state
 */
function calibrationQuestion(data, state) {
  const text =
    `${percent(state.settings[0].wrong)} of A's training labels are wrong. What is A's ECE, from ` +
    `0 to 1, to within ${ECE_TOLERANCE}?`;
  return trainedQuestion(text, ECE_TOLERANCE, () => {
    const [{ ece, accuracy }] = trainedMeans(data, state);
    const right = `A is right in ${one(100 * accuracy)} % (${describeMean(state)})`;
    const because = `${right}, and its confidence is ${three(ece)} away from that on average`;
    return { answer: ece, because };
  });
}

/** @param {{ seeds: number }} state */
const describeMean = ({ seeds }) => (seeds === 1 ? "one seed" : `mean of ${seeds} seeds`);

/**
 * The mean accuracy and ECE of each side, by trainings in this thread where they are not finished.
 * @param {Data} data
 * @param {State} state
 */
function trainedMeans(data, { jobs, epoch, sides, isBusy }) {
  const known = sides.flatMap(({ mean: scores }) => (scores ? [scores] : []));
  if (!isBusy && known.length === sides.length) return known;
  const scores = jobs.map(({ settings, draw }) => {
    const { evaluations, weights } = trainWhole(data, settings, draw);
    return evaluationAt({ evaluations, weights }, epoch);
  });
  return [0, 1].map((side) => {
    const own = scores.filter((_, i) => i % 2 === side);
    return {
      accuracy: mean(own.map(({ accuracy }) => accuracy)),
      ece: mean(own.map(({ ece }) => ece)),
    };
  });
}
