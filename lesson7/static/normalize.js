// (x − mean) ÷ sd of a batch, drawn with its pictures; its channels before and after, and how the
// statistics of batches scatter.

import { html } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { showWithNetwork } from "./network.js";
import { networkAnswers, predictions, resultNote } from "./normalize.answers.js";
import { histograms, scatter } from "./normalize.charts.js";
import { addControls, addNumbers } from "./normalize.controls.js";
import { createTasks } from "./normalize.guess.js";
import { countValues, moments } from "./normalize.math.js";
import { pictureLine } from "./normalize.pictures.js";
import { Pointing, readData, stateReader } from "./normalize.state.js";
import { codeValues, formulas, headline, results } from "./normalize.words.js";
import { PhotoError, withPhoto } from "./photo.js";

/** @import { Get } from "./explorer.js" */
/** @import { View } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */

const TRAITS = ["draw", "bs", "kind", "show", "running", "own_mean", "own_std"];

/**
 * @param {View} view
 * @param {PageNetwork | null} network
 */
async function build({ model, el }, network) {
  const data = await readData(model);
  const frame = new Frame({ model, el }, "Normalization");
  const pointing = new Pointing(data.side);
  const readState = stateReader(data, pointing);
  const read = () => readState((trait) => model.get(trait));
  addControls(frame, data);
  addNumbers(frame, read);

  const line = pictureLine(frame, pointing, data, read);
  const shapes = histograms(frame, pointing, data, read);
  const dots = scatter(data);
  const predicted = predictions(frame);
  const answers = network && networkAnswers(frame, network, data);
  const sentence = resultNote(data.counts.length);
  const notes = html("div", {}, sentence.node, predicted.node, dots.summary);
  const low = html("div", { class: "l7-normalize-low" }, dots.node, notes);
  frame.body.append(html("div", { class: "l7-normalize" }, line.node, shapes.node));

  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["own_mean", "own_std"],
    readState,
    headline,
    formulas: formulas(),
    code: codeValues,
    results,
    parts: [line, shapes, dots, predicted, sentence, ...(answers ? [answers] : [])],
    guess: {
      createTask: createTasks(model, data.draws.length, read, predicted),
      answerElements: [shapes.after, sentence.node, predicted.node],
      allowNegative: true,
    },
  });
  pointing.redraw = redraw;
  for (const part of [answers, predicted]) part?.setRedraw(redraw);
  frame.tools.before(low); // after the formulas
  if (answers) low.after(answers.node);
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (network) => build(view, network));
}

/**
 * What the explorer has of the reader's own photo: it is the whole batch.
 * @param {OpenPhoto} photo
 * @param {Get} get
 */
function ownTraits(photo, get) {
  /** @type {number} */
  const side = get("side");
  const pixels = photo.square(side);
  const [counts] = countValues(pixels, side);
  if (counts.some((count) => moments(count).sd === 0)) {
    throw new PhotoError("A channel of this photo has one value only: it has no sd to divide by.");
  }
  const draws = get("draws").map(() => [0]);
  return { pixels, draws, right: [], credits: [""], has_batch_norm: false, draw: 0, bs: 1 };
}

export default {
  render: withPhoto(render, { traits: TRAITS, predictions: ["says"], own: ownTraits }),
};
