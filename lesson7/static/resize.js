// One photo at the sizes of a schedule, and what each size costs.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { describeThreshold } from "./format.js";
import { Frame } from "./frame.js";
import { addHandle, grip, positionIn } from "./handle.js";
import { constant, fraction, identifier, liveLine, operator, power, subscript } from "./live.js";
import { drawing } from "./plot.js";
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
  replaceStage,
  resizeImage,
  scheduleCost,
  stageAt,
  totalQuestion,
  trainedEpochs,
  withStageCount,
} from "./resize.math.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Position } from "./handle.js" */
/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Box, Cost, Place, Stage } from "./resize.math.js" */

const TRAITS = ["stages", "file"];
const COLUMNS = ["", "pixels", "epochs", "cost per epoch", "cost in all"];
const HIDDEN_COLUMNS = 2; // the guess hides those after
const WORK_AREA = { left: 16, top: 24, width: 400, height: 160 };
const EDGE = 16; // width of the strip in which an edge of the diagram takes the pointer
const BORDER_GRIP = 16; // above the diagram's base
const GUESS_SIZES = [128, 192, 256, 320];
const GUESS_TOLERANCE = 0.02;
const EPOCHS_NOTE =
  "1 +: fine_tune begins with an epoch of its own, which the numbers above include. " +
  "Cost is by pixels.";
/** @type {Record<string, [right: number, down: number]>} */
const ARROWS = {
  ...{ ArrowRight: [1, 0], ArrowLeft: [-1, 0] },
  ...{ ArrowDown: [0, 1], ArrowUp: [0, -1] },
};

/** @param {number} value */
const three = (value) => value.toFixed(3);
/** @param {number} count */
const epochsText = (count) => (count === 1 ? " epoch at " : " epochs at ");

/** @param {number} value */
function wholeNumber(value) {
  return value.toLocaleString("en").replaceAll(",", "\u202f"); // a narrow space
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
    ...{ trait: "count", traits: ["stages"], parent: more },
    get: () => stages().length,
    set: (count) => frame.set("stages", withStageCount(stages(), count)),
  });
  const sizes = [controls, controls, more].map((parent, i) => sizeSlider(frame, i, parent));
  /** @type {number[]} */
  const files = model.get("files");
  /** @type {[number, string][]} */
  const sides = files.map((side) => [side, `${side} px`]);
  select(frame, "Image size in file", sides, { trait: "file" });
  const epochs = sizes.map((_, i) => epochsSlider(frame, i, more));

  return {
    draw(state) {
      [...sizes.entries(), ...epochs.entries()].forEach(([i, node]) => {
        node.hidden = i >= state.stages.length;
      });
    },
  };
}

/**
 * How a control reads and sets one stage.
 * @param {Frame} frame
 * @param {number} index
 */
function stageAccess({ model }, index) {
  return {
    get: () => stageAt(model.get("stages"), index),
    /** @param {Stage} stage */
    set(stage) {
      /** @type {Stage[]} */
      const stages = model.get("stages");
      const isShown = index < stages.length; // a link can name a stage that is not
      return isShown ? replaceStage(stages, index, stage) : stages;
    },
  };
}

/**
 * @param {Frame} frame
 * @param {number} index
 * @param {HTMLElement} parent
 */
function sizeSlider(frame, index, parent) {
  const stage = stageAccess(frame, index);
  return slider(frame, `Size ${index + 1}`, {
    ...{ min: 16, max: MOST_SIZE, step: 16, parent, trait: `size${index}`, traits: ["stages"] },
    format: (size) => `${size} px`,
    get: () => stage.get()[0],
    set: (size) => frame.set("stages", stage.set([size, stage.get()[1]])),
  }).node;
}

/**
 * @param {Frame} frame
 * @param {number} index
 * @param {HTMLElement} parent
 */
