// One photo at the sizes of a schedule, and what each size costs.

import { decodePng } from "./canvas.js";
import { select, slider } from "./controls.js";
import { html, note, setAttributes } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { showWithNetwork } from "./network.js";
import { withPhoto } from "./photo.js";
import { centreSquare } from "./photo.math.js";
import { createTasks } from "./resize.guess.js";
import { MOST_EPOCHS, MOST_SIZE, replacePart, stageAt, withStageCount } from "./resize.math.js";
import { sizeAnswers } from "./resize.network.js";
import { imageSizes, photoFigures } from "./resize.photos.js";
import { readState } from "./resize.state.js";
import { codeValues, costNote, formulas, headline, numbers, results } from "./resize.words.js";
import { workFigure } from "./resize.work.js";

/** @import { View } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Stage } from "./resize.math.js" */
/** @import { State } from "./resize.state.js" */

const TRAITS = ["stages", "file"];
const MOST_SIDE = 256; // of a photo, pixels
const FILE_SIDES = [32, 64, 96, 128, 160, 192]; // to choose from, pixels
const EPOCHS_NOTE = "1 +: fine_tune begins with an epoch of its own. Cost is by pixels.";

/**
 * @param {Frame} frame
 * @returns {{ draw: (state: State) => void }} hides the controls of stages that there are not
 */
function addControls(frame) {
  const { model, controls, more } = frame;
  /** @returns {Stage[]} */
  const stages = () => model.get("stages");
  /** @type {[number, string][]} */
  const counts = [
    [2, "two"],
    [3, "three"],
  ];
  select(frame, "Stages", counts, {
    trait: "count",
    traits: ["stages"],
    parent: more,
    get: () => stages().length,
    set: (count) => frame.set("stages", withStageCount(stages(), count)),
  });
  const sizes = [controls, controls, more].map((parent, index) => {
    const range = { min: 16, max: MOST_SIZE, step: 16 };
    const format = (/** @type {number} */ size) => `${size} px`;
    return stageSlider(frame, "Size", { index, part: 0, parent }, { ...range, format });
  });
  /** @type {number[]} */
  const files = model.get("files");
  /** @type {[number, string][]} */
  const sides = files.map((side) => [side, `${side} px`]);
  select(frame, "Image size in file", sides, { trait: "file" });
  const epochs = sizes.map((_, index) => {
    const format = (/** @type {number} */ count) => (index ? `1 + ${count}` : String(count));
    const range = { min: 1, max: MOST_EPOCHS, format };
    return stageSlider(frame, "Epochs", { index, part: 1, parent: more }, range);
  });

  return {
    draw(state) {
      [...sizes.entries(), ...epochs.entries()].forEach(([i, node]) => {
        node.hidden = i >= state.stages.length;
      });
    },
  };
}

/**
 * A slider for the size (part 0) or the epochs (part 1) of a stage.
 * @param {Frame} frame
 * @param {string} name
 * @param {{ index: number, part: 0 | 1, parent: HTMLElement }} place
 * @param {{ min: number, max: number, step?: number, format: (value: number) => string }} range
 */
function stageSlider(frame, name, { index, part, parent }, range) {
  /** @returns {Stage[]} */
  const stages = () => frame.model.get("stages");
  return slider(frame, `${name} ${index + 1}`, {
    ...range,
    parent,
    trait: `${name.toLowerCase()}${index}`,
    traits: ["stages"],
    get: () => stageAt(stages(), index)[part],
    set(value) {
      // A link can name a stage that is not.
      const isShown = index < stages().length;
      if (isShown) frame.set("stages", replacePart(stages(), { index, part, value }));
    },
  }).node;
}

/**
 * @param {View} view
 * @param {PageNetwork | null} network
 */
async function build({ model, el }, network) {
  const photo = await decodePng(model.get("photo"));
  const imageOf = imageSizes(photo);
  const frame = new Frame({ model, el }, "Progressive resizing");
  const controls = addControls(frame);

  const guesses = model.get("guesses");
  const photos = photoFigures({ imageOf, guesses, credit: model.get("credit") });
  const work = workFigure(frame, imageOf);
  const table = numbers();
  const sentence = costNote();
  photos.low.append(sentence.node, note({ text: EPOCHS_NOTE }));
  const answers = network && sizeAnswers(frame, network, imageOf);
  const parts = [work.node, photos.top, photos.low, table.node];
  setAttributes(photos.top, { "data-picture": "" });
  frame.body.append(html("div", { class: "l7-resize" }, ...parts));
  if (answers) frame.body.append(answers.node);

  const redraw = showExplorer(frame, {
    traits: TRAITS,
    readState,
    headline,
    formulas: formulas(),
    code: codeValues,
    results,
    parts: [photos, work, table, sentence, controls, ...(answers ? [answers] : [])],
    guess: {
      createTask: createTasks(model),
      answerElements: [
        ...[work.node, sentence.node, ...table.answerElements],
        ...photos.answerElements,
      ],
    },
  });
  answers?.setRedraw(redraw);
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (network) => build(view, network));
}

/**
 * What the explorer has of the reader's own photo.
 * @param {OpenPhoto} opened
 */
function ownTraits(opened) {
  const side = Math.min(MOST_SIDE, opened.width, opened.height);
  const photo = centreSquare(opened.opened(2 * MOST_SIDE), side);
  const files = [...FILE_SIDES.filter((file) => file < side), side];
  return { photo, side, files, credit: "", file: side };
}

export default {
  render: withPhoto(render, { traits: TRAITS, predictions: ["guesses"], own: ownTraits }),
};
