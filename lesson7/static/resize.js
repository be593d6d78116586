// One photo at the sizes of a schedule, and what each size costs.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { addHandle, pointerPosition } from "./handle.js";
import { constant, fraction, identifier, liveLine, operator, power, subscript } from "./live.js";
import { showWithNetwork } from "./network.js";
import { withPhoto } from "./photo.js";
import { centreSquare } from "./photo.math.js";
import { randomChoice, randomInt } from "./random.js";
import {
  boxWithin,
  cropBox,
  cropImage,
  describeCost,
  describePixel,
  describeSize,
  diagramScale,
  epochQuestion,
  exchangeEpochs,
  labelCost,
  MOST_EPOCHS,
  MOST_SIZE,
  MOST_STAGES,
  neighbour,
  pixelBox,
  predictionQuestion,
  ratioQuestion,
  replacePart,
  resizeImage,
  scheduleCost,
  stageAt,
  totalQuestion,
  trainedEpochs,
  withStageCount,
  workQuestion,
} from "./resize.math.js";
import { sizeAnswers } from "./resize.network.js";
import { numberTable, setNumber } from "./table.js";
import { describeThreshold } from "./threshold.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Question } from "./guess.js" */
/** @import { Formula, LiveNode } from "./live.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Result } from "./pin.js" */
/** @import { Box, Cost, Guesses, Place, Stage } from "./resize.math.js" */

const TRAITS = ["stages", "file"];
const MOST_SIDE = 256; // of a photo, pixels
const FILE_SIDES = [32, 64, 96, 128, 160, 192]; // to choose from, pixels
const COLUMNS = ["", "pixels", "epochs", "cost per epoch", "cost"];
// The guess hides the columns after these.
const HIDDEN_COLUMNS = 2;
const GUESS_SIZES = [128, 192, 256, 320];
const EPOCHS_NOTE = "1 +: fine_tune begins with an epoch of its own. Cost is by pixels.";
/** @type {Record<string, [right: number, down: number]>} */
const ARROWS = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

const ENGLISH = new Intl.NumberFormat("en");

/** @param {number} value */
const three = (value) => value.toFixed(3);

/** @param {number} value */
function wholeNumber(value) {
  // A narrow space.
  return ENGLISH.format(value).replaceAll(",", "\u202f");
}

/** @param {Get} get */
function readState(get) {
  /** @type {Stage[]} */
  const stages = get("stages");
  /** @type {number} */
  const file = get("file");
  return { stages, file, cost: scheduleCost(stages) };
}

/** @typedef {ReturnType<typeof readState>} State */

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
 * The photo as a file of a given side holds it, at any size; each computed once.
 * @param {Pixels} photo
 */
function imageSizes(photo) {
  let file = 0;
  let source = photo;
  /** @type {Map<number, Pixels>} */
  const sizes = new Map();

  /**
   * @param {number} side of the file
   * @param {number} size
   */
  return (side, size) => {
    if (file !== side) {
      file = side;
      source = resizeImage(photo, side);
      sizes.clear();
    }
    const image = sizes.get(size) ?? resizeImage(source, size);
    sizes.set(size, image);
    return image;
  };
}

/** @typedef {ReturnType<typeof imageSizes>} ImageOf */

/**
 * An image with a frame around one of its pixels.
 * @param {(place: Place) => void} choose called with the place that is pointed at
 */
function markedImage(choose) {
  const image = imageCanvas({ sharp: true });
  const mark = html("span", { class: "l7-resize-mark", "aria-hidden": "true" });
  const node = html("div", { class: "l7-resize-image" }, image.node, mark);
  for (const kind of ["pointerdown", "pointermove"]) {
    image.node.addEventListener(kind, (event) => {
      choose(pointerPosition(image.node, /** @type {PointerEvent} */ (event)));
    });
  }

  /** @param {Box | null} box null: no frame */
  function drawMark(box) {
    mark.hidden = box === null;
    if (!box) return;
    const { left, top, side } = box;
    placeBox(mark, { left, top, width: side, height: side });
  }
  return { node, canvas: image.node, draw: image.show, drawMark };
}

/**
 * Places an element in one that contains it.
 * @param {HTMLElement} node
 * @param {Record<string, number>} box CSS properties, as shares of the container
 */
function placeBox(node, box) {
  for (const [name, share] of Object.entries(box)) node.style.setProperty(name, `${100 * share}%`);
}