function epochsSlider(frame, index, parent) {
  const stage = stageAccess(frame, index);
  return slider(frame, `Epochs ${index + 1}`, {
    ...{ min: 1, max: MOST_EPOCHS, parent, trait: `epochs${index}`, traits: ["stages"] },
    format: (epochs) => (index ? `1 + ${epochs}` : String(epochs)),
    get: () => stage.get()[1],
    set: (epochs) => frame.set("stages", stage.set([stage.get()[0], epochs])),
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
 * @typedef {object} Guesses a model's best classes
 * @property {number} top how many
 * @property {string[]} names
 * @property {Record<number, Record<number, [number, number][]>>} at for each side of the file and
 *   size, [class, probability]
 * @property {number} [threshold] from which a class counts, for a model of several classes an image
 */

/** An image with a frame around one of its pixels. */
function markedImage() {
  const image = imageCanvas({ sharp: true });
  const mark = html("span", { class: "l7-resize-mark", "aria-hidden": "true" });
  const node = html("div", { class: "l7-resize-image" }, image.node, mark);
  /** @type {Pixels | null} */
  let shown = null;

  /** @param {Pixels} pixels */
  function draw(pixels) {
    if (shown === pixels) return;
    shown = pixels;
    image.show(pixels);
  }

  /** @param {Box | null} box null: no frame */
  function drawMark(box) {
    mark.hidden = box === null;
    if (!box) return;
    const { left, top, side } = box;
    const values = { left, top, width: side, height: side };
    for (const [name, share] of Object.entries(values)) {
      mark.style.setProperty(name, `${100 * share}%`);
    }
  }
  return { node, canvas: image.node, draw, drawMark };
}

/** @typedef {{ index: number, place: Place }} Chosen a pixel of a stage's image, by its place */

/**
 * The photo at one size, and a part of it enlarged.
 * @param {(place: Place) => void} choose called with the place that is pointed at
 */
function sizedImage(choose) {
  const whole = markedImage();
  const part = markedImage();
  let crop = { left: 0, top: 0, side: 1 };

  for (const kind of /** @type {const} */ (["pointerdown", "pointermove"])) {
    whole.canvas.addEventListener(kind, (event) => choose(positionIn(whole.canvas, event)));
    part.canvas.addEventListener(kind, (event) => {
      const { x, y } = positionIn(part.canvas, event);
      choose({ x: crop.left + x * crop.side, y: crop.top + y * crop.side });
    });
  }

  /**
   * @param {Pixels} image
   * @param {Place} place in the middle of the part
   * @param {Box | null} box that is framed
   */
  function draw(image, place, box) {
    crop = cropBox(place, image.width);
    whole.draw(image);
    part.draw(cropImage(image, crop));
    whole.drawMark(box);
    part.drawMark(box && boxWithin(box, crop));
  }
  return { whole, part, draw };
}

/**
 * The arrow keys choose a neighbouring pixel.
 * @param {HTMLElement} node
 * @param {(step: [right: number, down: number]) => void} move
 */
function addArrowKeys(node, move) {
  setAttributes(node, { tabindex: 0, role: "group" });
  node.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(step);
  });
}

/**
 * What one stage sees, and what a model predicts from it.
 * @param {Guesses} guesses
 * @param {number} index
 * @param {(place: Place) => void} choose
 */
function stageColumn(guesses, index, choose) {
  const images = sizedImage(choose);
  const caption = html("figcaption");
  const comment = note();
  const chart = guesses.top ? barChart(guesses.top) : null;
  const verdict = note();
  const top = figure(caption, images.whole.node, comment);
  const low = html("figure", {}, images.part.node, ...(chart ? [chart.node, verdict] : []));
  setAttributes(images.whole.node, { "data-source": `stage${index}` });

  /**
   * @param {number} size
   * @param {number} file
   */
  function draw(size, file) {
    top.classList.toggle("l7-resize-past", size > file);
    setText(caption, `Stage ${index + 1}: ${size} × ${size} px`);
    setText(comment, describeSize(size, file));
    labelImages(images, size, file);
    if (chart) drawPredictions(guesses.at[file][size]);
  }

  /** @param {[number, number][]} best */
  function drawPredictions(best) {
    const names = best.map(([c]) => guesses.names[c]);
    const values = best.map(([, p]) => p);
    chart?.draw(names.map((name, i) => [name, values[i]]));
    const { threshold } = guesses;
    setVisible(verdict, threshold !== undefined);
    if (threshold !== undefined) setText(verdict, describeThreshold(values, names, threshold));
  }
  return { top, low, images, draw };
}

/**
 * @param {ReturnType<typeof sizedImage>} images
 * @param {number} size
 * @param {number} file
 */
function labelImages({ whole, part }, size, file) {
  const origin = `${size > file ? "larger than" : "from"} a file of ${file}`;
  const label = `the photo at ${size} by ${size} pixels, ${origin}`;
  setAttributes(whole.canvas, { "aria-label": label });
  setAttributes(whole.node, { "aria-label": `${label}; arrow keys choose a pixel` });
  const partLabel = `a part of it at ${size} pixels, four times as large`;
  setAttributes(part.canvas, { "aria-label": partLabel });
}

/**
 * The photo in the file.
 * @param {(place: Place) => void} choose
 * @param {string} credit of the photo; "": unknown
 */
function fileColumn(choose, credit) {
  const images = sizedImage(choose);
  const caption = html("figcaption");
  const top = figure(caption, images.whole.node, note({ text: "What there is to see." }));
  const low = html("figure", {}, images.part.node);
  if (credit) images.whole.canvas.title = `Photo: ${credit}`;
  setAttributes(images.whole.node, { "data-source": "file" });

  /** @param {number} file */
  function draw(file) {
    setText(caption, `In the file: ${file} × ${file} px`);
    const by = credit ? `, by ${credit}` : "";
    const label = `the photo in the file, ${file} by ${file} pixels${by}`;
    setAttributes(images.whole.canvas, { "aria-label": label });
    setAttributes(images.part.canvas, { "aria-label": "a part of it, four times as large" });
  }
  return { top, low, images, draw };
}

/**
 * The photo in the file and at each stage's size; the block of pixels of the file that a pixel
 * averages is framed.
 * @param {{ imageOf: ImageOf, guesses: Guesses, credit: string }} data
 */
function photoFigures({ imageOf, guesses, credit }) {
  /** @type {Chosen} */
  let chosen = { index: 0, place: { x: 0.5, y: 0.5 } };
  /** @type {State | null} */
  let shown = null;

  const file = fileColumn((place) => choose(chosen.index, place), credit);
  const stages = Array.from({ length: MOST_STAGES }, (_, i) => {
    return stageColumn(guesses, i, (place) => choose(i, place));
  });
  stages.forEach(({ images }, i) => {
    addArrowKeys(images.whole.node, (step) => {
      if (shown) choose(i, neighbour(chosen.place, shown.stages[i][0], step));
    });
  });
  const columns = [file, ...stages];
  const top = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.top));
  const low = html("div", { class: "l7-resize-photos" }, ...columns.map((column) => column.low));
  const sentence = note({ spoken: true });

  /**
   * @param {number} index
   * @param {Place} place
   */
  function choose(index, place) {
    chosen = { index, place };
    if (shown) drawImages(shown);
  }

  /** @param {State} state */
  function drawImages(state) {
    const index = Math.min(chosen.index, state.stages.length - 1);
    const { place } = chosen;
    const size = state.stages[index][0];
    const box = pixelBox(place, size);
    file.images.draw(imageOf(state.file, state.file), place, box);
    state.stages.forEach(([stageSize], i) => {
      const image = imageOf(state.file, stageSize);
      stages[i].images.draw(image, place, i === index ? box : null);
    });
    setText(sentence, describePixel(imageOf(state.file, size), place, state.file));
  }

  /** @param {State} state */
  function draw(state) {
    shown = state;
    const count = state.stages.length;
    for (const node of [top, low]) node.style.setProperty("--columns", String(count + 1));
    file.draw(state.file);
    stages.forEach((stage, i) => {
      stage.top.hidden = i >= count;
      stage.low.hidden = i >= count;
      if (i < count) stage.draw(state.stages[i][0], state.file);
    });
    drawImages(state);
  }
  return { top, low: html("div", {}, low, sentence), draw };
}

