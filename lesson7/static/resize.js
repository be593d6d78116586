// One photo at the sizes of a schedule, and what each size costs.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { describeThreshold } from "./format.js";
import { Frame } from "./frame.js";
import { addGuess } from "./guess.js";
import { randomChoice, randomInt } from "./random.js";
import {
  cropMiddle,
  describeCost,
  describeSize,
  epochQuestion,
  labelCost,
  MOST_SIZE,
  MOST_STAGES,
  replaceStage,
  resizeImage,
  scheduleCost,
  stageAt,
  totalQuestion,
  withStageCount,
} from "./resize.math.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Cost, Stage } from "./resize.math.js" */

const TRAITS = ["stages", "file"];
const COLUMNS = ["", "pixels", "epochs", "cost per epoch", "cost in all"];
const HIDDEN_COLUMNS = 2; // the guess hides those after
const WORK_AREA = { left: 8, top: 16, width: 400, height: 170 };
const GUESS_SIZES = [128, 192, 256, 320];
const GUESS_TOLERANCE = 0.02;
const EPOCHS_NOTE = "1 +: fine_tune begins with an epoch of its own. Cost is by pixels.";

/** @param {number} value */
const three = (value) => value.toFixed(3);

/** @param {number} value */
function wholeNumber(value) {
  return value.toLocaleString("en").replaceAll(",", "\u202f"); // a narrow space
}

/** @param {Model} model */
function readState(model) {
  /** @type {Stage[]} */
  const stages = model.get("stages");
  /** @type {number} */
  const file = model.get("file");
  return { stages, file, cost: scheduleCost(stages) };
}

/** @typedef {ReturnType<typeof readState>} State */

/**
 * @param {Frame} frame
 * @returns {HTMLElement[]} for each stage, the box of its sliders
 */
function addControls(frame) {
  const { model } = frame;
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
    get: () => stages().length,
    set: (count) => frame.set("stages", withStageCount(stages(), count)),
  });
  /** @type {number[]} */
  const files = model.get("files");
  /** @type {[number, string][]} */
  const sides = files.map((side) => [side, `${side} px`]);
  select(frame, "The file's short side", sides, { trait: "file" });
  return Array.from({ length: MOST_STAGES }, (_, i) => addStageControls(frame, i));
}

/**
 * @param {Frame} frame
 * @param {number} index
 */