/** Returns `cropImage` that computes a part again only where it differs from the last one. */
function lastCrop() {
  /** @type {[Pixels, Box, Pixels] | null} */
  let last = null;

  /**
   * @param {Pixels} image
   * @param {Box} box
   */
  return (image, box) => {
    const [lastImage, lastBox] = last ?? [];
    const isSame = image === lastImage && box.left === lastBox?.left && box.top === lastBox.top;
    if (!last || !isSame) last = [image, box, cropImage(image, box)];
    return last[2];
  };
}

/**
 * The photo at one size, and a part of it enlarged.
 * @param {string} source of the highlight
 * @param {string} prefixText of the title, left out where there is little space
 * @param {(place: Place) => void} choose called with the place that is pointed at
 */
function photoColumn(source, prefixText, choose) {
  const whole = markedImage(choose);
  const part = markedImage(({ x, y }) => {
    choose({ x: crop.left + x * crop.side, y: crop.top + y * crop.side });
  });
  let crop = { left: 0, top: 0, side: 1 };
  const cropOf = lastCrop();
  const title = html("span");
  const prefix = html("span", { class: "l7-resize-prefix" }, prefixText);
  const comment = note();
  const top = figure(html("figcaption", {}, prefix, title), whole.node, comment);
  const low = html("figure", {}, part.node);
  setAttributes(whole.node, { "data-source": source });
  setAttributes(part.canvas, { "aria-label": "a part of it, four times as large" });

  /**
   * @param {string} text
   * @param {string} label
   * @param {string} commentText
   */
  function drawText(text, label, commentText) {
    setText(title, text);
    setAttributes(whole.canvas, { "aria-label": label });
    setText(comment, commentText);
  }

  /**
   * @param {Pixels} image
   * @param {Place} place in the middle of the part
   * @param {Box | null} box that is framed
   */
  function draw(image, place, box) {
    crop = cropBox(place, image.width);
    whole.draw(image);
    part.draw(cropOf(image, crop));
    whole.drawMark(box);
    part.drawMark(box && boxWithin(box, crop));
  }
  return { top, low, whole, drawText, draw };
}

/**
 * What one stage sees, and what a model predicts from it.
 * @param {Guesses} guesses
 * @param {number} index
 * @param {(place: Place) => void} choose
 */
function stageColumn(guesses, index, choose) {
  const column = photoColumn(`stage${index}`, "Stage ", choose);
  const chart = barChart(guesses.top ?? 0);
  const verdict = note();
  if (guesses.top) column.low.append(chart.node, verdict);
  const label = `stage ${index + 1}: arrow keys choose a pixel`;
  setAttributes(column.whole.node, { tabindex: 0, role: "group", "aria-label": label });

  /**
   * @param {number} size
   * @param {number} file
   */
  function drawStage(size, file) {
    column.top.classList.toggle("l7-resize-past", size > file);
    const origin = `${size > file ? "larger than" : "from"} a file of ${file}`;
    const label = `the photo at ${size} by ${size} pixels, ${origin}`;
    column.drawText(`${index + 1}: ${size} px`, label, describeSize(size, file));
    if (guesses.top) drawPredictions(guesses.at[file][size]);
  }

  /** @param {[number, number][]} best */
  function drawPredictions(best) {
    const names = best.map(([c]) => guesses.names[c]);
    const values = best.map(([, p]) => p);
    chart.draw(names.map((name, i) => [name, values[i]]));
    const { threshold } = guesses;
    setVisible(verdict, threshold !== undefined);
    if (threshold !== undefined) setText(verdict, describeThreshold(values, names, threshold));
  }
  return { ...column, drawStage, answerElements: [chart.node, verdict] };
}

/**
 * The photo in the file and at each stage's size; the block of pixels of the file that a pixel
 * averages is framed.
 * @param {{ imageOf: ImageOf, guesses: Guesses, credit: string }} data
 */