/**
 * The rectangle of a stage in the work diagram, with the handles of its upper and its right edge.
 * @param {number} index
 */
function stageBar(index) {
  const box = svg("rect", { "data-source": `stage${index}`, opacity: 0.5 + 0.25 * index });
  const lines = svg("path", { class: "l7-resize-lines" }); // between epochs
  const ghost = svg("rect", { class: "l7-ghost", visibility: "hidden" });
  const top = edgeHandle();
  const border = edgeHandle();

  /** @param {{ x: number, y: number, width: number, height: number, epochs: number }} place */
  function draw({ x, y, width, height, epochs }) {
    const bottom = y + height;
    setAttributes(box, { x, y, width, height });
    const steps = Array.from({ length: epochs }, (_, k) => x + (k * width) / epochs);
    setAttributes(lines, { d: steps.map((at) => `M${at} ${y}V${bottom}`).join("") });
    top.draw({ x: x + width / 2, y, left: -width / 2, top: -EDGE / 2, width, height: EDGE });
    const right = { x: x + width, y: bottom - BORDER_GRIP, left: -EDGE / 2, width: EDGE };
    border.draw({ ...right, top: BORDER_GRIP - height, height });
  }
  const nodes = [box, lines, ghost, border.node, top.node];

  /** @param {boolean} isVisible */
  function show(isVisible) {
    for (const node of [box, lines, border.node, top.node]) setVisible(node, isVisible);
  }
  return { nodes, ghost, top: top.node, border: border.node, draw, show };
}

