// Shows a label as a hard, smoothed and mixed target, and the loss of each against the model's
// confidence.

import { html } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { showWithNetwork } from "./network.js";
import { withPhoto } from "./photo.js";
import { createTasks } from "./smoothing.guess.js";
import { ownPicture, picturePanel, readPictures } from "./smoothing.pictures.js";
import { lossFigure } from "./smoothing.plot.js";
import { readState } from "./smoothing.state.js";
import {
  addConfidenceControls,
  addTargetBinding,
  addTargetControls,
  targetBars,
} from "./smoothing.targets.js";
import {
  codeValues,
  headline,
  lossFormula,
  numbers,
  otherClassFormula,
  pushNote,
  results,
  sumFormula,
  surpriseFormulas,
  trueClassFormula,
} from "./smoothing.words.js";

/** @import { View } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */

const TRAITS = ["n", "eps", "label", "t", "p", "show", "against", "picture"];

/**
 * @param {View} view
 * @param {PageNetwork[]} networks
 */
async function build({ model, el }, networks) {
  const pictures = await readPictures(model);
  const frame = new Frame({ model, el }, "Label smoothing");
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @param {number} index */
  const className = (index) => vocab[index] ?? `class ${index}`;
  const confidenceControls = addConfidenceControls(frame);
  const targetControls = addTargetControls(frame);
  addTargetBinding(frame);

  const bars = targetBars(frame, className);
  const sentence = pushNote();
  const losses = lossFigure(frame);
  const table = numbers();
  const panel = pictures && picturePanel(frame, pictures, networks);
  const picture = html(
    "div",
    { class: "l7-smoothing", "data-picture": "" },
    bars.node,
    losses.node,
  );
  frame.body.append(picture);
  const ofTarget = html("div");
  const ofLoss = html("div");
  const below = html(
    "div",
    { class: "l7-smoothing l7-smoothing-below l7-smoothing-formulas" },
    ofTarget,
    ofLoss,
  );
  const low = html("div", { class: "l7-smoothing l7-smoothing-below" }, sentence.node, table.node);
  frame.body.after(low);

  const ofTheTarget = [trueClassFormula(), otherClassFormula(), sumFormula()];
  const ofTheLoss = [lossFormula(), ...surpriseFormulas()];
  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["eps", "t", "p"],
    readState,
    headline,
    results,
    formulas: [...ofTheTarget, ...ofTheLoss],
    code: codeValues,
    parts: [
      ...[confidenceControls, targetControls, bars, sentence, losses, table],
      ...(panel ? [panel] : []),
    ],
    guess: {
      createTask: createTasks(frame, className),
      answerElements: [bars.chart, sentence.node, losses.node, ...table.answerElements],
    },
  });
  // The formulas of the target below its bars, those of the loss below its plot.
  const formulas = [...frame.root.querySelectorAll(".l7-formula")];
  ofTarget.append(...formulas.slice(0, ofTheTarget.length));
  ofLoss.append(...formulas.slice(ofTheTarget.length));
  frame.body.after(below);
  if (panel) low.after(panel.node);
  panel?.setRedraw(redraw);
  return frame;
}

/** @param {View} view */
function renderWithNetworks(view) {
  return showWithNetwork(view, (_, networks) => build(view, networks));
}

const renderWithPhoto = withPhoto(renderWithNetworks, {
  traits: TRAITS,
  predictions: ["predictions"],
  own: ownPicture,
});

/** @param {View} view */
function render(view) {
  const hasPictures = view.model.get("learners").length > 0;
  return hasPictures ? renderWithPhoto(view) : renderWithNetworks(view);
}

export default { render };