function photoFigures({ imageOf, guesses, credit }) {
  // A stage, and a place in the photo.
  let chosen = { index: 0, place: { x: 0.5, y: 0.5 } };
  /** @type {State} */
  let shown;
  const inFile = photoColumn("file", "", (place) => choose(chosen.index, place));
  if (credit) inFile.whole.canvas.title = `Photo: ${credit}`;
  const stages = Array.from({ length: MOST_STAGES }, (_, i) => {
    return stageColumn(guesses, i, (place) => choose(i, place));
  });
  stages.forEach(({ whole }, i) => {
    whole.node.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || event.altKey) return;
      event.preventDefault();
      choose(i, neighbour(chosen.place, shown.stages[i][0], step));
    });
  });
  const columns = [inFile, ...stages];
  const top = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.top));
  const parts = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.low));
  const sentence = note({ spoken: true });
  const low = html("div", {}, parts, sentence);

  /**
   * @param {number} index
   * @param {Place} place
   */
  function choose(index, place) {
    chosen = { index, place };
    drawImages();
  }

  function drawImages() {
    const { file } = shown;
    const sizes = shown.stages.map(([size]) => size);
    const index = Math.min(chosen.index, sizes.length - 1);
    const { place } = chosen;
    const box = pixelBox(place, sizes[index]);
    inFile.draw(imageOf(file, file), place, box);
    sizes.forEach((size, i) => {
      stages[i].draw(imageOf(file, size), place, i === index ? box : null);
    });
    setText(sentence, describePixel(imageOf(file, sizes[index]), place, file));
  }

  /** @param {State} state */
  function draw(state) {
    shown = state;
    const { file } = state;
    const count = state.stages.length;
    for (const node of [top, parts]) node.style.setProperty("--columns", String(count + 1));
    inFile.drawText(`File: ${file} px`, `the photo in the file, ${file} by ${file} pixels`, "");
    stages.forEach((stage, i) => {
      for (const node of [stage.top, stage.low]) node.hidden = i >= count;
      if (i < count) stage.drawStage(state.stages[i][0], file);
    });
    drawImages();
  }
  return { top, low, answerElements: stages.flatMap((stage) => stage.answerElements), draw };
}

/**
 * A stage's rectangle in the work diagram, whose upper and right edges are handles.
 * @param {number} index
 */
function stageBar(index) {
  const top = html("i", { class: "l7-resize-top" });
  const end = html("i", { class: "l7-resize-end" });
  const node = html("div", { "data-source": `stage${index}` }, top, end);
  const ghost = html("div", { class: "l7-ghost" });
  return { node, ghost, top, end };
}

/**
 * Epochs to the right, pixels upwards: the area is the work. The dashed frame is training at the
 * largest size throughout.
 * @param {Frame} frame
 */
function workPlot(frame) {
  const bars = Array.from({ length: MOST_STAGES }, (_, i) => stageBar(i));
  const title = html("span");
  const all = html("div", { class: "l7-resize-all", "data-source": "throughout" }, title);
  const schedule = html("div", { "data-source": "schedule" }, ...bars.map(({ node }) => node));
  const ghosts = bars.map(({ ghost }) => ghost);
  const node = html("div", { class: "l7-resize-plot", role: "img" }, all, schedule, ...ghosts);
  let scale = { size: MOST_SIZE, epochs: 1 };
  // The scale, while an edge is dragged.
  let isHeld = false;
  /** @type {Cost} */
  let shown;
  /** @type {Cost | null} */
  let pinned = null;

  /**
   * @param {{ start: number, epochs: number, size: number }} row
   * @returns {{ left: number, width: number, height: number }} shares of the plot
   */
  function place({ start, epochs, size }) {
    const height = (size / scale.size) ** 2;
    return { left: start / scale.epochs, width: epochs / scale.epochs, height };
  }

  /**
   * @param {HTMLElement[]} nodes
   * @param {Cost["rows"]} rows
   */
  function placeRows(nodes, rows) {
    nodes.forEach((bar, i) => {
      bar.hidden = i >= rows.length;
      if (!bar.hidden) placeBox(bar, place(rows[i]));
    });
  }

  function layOut() {
    const { epochs, largest, rows } = shown;
    if (!isHeld) scale = diagramScale(pinned ? [shown, pinned] : [shown]);
    const nodes = bars.map((bar) => bar.node);
    placeRows(nodes, rows);
    placeRows(ghosts, pinned?.rows ?? []);
    rows.forEach((row, i) => {
      nodes[i].style.setProperty("--epochs", String(row.epochs));
    });
    placeBox(all, place({ start: 0, epochs, size: largest }));
    setText(title, `dashed: ${epochs} epochs at ${largest} px`);
    setAttributes(node, { "aria-label": labelCost(shown) });
  }

  /** @param {boolean} isHeldNow */
  function hold(isHeldNow) {
    isHeld = isHeldNow;
    layOut();
  }

  /**
   * Makes an edge a handle; it keeps its distance from the pointer.
   * @param {HTMLElement} edge
   * @param {string} trait
   * @param {{ axis: "x" | "y", read: () => number, move: (share: number) => void }} options where
   *   the edge is, and where to move it, as shares of the plot
   */
  function addEdge(edge, trait, { axis, read, move }) {
    addHandle(frame, edge, {
      trait,
      axis,
      area: node,
      end: () => hold(false),
      start(pressed) {
        hold(true);
        const offset = read() - pressed[axis];
        return (position) => move(Math.min(1, Math.max(0, position[axis] + offset)));
      },
    });
  }

  bars.forEach(({ top, end }, i) => {
    const box = () => place(shown.rows[i]);
    const size = frame.numberBinding(`size${i}`);
    addEdge(top, size.name, {
      axis: "y",
      read: () => 1 - box().height,
      move: (y) => size.setNear(Math.sqrt(1 - y) * scale.size),
    });
    addEdge(end, `epochs${i}`, {
      axis: "x",
      read: () => box().left + box().width,
      move: (x) => moveEnd(frame, i, x * scale.epochs - shown.rows[i].start),
    });
  });

  /** @param {Cost} cost */
  function draw(cost) {
    shown = cost;
    layOut();
  }

  /** @param {Cost | null} cost */
  function drawPin(cost) {
    const hasPin = pinned || cost;
    pinned = cost;
    if (hasPin) layOut();
  }
  return { node, draw, drawPin };
}