/** A grip, and a strip along an edge that takes the pointer with it. */
function edgeHandle() {
  const handle = grip();
  const strip = svg("rect", { class: "l7-resize-edge" });
  handle.node.prepend(strip);

  /**
   * @param {{ x: number, y: number, left: number, top: number, width: number, height: number }} at
   *   place of the grip, and of the strip relative to it
   */
  function draw({ x, y, left, top, width, height }) {
    handle.move(x, y);
    setAttributes(strip, { x: left, y: top, width, height });
  }
  return { node: handle.node, draw };
}

/**
 * Epochs to the right, pixels upwards: the area is the work. The dashed frame is training at the
 * largest size throughout.
 * @param {Frame} frame
 */
function workPlot(frame) {
  const { left, top, width, height } = WORK_AREA;
  const bottom = top + height;
  const bars = Array.from({ length: MOST_STAGES }, (_, i) => stageBar(i));
  const all = svg("rect", { class: "l7-resize-all", x: left, "data-source": "throughout" });
  const title = svg("text", { x: left });
  const layers = [0, 1, 2, 3, 4].map((k) => svg("g", {}, ...bars.map(({ nodes }) => nodes[k])));
  setAttributes(layers[0], { "data-source": "schedule", fill: "var(--l7-blue)" });
  const size = { width: width + 2 * left, height: bottom + 4 };
  const node = drawing(size, all, ...layers.slice(0, 3), title, ...layers.slice(3));
  let scale = { size: MOST_SIZE, epochs: 1 };
  let isHeld = false; // the scale, while an edge is dragged
  /** @type {Cost | null} */
  let shown = null;
  /** @type {Cost | null} */
  let pinned = null;

  /** @param {number} epochs */
  const xOf = (epochs) => left + (epochs / scale.epochs) * width;
  /** @param {number} px */
  const heightOf = (px) => (px / scale.size) ** 2 * height;

  /**
   * The rectangles of a schedule.
   * @param {Cost} cost
   */
  function rectangles({ rows }) {
    let done = 0;
    return rows.map(({ size, epochs }) => {
      const x = xOf(done);
      done += epochs;
      const barHeight = heightOf(size);
      return { x, y: bottom - barHeight, width: xOf(done) - x, height: barHeight, epochs };
    });
  }

  function layOut() {
    if (!shown) return;
    if (!isHeld) scale = diagramScale(pinned ? [shown, pinned] : [shown]);
    const places = rectangles(shown);
    const ghosts = pinned ? rectangles(pinned) : [];
    bars.forEach((bar, i) => {
      bar.show(i < places.length);
      if (i < places.length) bar.draw(places[i]);
      setVisible(bar.ghost, i < ghosts.length);
      if (i >= ghosts.length) return;
      const { x, y, width, height } = ghosts[i];
      setAttributes(bar.ghost, { x, y, width, height });
    });
    const allHeight = heightOf(shown.largest);
    const allWidth = xOf(shown.epochs) - left;
    setAttributes(all, { y: bottom - allHeight, width: allWidth, height: allHeight });
    setAttributes(title, { y: bottom - allHeight - 8 });
    setText(title, `dashed: ${shown.epochs} epochs at ${shown.largest} px`);
    setAttributes(node, { "aria-label": labelCost(shown) });
  }

  /** @param {boolean} isHeldNow */
  function hold(isHeldNow) {
    isHeld = isHeldNow;
    layOut();
  }
  const end = () => hold(false);

  /**
   * Follows the pointer from an edge, at the distance from it where the edge was pressed.
   * @param {"x" | "y"} axis
   * @param {() => number} edge its coordinate
   * @param {(value: number) => void} move
   */
  function follow(axis, edge, move) {
    return (/** @type {Position} */ pressed) => {
      hold(true);
      const offset = edge() - pressed[axis];
      return (/** @type {Position} */ position) => move(position[axis] + offset);
    };
  }

  /** @param {number} index */
  function addHandles(index) {
    const { top: topNode, border } = bars[index];
    const place = () => rectangles(/** @type {Cost} */ (shown))[index];
    const setSize = follow(
      "y",
      () => place().y,
      (y) => {
        const share = Math.min(1, Math.max(0, (bottom - y) / height));
        frame.numberBinding(`size${index}`).setNear(Math.sqrt(share) * scale.size);
      },
    );
    const setEpochs = follow(
      "x",
      () => place().x + place().width,
      (x) => {
        const share = Math.min(1, (x - left) / width);
        moveBorder(frame, index, share * scale.epochs);
      },
    );
    const area = node;
    addHandle(frame, topNode, { trait: `size${index}`, axis: "y", area, start: setSize, end });
    addHandle(frame, border, { trait: `epochs${index}`, axis: "x", area, start: setEpochs, end });
  }
  bars.forEach((_, i) => {
    addHandles(i);
  });

  /** @param {Cost} cost */
  function draw(cost) {
    shown = cost;
    layOut();
  }

  /** @param {Cost | null} cost */
  function drawPin(cost) {
    if (pinned === cost) return;
    pinned = cost;
    layOut();
  }
  return { node, draw, drawPin };
}

