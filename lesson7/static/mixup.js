// Two images and their targets, blended by one weight; where weights come from; what two learners
// predict for the blend.

import { barChart } from "./bars.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { button, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { quoted, significant } from "./format.js";
import { Frame } from "./frame.js";
import { addGuess } from "./guess.js";
import {
  blendPixels,
  describeDraws,
  describeWeight,
  foldDensity,
  foldWeight,
  formatTarget,
  imageAt,
  LESSON,
  misplaced,
  mixTargets,
  predictionAt,
  T_STEPS,
  targetValue,
} from "./mixup.math.js";
import { axisLine, dotRow, markLine, moveLine, stepPath, tickLabels } from "./plot.js";
import { randomChoice, randomInt } from "./random.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Model, View } from "./frame.js" */

const TRAITS = ["first", "second", "t", "alpha", "keep", "drawn", "classes"];
const MOST_DRAWS = 40; // dots in the plot
const PLOT_WIDTH = 420;
const PLOT_HEIGHT = 96;
const DENSITY_TOP = 5; // the largest density shown
const GUESS_TOLERANCE = 0.005;

/** @param {number} value */
const two = (value) => value.toFixed(2);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 */
async function readData(model) {
  /** @type {string[]} */
  const vocab = model.get("vocab");
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {number[]} */
  const rows = model.get("rows");
  /** @type {Record<string, number[][][]>} */
  const predictions = model.get("predictions");
  /** @type {Pixels} */
  const sprite = await decodePng(model.get("pixels"));
  const rest = vocab.length - rows.length;
  const restName = rest ? [`the other ${rest} classes`] : [];
  const hasTwins = new Set(labels).size < labels.length;
  return {
    ...{ vocab, labels, rows, rest, predictions, sprite },
    isLearned: Object.keys(predictions).length > 0,
    side: /** @type {number} */ (model.get("side")),
    alphas: /** @type {number[]} */ (model.get("alphas")),
    lambdas: /** @type {number[][]} */ (model.get("lambdas")),
    curves: /** @type {number[][]} */ (model.get("curves")),
    rowNames: [...rows.map((i) => vocab[i]), ...restName],
    pictures: labels.map((label, i) => (hasTwins ? `${i + 1}: ${vocab[label]}` : vocab[label])),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/**
 * @param {Model} model
 * @param {Data} data
 */
function readState(model, { vocab, labels, rows, rest, alphas, lambdas }) {
  const [first, second, t, alpha] = ["first", "second", "t", "alpha"].map((k) => +model.get(k));
  /** @type {"half" | "any"} */
  const keep = model.get("keep");
  const isLesson = model.get("classes") === "lesson";
  const names = isLesson ? LESSON.vocab : vocab;
  const [a, b] = isLesson ? LESSON.labels : [labels[first], labels[second]];
  const target = mixTargets(names.length, { a, b, t });
  const alphaIndex = alphas.indexOf(alpha);
  return {
    ...{ first, second, t, alpha, alphaIndex, keep, isLesson, names, a, b, target },
    // the images' classes have rows of their own
    rowTargets: [...rows.map((k) => target[k]), ...(rest ? [0] : [])],
    weights: lambdas[alphaIndex].slice(0, model.get("drawn")).map((v) => foldWeight(v, keep)),
  };
}

/** @typedef {ReturnType<typeof readState>} State */

/**
 * @param {Frame} frame
 * @param {Data} data
 * @returns {HTMLButtonElement} the button of the lesson's example
 */
function addControls(frame, data) {
  const { model } = frame;
  frame.controls.classList.add("l7-mixup-controls");
  /** @type {[number, string][]} */
  const pictures = data.pictures.map((name, i) => [i, name]);
  select(frame, "First picture", pictures, { trait: "first" });
  select(frame, "Second picture", pictures, { trait: "second" });
  const step = data.isLearned ? 1 / T_STEPS : 0.01;
  slider(frame, "Weight t of the first", { trait: "t", min: 0, max: 1, step, format: two });
  button(frame, "Draw a weight", () => drawWeight(frame, data));
  /** @type {[number, number][]} */
  const alphas = data.alphas.toSorted((a, b) => a - b).map((alpha) => [alpha, alpha]);
  select(frame, "from Beta(α, α) with α =", alphas, { trait: "alpha" });
  /** @type {[string, string][]} */
  const folds = [
    ["half", "max(λ, 1 − λ)"],
    ["any", "λ as drawn"],
  ];
  select(frame, "Then", folds, { trait: "keep" });
  return button(frame, "", () => {
    const isLesson = model.get("classes") === "lesson";
    frame.set("classes", isLesson ? "own" : "lesson");
    if (!isLesson) frame.set("t", LESSON.t);
  });
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function drawWeight(frame, data) {
  const { model } = frame;
  frame.set("drawn", (model.get("drawn") % data.lambdas[0].length) + 1);
  const weight = readState(model, data).weights.at(-1) ?? 0;
  frame.set("t", data.isLearned ? Math.round(weight * T_STEPS) / T_STEPS : weight);
}

/**
 * An image with a caption above and its target below.
 * @param {number} side pixels
 */
function targetFigure(side) {
  const image = imageCanvas();
  const caption = html("figcaption", { dir: "auto" });
  const code = html("code");

  /**
   * @param {Uint8ClampedArray<ArrayBuffer>} pixels
   * @param {number[]} target
   * @param {string} label
   */
  function draw(pixels, target, label) {
    image.show({ data: pixels, width: side, height: side });
    setAttributes(image.node, { "aria-label": label });
    setText(code, formatTarget(target));
  }
  return { node: figure(caption, image.node, code), canvas: image.node, caption, code, draw };
}

/**
 * The two images and their blend.
 * @param {Data} data
 */
function blendFigures({ sprite, side, pictures }) {
  const first = targetFigure(side);
  const second = targetFigure(side);
  const blend = targetFigure(side);
  const pair = html("div", { class: "l7-two" }, first.node, second.node);
  const node = html("div", {}, pair, blend.node);

  /** @param {State} state */
  function draw(state) {
    const { t, a, b, names, target } = state;
    const [pixels, others] = [state.first, state.second].map((i) => imageAt(sprite, side, i));
    const [name, otherName] = [state.first, state.second].map((i) => quoted(pictures[i]));
    const count = names.length;
    first.draw(pixels, mixTargets(count, { a, b, t: 1 }), `first picture: ${name}`);
    second.draw(others, mixTargets(count, { a, b, t: 0 }), `second picture: ${otherName}`);
    const parts = `${two(t)} of ${name} and ${two(1 - t)} of ${otherName}`;
    blend.draw(blendPixels(pixels, others, t), target, `blend: ${parts}`);
    setText(first.caption, `${two(t)} × ${quoted(names[a])}`);
    setText(second.caption, `${two(1 - t)} × ${quoted(names[b])}`);
    setText(blend.caption, "The blend: t · first + (1 − t) · second");
  }
  return { node, answerElements: [second.caption, blend.code], blend: blend.canvas, draw };
}

/**
 * The mixed target as bars, and what it means.
 * @param {Data} data
 */
function targetBars({ rowNames }) {
  const own = barChart(rowNames.length);
  const lesson = barChart(LESSON.vocab.length);
  const sentence = note({ spoken: true });
  const node = figure("The mixed target: what the model is asked for", own.node, lesson.node);

  /** @param {State} state */
  function draw(state) {
    const { isLesson, names, target, rowTargets, a, b } = state;
    own.node.hidden = isLesson;
    lesson.node.hidden = !isLesson;
    if (isLesson) lesson.draw(names.map((name, k) => [name, target[k]]));
    else own.draw(rowNames.map((name, k) => [name, rowTargets[k]]));
    setText(sentence, describeWeight(state, [quoted(names[a]), quoted(names[b])]));
  }
  return { node, sentence, answerElements: [own.node, lesson.node, sentence], draw };
}

/**
 * What a learner trained with mixup and one trained without predict; hidden where there are none.
 * @param {Data} data
 */
function learnerBars({ rowNames, predictions, isLearned }) {
  const learners = ["Trained with mixup", "Trained without"].map((name) => {
    return { name, chart: barChart(rowNames.length), caption: html("figcaption") };
  });
  const figures = learners.map(({ caption, chart }) => figure(caption, chart.node));
  const node = html("div", { class: "l7-two l7-wide" }, ...figures);

  /** @param {State} state */
  function draw(state) {
    node.hidden = !isLearned || state.isLesson;
    if (node.hidden) return;
    learners.forEach(({ name, chart, caption }, learner) => {
      const prediction = predictionAt(predictions, learner, state);
      chart.draw(rowNames.map((row, k) => [row, prediction[k]]));
      setText(caption, `${name}: ${two(misplaced(prediction, state.rowTargets))} misplaced`);
    });
  }
  return { node, draw };
}

/**
 * The outline of a density, cut off at DENSITY_TOP.
 * @param {number[]} density at equal steps
 */
function densityPath(density) {
  const tops = density.map((value) => {
    return PLOT_HEIGHT - (Math.min(value, DENSITY_TOP) / DENSITY_TOP) * PLOT_HEIGHT;
  });
  return stepPath(tops, PLOT_WIDTH, PLOT_HEIGHT);
}

/** @param {State} state */
function labelDensity({ alpha, keep, weights, t }) {
  const folded = keep === "half" ? ", folded onto 0.5 to 1" : "";
  const density = `density of Beta(${alpha}, ${alpha})${folded}`;
  return `${density}, ${weights.length} draws, t at ${two(t)}`;
}

/**
 * The density of the weights, a dot for each draw, a line at t.
 * @param {number[][]} curves for each alpha, the density at equal steps
 */
function densityPlot(curves) {
  const shape = svg("path", { fill: "currentColor", opacity: 0.3 });
  const dashes = { fill: "none", opacity: 0.55, "stroke-dasharray": "3 3" };
  const unfolded = svg("path", { ...dashes, stroke: "var(--l7-fg)" });
  const line = markLine(0, PLOT_HEIGHT);
  const axis = axisLine(PLOT_WIDTH, PLOT_HEIGHT);
  const dots = dotRow(MOST_DRAWS, PLOT_HEIGHT + 9);
  const labels = tickLabels([0, 0.5, 1], PLOT_WIDTH, PLOT_HEIGHT + 28);
  const viewBox = `-6 -4 ${PLOT_WIDTH + 12} ${PLOT_HEIGHT + 34}`;
  const parts = [shape, unfolded, line, axis, ...dots.nodes, ...labels];
  const node = svg("svg", { viewBox, role: "img" }, ...parts);

  /** @param {State} state */
  function draw(state) {
    const isFolded = state.keep === "half";
    const density = curves[state.alphaIndex];
    setAttributes(shape, { d: densityPath(isFolded ? foldDensity(density) : density) });
    setAttributes(unfolded, { d: densityPath(density) });
    setVisible(unfolded, isFolded);
    moveLine(line, state.t * PLOT_WIDTH);
    dots.draw(state.weights.map((weight) => weight * PLOT_WIDTH));
    setAttributes(node, { "aria-label": labelDensity(state) });
  }
  return { node, draw };
}

/** @param {Data} data */
function weightPlot({ curves, isLearned }) {
  const plot = densityPlot(curves);
  const summary = note();

  /** @param {State} state */
  function draw(state) {
    plot.draw(state);
    setText(summary, describeDraws(state.weights, isLearned));
  }
  return { node: figure("Where weights come from", plot.node), summary, draw };
}

/** @param {HTMLButtonElement} node */
function exampleButton(node) {
  /** @param {State} state */
  function draw({ isLesson }) {
    setText(node, isLesson ? "Back to these pictures' classes" : "The lesson's example");
  }
  return { draw };
}

/**
 * Asks for one number of the mixed target: mostly the second image's, whose weight is not shown.
 * @param {() => State} read
 */
function createTargetTask(read) {
  const part = randomChoice(["second", "second", "first", "neither"]);
  const other = randomInt(1000);
  const t = (1 + randomInt(T_STEPS - 1)) / T_STEPS;
  return { state: { t }, getQuestion: () => targetQuestion(read(), part, other) };
}

/**
 * @param {State} state
 * @param {string} part the class that is asked for: that of the first image, the second, neither
 * @param {number} other which of the classes that neither image has
 */
function targetQuestion({ t, names, a, b }, part, other) {
  const others = names.map((_, k) => k).filter((k) => k !== a && k !== b);
  const neither = others.length ? others[other % others.length] : b;
  const k = { first: a, neither }[part] ?? b;
  const [first, second, asked] = [a, b, k].map((index) => quoted(names[index]));
  const blend = `${first} weighs ${significant(t)} in this blend with ${second}`;
  return {
    text: `${blend}: what is the target of ${asked}?`,
    answer: targetValue(k, { a, b, t }),
    tolerance: GUESS_TOLERANCE,
    because: explainTarget(k, { a, b, t }),
  };
}

/**
 * @param {number} k
 * @param {{ a: number, b: number, t: number }} mix
 */
function explainTarget(k, { a, b, t }) {
  const sum = `${significant(t)} + ${significant(1 - t)}`;
  if (a === b && k === a) return `both pictures are of this class: ${sum}`;
  if (k === a) return "it is the weight itself";
  if (k === b) return `the second picture has what is left: 1 − ${significant(t)}`;
  return "neither picture is of this class";
}

/** @param {View} view */
async function render({ model, el }) {
  const data = await readData(model);
  const frame = new Frame({ model, el }, "Mixup: two pictures, one weight");
  const example = exampleButton(addControls(frame, data));

  const figures = blendFigures(data);
  const target = targetBars(data);
  const learners = learnerBars(data);
  const weights = weightPlot(data);
  const answers = data.isLearned ? [learners.node] : [];
  const right = [target.node, target.sentence, ...answers, weights.node, weights.summary];
  frame.root.append(html("div", { class: "l7-mixup" }, figures.node, html("div", {}, ...right)));

  const read = () => readState(model, data);
  frame.redraw(TRAITS, () => {
    const state = read();
    for (const part of [figures, target, example, learners, weights]) part.draw(state);
  });
  addGuess(frame, TRAITS, {
    createTask: () => createTargetTask(read),
    answerElements: [...figures.answerElements, ...target.answerElements, learners.node],
    ariaHiddenElements: [figures.blend],
  });
  return () => frame.close();
}

export default { render };