function addStageControls(frame, index) {
  const parent = html("div", { class: "l7-resize-stage" });
  frame.controls.append(parent);
  /** @returns {Stage[]} */
  const stages = () => frame.model.get("stages");
  /** @param {Stage} stage */
  function setStage(stage) {
    const isShown = index < stages().length; // a link can name a stage that is not
    if (isShown) frame.set("stages", replaceStage(stages(), index, stage));
  }

  slider(frame, `Size ${index + 1}`, {
    ...{ min: 16, max: MOST_SIZE, step: 16, parent, trait: `size${index}`, traits: ["stages"] },
    format: (size) => `${size} px`,
    get: () => stageAt(stages(), index)[0],
    set: (size) => setStage([size, stageAt(stages(), index)[1]]),
  });
  slider(frame, `Epochs ${index + 1}`, {
    ...{ min: 1, max: 20, parent, trait: `epochs${index}`, traits: ["stages"] },
    format: (epochs) => (index ? `1 + ${epochs}` : String(epochs)),
    get: () => stageAt(stages(), index)[1],
    set: (epochs) => setStage([stageAt(stages(), index)[0], epochs]),
  });
  return parent;
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

/**
 * @typedef {object} Guesses a model's best classes
 * @property {number} top how many
 * @property {string[]} names
 * @property {Record<number, Record<number, [number, number][]>>} at for each side of the file and
 *   size, [class, probability]
 * @property {number} [threshold] from which a class counts, for a model of several classes an image
 */

/** The photo at the size of a stage, and its middle enlarged. */
function stageImages() {
  const whole = imageCanvas({ sharp: true });
  const middle = imageCanvas({ sharp: true });
  /** @type {Pixels | null} */
  let shown = null;

  /**
   * @param {Pixels} image
   * @param {number} file
   */
  function draw(image, file) {
    const size = image.width;
    const origin = `${size > file ? "larger than" : "from"} a file of ${file}`;
    setAttributes(whole.node, {
      "aria-label": `the photo at ${size} by ${size} pixels, ${origin}`,
    });
    const label = `its middle at ${size} pixels, four times as large`;
    setAttributes(middle.node, { "aria-label": label });
    if (shown === image) return;
    shown = image;
    whole.show(image);
    middle.show(cropMiddle(image));
  }
  return { nodes: [whole.node, middle.node], draw };
}

/**
 * What one stage sees, and what a model predicts from it.
 * @param {Guesses} guesses
 * @param {number} index
 */
function stageFigure(guesses, index) {
  const caption = html("figcaption");
  const images = stageImages();
  const comment = note();
  const chart = guesses.top ? barChart(guesses.top) : null;
  const verdict = note();
  const predicted = chart ? [chart.node, verdict] : [];
  const node = figure(caption, ...images.nodes, comment, ...predicted);

  /**
   * @param {Pixels} image
   * @param {number} file
   */
  function draw(image, file) {
    const size = image.width;
    images.draw(image, file);
    node.classList.toggle("l7-resize-past", size > file);
    setText(caption, `${index + 1}: ${size} × ${size} px`);
    setText(comment, describeSize(size, file));
    if (!chart) return;
    const best = guesses.at[file][size];
    const names = best.map(([c]) => guesses.names[c]);
    const values = best.map(([, p]) => p);
    chart.draw(names.map((name, i) => [name, values[i]]));
    const { threshold } = guesses;
    setVisible(verdict, threshold !== undefined);
    if (threshold !== undefined) setText(verdict, describeThreshold(values, names, threshold));
  }
  return { node, draw };
}

/**
 * @param {Pixels} photo
 * @param {Guesses} guesses
 */
function stageFigures(photo, guesses) {
  const imageOf = imageSizes(photo);
  const figures = Array.from({ length: MOST_STAGES }, (_, i) => stageFigure(guesses, i));
  const nodes = figures.map(({ node }) => node);
  const node = html("div", { class: "l7-resize-pictures" }, ...nodes);

  /** @param {State} state */
  function draw({ stages, file }) {
    node.style.setProperty("--columns", String(stages.length));
    figures.forEach((stage, i) => {
      stage.node.hidden = i >= stages.length;
      if (!stage.node.hidden) stage.draw(imageOf(file, stages[i][0]), file);
    });
  }
  return { node: html("div", {}, node), draw };
}

/**
 * Epochs to the right, pixels upwards: the area is the work. The dashed frame is training at the
 * largest size throughout.
 */
function workPlot() {
  const { width, height, left, top } = WORK_AREA;
  const bottom = top + height;
  const steps = Array.from({ length: MOST_STAGES }, (_, i) => {
    const fill = { fill: "var(--l7-accent)", opacity: 0.5 + 0.25 * i };
    const box = svg("rect", { ...fill, stroke: "var(--l7-bg)", "stroke-width": 2 });
    return { box, label: svg("text", { y: bottom + 15, "text-anchor": "middle" }) };
  });
  const dashes = { fill: "var(--l7-faint)", stroke: "var(--l7-fg)", "stroke-dasharray": "5 4" };
  const all = svg("rect", { x: left, y: top, width, height, ...dashes });
  const title = svg("text", { x: left + width, y: top - 5, "text-anchor": "end" });
  const axisPlace = { x: left + width, y: bottom + 32, "text-anchor": "end" };
  const axis = svg("text", axisPlace, "epochs →");
  const parts = [all, ...steps.map(({ box }) => box), title, ...steps.map(({ label }) => label)];
  const viewBox = `0 0 ${width + 2 * left} ${bottom + 36}`;
  const node = svg("svg", { viewBox, role: "img" }, ...parts, axis);

  /** @param {Cost} cost */
  function draw(cost) {
    const { rows, epochs, largest } = cost;
    let done = 0;
    steps.forEach(({ box, label }, i) => {
      setVisible(box, i < rows.length);
      setVisible(label, i < rows.length);
      if (i >= rows.length) return;
      const x = left + (done / epochs) * width;
      const boxWidth = (rows[i].epochs / epochs) * width;
      const boxHeight = rows[i].each * height;
      setAttributes(box, { x, width: boxWidth, y: bottom - boxHeight, height: boxHeight });
      setAttributes(label, { x: x + boxWidth / 2 });
      setText(label, `${rows[i].size} px`);
      done += rows[i].epochs;
    });
    setText(title, `dashed: ${largest} px throughout`);
    setAttributes(node, { "aria-label": labelCost(cost) });
  }
  return { node, draw };
}

function workFigure() {
  const plot = workPlot();

  /** @param {State} state */
  function draw({ cost }) {
    plot.draw(cost);
  }
  return { node: figure("Work: pixels per image × epochs", plot.node), draw };
}

/**
 * The rows of the table: the stages, the schedule, and the largest size throughout.
 * @param {Cost} cost
 * @returns {{ label: string, numbers: (number | null)[], epochs: string }[]}
 */
function tableRows({ rows, epochs, largest, total }) {
  const stages = rows.map((row, i) => ({
    label: `${row.size} px`,
    numbers: [row.size ** 2, row.epochs, row.each, (row.each * row.epochs) / epochs],
    epochs: i ? `1 + ${row.epochs - 1}` : String(row.epochs),
  }));
  const schedule = { label: "schedule", numbers: [null, epochs, null, total] };
  const fixed = { label: `${largest} px throughout`, numbers: [largest ** 2, epochs, 1, 1] };
  return [...stages, { ...schedule, epochs: String(epochs) }, { ...fixed, epochs: String(epochs) }];
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
      const { label, numbers, epochs } = lines[i];
      const formats = [wholeNumber, () => epochs, three, three];
      setText(header, label);
      numbers.forEach((value, k) => {
        setNumber(cells[k], value, formats[k]);
      });
    });
  }
  const answerElements = table.rows.flatMap(({ cells }) => cells.slice(HIDDEN_COLUMNS));
  return { node: table.node, answerElements, draw };
}