/**
 * Moves the right edge of a stage: between two stages, epochs go from one to the other; that of
 * the last stage changes the sum.
 * @param {Frame} frame
 * @param {number} index
 * @param {number} trained epochs that the stage trains, rounded here
 */
function moveEnd(frame, index, trained) {
  /** @type {Stage[]} */
  const stages = frame.model.get("stages");
  const epochs = Math.round(trained) - trainedEpochs(0, index);
  const isLast = index === stages.length - 1;
  if (isLast) frame.numberBinding(`epochs${index}`).setNear(epochs);
  else frame.set("stages", exchangeEpochs(stages, index, epochs));
}

/**
 * Below the work diagram, each stage's image, all at one scale, with its epochs and size.
 * @param {Frame} frame
 * @param {ImageOf} imageOf
 */
function stageLabels(frame, imageOf) {
  const labels = Array.from({ length: MOST_STAGES }, () => {
    const image = imageCanvas();
    setAttributes(image.node, { "aria-hidden": "true" });
    const text = html("span");
    const node = html("div", {}, html("div", {}, image.node), text);
    return { node, image, drawText: liveLine(frame, text) };
  });
  const rest = html("div");
  const nodes = labels.map((label) => label.node);
  const node = html("div", { class: "l7-resize-labels" }, ...nodes, rest);

  /** @param {State} state */
  function draw({ cost, file }) {
    const scale = diagramScale([cost]);
    node.style.setProperty("--largest", String(scale.size));
    rest.style.flexGrow = String(scale.epochs - cost.epochs);
    labels.forEach(({ node, image, drawText }, i) => {
      node.hidden = i >= cost.rows.length;
      const row = cost.rows[i] ?? cost.rows[0];
      const [count, size] = stageQuantities(row, i);
      node.style.flexGrow = String(row.epochs);
      image.node.style.setProperty("--size", String(row.size));
      image.show(imageOf(file, row.size));
      const unit = row.epochs === 1 ? " epoch" : " epochs";
      drawText([count, unit, { tag: "br", children: [] }, "at ", size, " px"]);
    });
  }
  return { node, draw };
}

/**
 * @param {{ epochs: number, size: number }} row
 * @param {number} i
 */
function stageQuantities({ epochs, size }, i) {
  const source = `stage${i}`;
  return [
    { name: `epochs${i}`, value: epochs, text: String(epochs), scrub: `epochs${i}`, source },
    { name: `size${i}`, value: size, text: String(size), scrub: `size${i}`, source },
  ];
}

/**
 * @param {Frame} frame
 * @param {ImageOf} imageOf
 */
function workFigure(frame, imageOf) {
  const plot = workPlot(frame);
  const labels = stageLabels(frame, imageOf);
  const node = figure("Work = pixels × epochs: drag the edges", plot.node, labels.node);

  /** @param {State} state */
  function draw(state) {
    plot.draw(state.cost);
    labels.draw(state);
  }

  /** @param {State | null} state */
  function drawPin(state) {
    plot.drawPin(state?.cost ?? null);
  }
  return { node, draw, drawPin };
}

/**
 * The rows of the table: the stages, the schedule, and the largest size throughout.
 * @param {Cost} cost
 */
