// A photo with its plain view and its windows, and the sum that combines what the views predict.

import { figure, html } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { networkPart, showWithNetwork } from "./network.js";
import { OWN_NAME, withPhoto } from "./photo.js";
import { addControls } from "./tta.controls.js";
import { createTasks } from "./tta.guess.js";
import { photoStage, photoStrip } from "./tta.stage.js";
import { FINE_STEPS, readData, readState, readViews, TRAITS } from "./tta.state.js";
import { comparison, stageNotes, viewSum } from "./tta.sum.js";
import { chosenFormula, codeValues, formulas, headline, results } from "./tta.words.js";

/** @import { View } from "./frame.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Data, State, Views } from "./tta.state.js" */

const PHOTO_SIDE = 160; // short side of a photo, pixels

/**
 * Asks the network for what the present state shows and a pin compares.
 * @param {Frame} frame
 * @param {Data} data
 */
function viewsPart(frame, data) {
  const { rows } = data;
  if (!rows) return null;

  /** @returns {Views[]} of the pin; none without one */
  function pinnedViews() {
    const pinned = frame.model.get("pinned");
    if (!Object.keys(pinned).length) return [];
    return [{ photo: pinned.photo, views: readViews((trait) => pinned[trait], data) }];
  }

  return networkPart(frame, rows, {
    wanted: (/** @type {State} */ shown) => [shown, ...pinnedViews()].flatMap(rows.keysOf),
    later: rows.laterKeys,
    onComplete: rows.remember,
  });
}

/**
 * @param {View} view
 * @param {PageNetwork | null} network
 */
async function build({ model, el }, network) {
  const data = await readData(model, network);
  const get = (/** @type {string} */ trait) => model.get(trait);
  const first = { photo: get("photo"), views: readViews(get, data) };
  await data.rows?.request(data.rows.keysOf(first));
  data.rows?.remember(first);
  const frame = new Frame({ model, el }, "Test time augmentation");
  const sliders = addControls(frame, data);

  const stage = photoStage(frame, data);
  const strip = photoStrip(frame, data);
  const sum = viewSum(frame, data);
  const bars = comparison(data);
  const notes = stageNotes(data);
  const hint = `Drag a window${data.isLearned ? " or its corner" : ", its corner, or the object"}`;
  const caption = html("figcaption", {}, html("span", {}, hint), strip.node);
  const photo = figure(caption, stage.node);
  const picture = html("div", { class: "l7-tta-picture", "data-picture": "" }, photo, sum.node);
  const asking = viewsPart(frame, data);
  const side = html("div", { class: "l7-tta-side" }, bars.node, bars.sentence, notes.node);
  if (asking) side.append(asking.node);
  frame.body.append(html("div", { class: "l7-tta" }, picture, side));

  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["at", "target"],
    ...(network && model.get("model_steps").length && { steps: model.get("model_steps") }),
    readState: (get) => readState(get, data),
    headline,
    formulas: formulas(),
    results,
    // The network runs in a worker while the other parts are drawn.
    parts: [...(asking ? [asking] : []), stage, strip, sum, bars, notes, chosenFormula(frame)],
    code: (state) => codeValues(state, data),
    guess: {
      createTask: createTasks(model, data),
      answerElements: [...sum.answerElements, ...bars.answerElements],
      ariaHiddenElements: sum.canvases,
    },
  });
  asking?.setRedraw(redraw);
  data.kernel?.onChange(() => {
    for (const { read } of sliders) read(); // their steps are other ones
    redraw();
  });
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
  const pixels = opened.shrunk(PHOTO_SIDE);
  const sizes = [[pixels.height, pixels.width]];
  return { pixels, sizes, names: [OWN_NAME], credits: [""], grid: FINE_STEPS, photo: 0 };
}

export default {
  render: withPhoto(render, {
    traits: TRAITS,
    own: ownTraits,
    predictions: ["asked", "vocab", "first"],
  }),
};