/** @param {HTMLElement[]} stageControls */
function costNote(stageControls) {
  const node = note({ spoken: true });

  /** @param {State} state */
  function draw({ stages, cost, file }) {
    setText(node, describeCost(cost, file));
    stageControls.forEach((box, i) => {
      box.hidden = i >= stages.length;
    });
  }
  return { node, draw };
}

/**
 * Asks for the cost of an epoch or of the whole schedule. Sizes are quarters of the largest one.
 * @param {Model} model
 */
function createCostTask(model) {
  const isTotal = randomInt(2) === 0;
  const index = randomInt(MOST_STAGES - 1);
  const { stages, file } = readState(model);
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
    getQuestion() {
      const { cost } = readState(model);
      if (isTotal) return totalQuestion(cost, GUESS_TOLERANCE);
      return epochQuestion(cost, index, GUESS_TOLERANCE);
    },
  };
}

/** @param {View} view */
async function render({ model, el }) {
  const photo = await decodePng(model.get("photo"));
  const title = "Progressive resizing: what the model sees, and what it costs";
  const frame = new Frame({ model, el }, title);
  const stageControls = addControls(frame);

  const pictures = stageFigures(photo, model.get("guesses"));
  const work = workFigure();
  const table = numbers();
  const sentence = costNote(stageControls);
  const legend = note({ text: EPOCHS_NOTE });
  const right = html("div", {}, work.node, table.node, sentence.node, legend);
  frame.root.append(html("div", { class: "l7-resize" }, pictures.node, right));

  frame.redraw(TRAITS, () => {
    const state = readState(model);
    for (const part of [pictures, work, table, sentence]) part.draw(state);
  });
  const answerElements = [work.node, sentence.node, ...table.answerElements];
  addGuess(frame, TRAITS, { createTask: () => createCostTask(model), answerElements });
  return () => frame.close();
}

export default { render };