function tableRows({ rows, epochs, largest, total }) {
  /** @type {{ label: string, source: string, numbers: (number | null)[], epochs: string }[]} */
  const stages = rows.map((row, i) => ({
    label: `${row.size} px`,
    source: `stage${i}`,
    numbers: [row.size ** 2, row.epochs, row.each, (row.each * row.epochs) / epochs],
    epochs: i ? `1 + ${row.epochs - 1}` : String(row.epochs),
  }));
  const count = String(epochs);
  const sum = { label: "schedule", source: "schedule", numbers: [null, epochs, null, total] };
  const label = `${largest} px throughout`;
  const fixed = { label, source: "throughout", numbers: [largest ** 2, epochs, 1, 1] };
  return [...stages, { ...sum, epochs: count }, { ...fixed, epochs: count }];
}

/** The numbers of each stage and of the whole schedule. */
function numbers() {
  const headers = Array.from({ length: MOST_STAGES + 2 }, () => []);
  const table = numberTable(COLUMNS, headers);

  /** @param {State} state */
  function draw({ cost }) {
    const lines = tableRows(cost);
    table.rows.forEach(({ node, header, cells }, i) => {
      node.hidden = i >= lines.length;
      if (node.hidden) return;
      const { label, source, numbers, epochs } = lines[i];
      const formats = [wholeNumber, () => epochs, three, three];
      setAttributes(node, { "data-source": source });
      setText(header, label);
      numbers.forEach((value, k) => {
        setNumber(cells[k], value, formats[k]);
      });
    });
  }
  const answerElements = table.rows.flatMap(({ cells }) => cells.slice(HIDDEN_COLUMNS));
  return { node: table.node, answerElements, draw };
}

function costNote() {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ cost, file }) {
    setText(node, describeCost(cost, file));
  }
  return { node, draw };
}

/**
 * The stage of the largest size; of several, the last.
 * @param {Cost} cost
 */
function largestStage({ rows, largest }) {
  return rows.findLastIndex(({ size }) => size === largest);
}

/** @param {Cost} cost */
function costQuantities({ epochs, total, largest }) {
  return {
    epochs: { name: "epochs", value: epochs, text: String(epochs), source: "throughout" },
    total: { name: "total", value: total, text: three(total), source: "schedule" },
    largest: { name: "largest", value: largest, text: String(largest), source: "throughout" },
  };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function headline({ cost }) {
  const { epochs, total, largest } = costQuantities(cost);
  const size = { ...largest, scrub: `size${largestStage(cost)}` };
  return [epochs, " epochs for ", total, " of the cost at ", size, " px"];
}

/** @returns {Formula<State>[]} */
function formulas() {
  const [e, s, i] = ["e", "s", "i"].map(identifier);
  const [sum, dot, plus, equals] = ["∑", "·", "+", "="].map(operator);
  const two = constant(2);
  const overStages = subscript(sum, i);
  const square = { tag: "msubsup", children: [s, i, two] };
  const largest = subscript(operator("max"), i);
  const symbols = fraction(
    [overStages, subscript(e, i), square],
    [overStages, subscript(e, i), dot, largest, square],
  );
  const spoken =
    "the sum of e i times s i squared, divided by the sum of e i times the largest s i squared";

  /** @param {State} state */
  function numbersOf({ cost }) {
    const terms = cost.rows.flatMap((row, k) => {
      const [count, side] = stageQuantities(row, k);
      return [...(k ? [plus] : []), count, dot, power(side, two)];
    });
    const { epochs, total, largest } = costQuantities(cost);
    return [equals, fraction(terms, [epochs, dot, power(largest, two)]), equals, total];
  }
  return [{ symbols: [symbols], spoken, numbers: numbersOf }];
}

/**
 * What a pin compares.
 * @param {State} state
 * @returns {Result[]}
 */
function results({ cost: { rows, epochs, total, largest } }) {
  const work = rows.reduce((sum, row) => sum + row.epochs * row.size ** 2, 0);
  return [
    { name: "cost", value: total, format: three },
    { name: "largest size, px", value: largest, format: String },
    { name: "epochs", value: epochs, format: String },
    { name: "megapixels of each image", value: work / 1e6, format: three },
  ];
}

/** @param {State} state */
function codeValues({ stages, file }) {
  const texts = stages.flatMap(([size, epochs], i) => [
    [`size${i}`, String(size)],
    [`epochs${i}`, String(epochs)],
  ]);
  const template = stages.length === 2 ? "two" : "three";
  return { template, values: { ...Object.fromEntries(texts), file: String(file) } };
}

/**
 * Asks for the cost of an epoch or of the whole schedule; where there is a model, for what it
 * predicts at a stage's size, too.
 * @param {Model} model
 */
function createTasks(model) {
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