/**
 * Moves the right end of a stage: between two stages, epochs go from one to the other; that of the
 * last stage changes the sum.
 * @param {Frame} frame
 * @param {number} index
 * @param {number} end epochs from the start of the schedule
 */
function moveBorder(frame, index, end) {
  /** @type {Stage[]} */
  const stages = frame.model.get("stages");
  const before = stages.slice(0, index).reduce((sum, [, epochs], i) => {
    return sum + trainedEpochs(epochs, i);
  }, 0);
  if (index < stages.length - 1) {
    frame.set("stages", exchangeEpochs(stages, index, end - before));
    return;
  }
  frame.numberBinding(`epochs${index}`).setNear(end - before - trainedEpochs(0, index));
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
  const rest = html("div", { class: "l7-resize-rest" });
  const nodes = labels.map((label) => label.node);
  const node = html("div", { class: "l7-resize-labels" }, ...nodes, rest);

  /** @param {State} state */
  function draw({ cost, file }) {
    labels.forEach(({ node, image, drawText }, i) => {
      const row = cost.rows[i];
      node.hidden = !row;
      if (!row) return;
      node.style.flexGrow = String(row.epochs);
      image.node.style.setProperty("--size", String(row.size));
      image.show(imageOf(file, row.size));
      drawText([...stageNumbers(row, i)]);
    });
    rest.style.flexGrow = String(diagramScale([cost]).epochs - cost.epochs);
  }
  return { node, draw };
}

/**
 * @param {Cost["rows"][number]} row
 * @param {number} index
 * @returns {LiveNode[]}
 */
function stageNumbers({ epochs, size }, index) {
  const [count, side] = stageQuantities({ epochs, size }, index);
  return [count, epochsText(epochs), side, " px"];
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
  const title = "Work, pixels × epochs: drag an upper edge (size) or a right one (epochs)";
  const node = figure(title, plot.node, labels.node);

  /** @param {State} state */
  function draw(state) {
    plot.draw(state.cost);
    labels.draw(state);
  }

  /** @param {State | null} state */
  function drawPin(state) {
    plot.drawPin(state && state.cost);
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
    ...{ label: `${row.size} px`, source: `stage${i}` },
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
    "the sum over the stages of epochs times size squared, divided by the sum of epochs times the " +
    "largest size squared";

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
    { name: "cost, largest size throughout = 1", value: total, format: three },
    { name: "largest size, px", value: largest, format: String },
    { name: "epochs", value: epochs, format: String },
    { name: "pixels of each image in all epochs, millions", value: work / 1e6, format: three },
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
 * Asks for the cost of an epoch or of the whole schedule. Sizes are quarters of the largest one.
 * @param {Model} model
 */
function createCostTask(model) {
  const isTotal = randomInt(2) === 0;
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
    getQuestion() {
      const { cost } = readState((trait) => model.get(trait));
      if (isTotal) return totalQuestion(cost, GUESS_TOLERANCE);
      return epochQuestion(cost, index, GUESS_TOLERANCE);
    },
  };
}

/** @param {View} view */
async function render({ model, el }) {
  const photo = await decodePng(model.get("photo"));
  const imageOf = imageSizes(photo);
  const frame = new Frame({ model, el }, "Progressive resizing");
  const controls = addControls(frame);

  const guesses = model.get("guesses");
  const photos = photoFigures({ imageOf, guesses, credit: model.get("credit") });
  const work = workFigure(frame, imageOf);
  const table = numbers();
  const sentence = costNote();
  const main = html("div", { class: "l7-resize-row", "data-picture": "" }, work.node, photos.top);
  const legend = note({ text: EPOCHS_NOTE });
  const right = html("div", {}, table.node, sentence.node, legend);
  const low = html("div", { class: "l7-resize-row" }, right, photos.low);
  frame.body.append(html("div", { class: "l7-resize" }, main, low));

  showExplorer(frame, {
    ...{ traits: TRAITS, readState, headline, formulas: formulas(), code: codeValues, results },
    parts: [photos, work, table, sentence, controls],
    guess: {
      createTask: () => createCostTask(model),
      answerElements: [work.node, sentence.node, ...table.answerElements],
    },
  });
  return () => frame.close();
}

export default { render };
