// Questions about the work of stages.

import { taskDeck } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import {
  epochQuestion,
  MOST_STAGES,
  predictionQuestion,
  ratioQuestion,
  totalQuestion,
  workQuestion,
} from "./resize.math.js";
import { readState } from "./resize.state.js";

/** @import { Model } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { State } from "./resize.state.js" */

const GUESS_SIZES = [128, 192, 256, 320];

/**
 * Asks for the cost of an epoch or of the whole schedule; where there is a model, for what it
 * predicts at a stage's size, too.
 * @param {Model} model
 */
export function createTasks(model) {
  const costQuestions = [totalQuestion, workQuestion, epochQuestion, ratioQuestion];
  /** @type {Asking[]} */
  const questions = costQuestions.map(
    (ask) =>
      ({ cost }, index) =>
        ask(cost, index),
  );
  const guesses = model.get("guesses");
  if (guesses.top) {
    questions.push(({ file, stages }, index) => {
      return predictionQuestion(guesses, { file, sizes: stages.map(([size]) => size) }, index);
    });
  }
  return taskDeck(questions.map((ask) => () => createStagesTask(model, ask)));
}

/** @typedef {(state: State, index: number) => Question} Asking index: of a stage */

/**
 * A question about other stages, whose sizes are quarters of the largest one.
 * @param {Model} model
 * @param {Asking} ask
 */
function createStagesTask(model, ask) {
  const index = randomInt(MOST_STAGES - 1);
  const { stages, file } = readState((trait) => model.get(trait));
  const fitting = GUESS_SIZES.filter((size) => size <= file);
  const largest = randomChoice(fitting.length ? fitting : GUESS_SIZES.slice(0, 1));
  const pairs = [
    [1, 2],
    [1, 3],
    [2, 3],
  ];
  const quarters = stages.length === 2 ? [randomChoice([1, 2, 3])] : randomChoice(pairs);
  const asked = stages.map(([, epochs], i) => [((quarters[i] ?? 4) * largest) / 4, epochs]);
  return {
    state: { stages: asked },
    getQuestion: () =>
      ask(
        readState((trait) => model.get(trait)),
        index,
      ),
  };
}
