// Two images and their targets, blended by one weight; where weights come from; what two learners
// predict for the blend.

import { barChart } from "./bars.js";
import { createNumberBinding } from "./bindings.js";
import { decodePng, imageCanvas } from "./canvas.js";
import { pythonFloat } from "./code.js";
import { button, select, slider } from "./controls.js";
import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { quoted, significant } from "./format.js";
import { Frame } from "./frame.js";
import { taskDeck } from "./guess.js";
import { addHandle, grip } from "./handle.js";
import { dotRow, stepPath, tickLabels } from "./histogram.js";
import { constant, identifier, liveLine, mathText, operator, subscript } from "./live.js";
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
  stackImages,
  T_STEPS,
  targetValue,
} from "./mixup.math.js";
import { blendAnswers } from "./mixup.network.js";
import { showWithNetwork } from "./network.js";
import { OWN_NAME, withPhoto } from "./photo.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";
import { randomChoice, randomInt } from "./random.js";

/** @import { Pixels } from "./canvas.js" */
/** @import { Get } from "./explorer.js" */
/** @import { Question } from "./guess.js" */
/** @import { Model, View } from "./frame.js" */
/** @import { Formula, LiveNode } from "./live.js" */
/** @import { PageNetwork } from "./network.js" */
/** @import { OpenPhoto } from "./photo.js" */
/** @import { Result } from "./pin.js" */

const TRAITS = ["first", "second", "t", "alpha", "keep", "drawn", "classes"];
const MOST_DRAWS = 40; // dots in the plot
const MOST_PICTURES = 12;
const MOST_ROWS = 12; // classes that are shown one by one
const PLOT_WIDTH = 420;
const PLOT_HEIGHT = 96;
const DENSITY_TOP = 5; // the largest density shown
const GUESS_TOLERANCE = 0.005;
const PIXEL_TOLERANCE = 2; // of 255
const FIRST_COLOUR = "var(--l7-blue)";
const SECOND_COLOUR = "var(--l7-orange)";

/** @param {number} value */
const two = (value) => value.toFixed(2);

/**
 * What Python gives and nothing changes.
 * @param {Model} model
 * @param {boolean} isAsked whether networks answer at any weight
 */
async function readData(model, isAsked) {
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
  /** @type {number} */
  const side = model.get("side");
  const rest = vocab.length - rows.length;
  const restName = rest ? [`the other ${rest} classes`] : [];
  const hasTwins = new Set(labels).size < labels.length;
  return {
    vocab,
    labels,
    rows,
    rest,
    predictions,
    side,
    images: labels.map((_, i) => imageAt(sprite, side, i)),
    isLearned: Object.keys(predictions).length > 0,
    isOnGrid: Object.keys(predictions).length > 0 && !isAsked,
    alphas: /** @type {number[]} */ (model.get("alphas")),
    lambdas: /** @type {number[][]} */ (model.get("lambdas")),
    curves: /** @type {number[][]} */ (model.get("curves")),
    rowNames: [...rows.map((i) => vocab[i]), ...restName],
    pictures: labels.map((label, i) => (hasTwins ? `${i + 1}: ${vocab[label]}` : vocab[label])),
  };
}

/** @typedef {Awaited<ReturnType<typeof readData>>} Data */

/**
 * @param {Get} get
 * @param {Data} data
 */
function readState(get, { vocab, labels, rows, rest, alphas, lambdas }) {
  const [first, second, t, alpha] = ["first", "second", "t", "alpha"].map((k) => +get(k));
  /** @type {"half" | "any"} */
  const keep = get("keep");
  const isLesson = get("classes") === "lesson";
  const names = isLesson ? LESSON.vocab : vocab;
  const [a, b] = isLesson ? LESSON.labels : [labels[first], labels[second]];
  const target = mixTargets(names.length, { a, b, t });
  const alphaIndex = alphas.indexOf(alpha);
  return {
    first,
    second,
    t,
    alpha,
    alphaIndex,
    keep,
    isLesson,
    names,
    a,
    b,
    target,
    // the images' classes have rows of their own
    rowTargets: [...rows.map((k) => target[k]), ...(rest ? [0] : [])],
    weights: lambdas[alphaIndex].slice(0, get("drawn")).map((v) => foldWeight(v, keep)),
  };
}

/** @typedef {ReturnType<typeof readState>} State */

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addControls(frame, data) {
  const step = data.isOnGrid ? 1 / T_STEPS : 0.01;
  slider(frame, "Weight λ", {
    trait: "t",
    min: 0,
    max: 1,
    step,
    format: two,
    set: (t) => frame.set("t", allowedWeight(t, data)),
  });
  // The weight of the second picture: the same number, seen from the other end.
  frame.addBinding(
    createNumberBinding({
      name: "rest",
      label: "Weight of the second picture",
      isLinked: false,
      min: 0,
      max: 1,
      step,
      format: two,
      get: () => 1 - frame.model.get("t"),
      set: (rest) => setWeight(frame, 1 - rest),
    }),
  );
  button(frame.controls, "Draw a weight", () => drawWeight(frame, data));
  /** @type {[number, number][]} */
  const alphas = data.alphas.toSorted((a, b) => a - b).map((alpha) => [alpha, alpha]);
  select(frame, "α of Beta(α, α)", alphas, { trait: "alpha" });
  const most = data.lambdas[0].length;
  frame.addBinding(
    createNumberBinding({
      name: "drawn",
      label: "Weights drawn",
      min: 0,
      max: most,
      step: 1,
      get: () => frame.model.get("drawn"),
      set: (drawn) => frame.set("drawn", drawn),
    }),
  );
  addMoreControls(frame, data);
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function addMoreControls(frame, data) {
  const parent = frame.more;
  /** @type {[number, string][]} */
  const pictures = data.pictures.map((name, i) => [i, name]);
  select(frame, "First picture", pictures, { trait: "first", parent });
  select(frame, "Second picture", pictures, { trait: "second", parent });
  /** @type {[string, string][]} */
  const folds = [
    ["half", "max(λ, 1 − λ), as fastai"],
    ["any", "λ as drawn"],
  ];
  select(frame, "Weight kept", folds, { trait: "keep", parent });
  /** @type {[string, string][]} */
  const classes = [
    ["own", "of these pictures"],
    ["lesson", "of the lesson: 2 and 7 of ten"],
  ];
  select(frame, "Classes", classes, { trait: "classes", parent });
  button(parent, "The lesson's example", () => {
    frame.setAll({ classes: "lesson", t: LESSON.t });
  });
}

/**
 * @param {Frame} frame
 * @param {number} t
 */
function setWeight(frame, t) {
  frame.numberBinding("t").setNear(t);
}

/**
 * The weight itself; with learners, the nearest that they were asked about.
 * @param {number} weight
 * @param {Data} data
 */
function allowedWeight(weight, { isOnGrid }) {
  return isOnGrid ? Math.round(weight * T_STEPS) / T_STEPS : weight;
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function drawWeight(frame, data) {
  const { model } = frame;
  frame.set("drawn", (model.get("drawn") % data.lambdas[0].length) + 1);
  const { weights } = readState((trait) => model.get(trait), data);
  frame.set("t", allowedWeight(weights.at(-1) ?? 0, data));
}

/**
 * The pictures to choose from, small.
 * @param {Frame} frame
 * @param {Data} data
 * @param {"first" | "second"} trait
 */
function pictureStrip(frame, { images, side, pictures }, trait) {
  const buttons = pictures.map((name, i) => {
    const image = imageCanvas();
    image.show({ data: images[i], width: side, height: side });
    setAttributes(image.node, { "aria-hidden": "true" });
    // The keyboard has the control of the same name.
    const label = { "aria-label": `${trait} picture: ${name}`, title: name, tabindex: -1 };
    const node = html("button", { type: "button", ...label }, image.node);
    node.addEventListener("click", () => frame.set(trait, i));
    return node;
  });
  const node = html("div", { class: "l7-mixup-strip l7-shortcuts" }, ...buttons);

  /** @param {number} chosen */
  function draw(chosen) {
    buttons.forEach((button, i) => {
      setAttributes(button, { "aria-pressed": i === chosen });
    });
  }
  return { node, draw };
}

/**
 * A term of the sum: a weight, a picture, and its target.
 * @param {Frame} frame
 * @param {{ side: number, source: string, colours: string[] }} options
 */
function term(frame, { side, source, colours }) {
  const caption = html("figcaption", { dir: "auto" });
  const drawCaption = liveLine(frame, caption);
  const image = imageCanvas();
  setAttributes(image.node, { "data-source": source });
  const chart = barChart(2, two);
  chart.rows.forEach(({ track }, i) => {
    track.style.setProperty("--colour", colours[i]);
  });
  const code = html("code");
  const node = figure(caption, image.node, chart.node, code);

  /**
   * @param {Uint8ClampedArray<ArrayBuffer>} pixels
   * @param {string} label
   * @param {LiveNode[]} text
   */
  function drawImage(pixels, label, text) {
    image.show({ data: pixels, width: side, height: side });
    setAttributes(image.node, { "aria-label": label });
    drawCaption(text);
  }

  /**
   * @param {State} state
   * @param {number[]} target
   */
  function drawTarget({ names, a, b }, target) {
    /** @type {[string, number][]} */
    const bars = a === b ? [[names[a], target[a]]] : [a, b].map((k) => [names[k], target[k]]);
    chart.draw(bars);
    for (const cell of chart.rows[1].cells) cell.hidden = a === b;
    setText(code, formatTarget(target));
  }
  return { node, canvas: image.node, caption, chart, code, drawImage, drawTarget };
}

/**
 * The sum: weight times picture plus weight times picture is the blend.
 * @param {Frame} frame
 * @param {Data} data
 */
function blendFigures(frame, data) {
  const { images, side, pictures } = data;
  const colours = [FIRST_COLOUR, SECOND_COLOUR];
  const first = term(frame, { side, colours, source: "x1" });
  const second = term(frame, { side, colours, source: "x2" });
  const blend = term(frame, { side, colours, source: "blend" });
  const strips = [pictureStrip(frame, data, "first"), pictureStrip(frame, data, "second")];
  [first, second].forEach(({ canvas }, i) => {
    strips[i].node.style.setProperty("--colour", colours[i]);
    canvas.after(strips[i].node);
  });
  const signs = ["+", "="].map((sign) => html("span", { "aria-hidden": "true" }, sign));
  const terms = [first.node, signs[0], second.node, signs[1], blend.node];
  const node = html("div", { class: "l7-mixup-sum", "data-picture": "" }, ...terms);
  addHandle(frame, blend.canvas, {
    trait: "t",
    axis: "x",
    area: blend.canvas,
    start({ x }) {
      const t = frame.model.get("t");
      return (position) => setWeight(frame, t + position.x - x);
    },
  });

  /** @param {State} state */
  function draw(state) {
    const { t, a, b, names, target } = state;
    const [pixels, others] = [state.first, state.second].map((i) => images[i]);
    const [name, otherName] = [state.first, state.second].map((i) => quoted(pictures[i]));
    const count = names.length;
    const rest = { name: "rest", value: 1 - t, text: two(1 - t), source: "x2" };
    const weight = { name: "t", value: t, text: two(t), source: "x1" };
    first.drawImage(pixels, `first picture: ${name}`, [weight, ` × ${quoted(names[a])}`]);
    second.drawImage(others, `second picture: ${otherName}`, [rest, ` × ${quoted(names[b])}`]);
    const parts = `${two(t)} of ${name} and ${two(1 - t)} of ${otherName}`;
    blend.drawImage(blendPixels(pixels, others, t), `blend: ${parts}`, [
      "what the model trains on",
    ]);
    first.drawTarget(state, mixTargets(count, { a, b, t: 1 }));
    second.drawTarget(state, mixTargets(count, { a, b, t: 0 }));
    blend.drawTarget(state, target);
    strips[0].draw(state.first);
    strips[1].draw(state.second);
  }
  const answerElements = [second.caption, blend.chart.node, blend.code];
  return { node, answerElements, blend: blend.canvas, draw };
}

/**
 * The mixed target as bars, two of which can be dragged, and what it means.
 * @param {Frame} frame
 * @param {Data} data
 */
function targetBars(frame, { rowNames, rows }) {
  const own = targetChart(frame, rowNames.length);
  const lesson = targetChart(frame, LESSON.vocab.length);
  const sentence = note({ spoken: true });
  const title = "Mixed target: drag one of its two bars";
  const node = figure(title, own.chart.node, lesson.chart.node);

  /** @param {State} state */
  function draw(state) {
    const { isLesson, names, target, rowTargets, a, b } = state;
    own.chart.node.hidden = isLesson;
    lesson.chart.node.hidden = !isLesson;
    if (isLesson) lesson.draw(names, target, [a, b]);
    else own.draw(rowNames, rowTargets, [rows.indexOf(a), rows.indexOf(b)]);
    setText(sentence, describeWeight(state, [quoted(names[a]), quoted(names[b])]));
  }

  /** @param {State | null} state */
  function drawPin(state) {
    own.chart.drawPin(state && !state.isLesson ? state.rowTargets : null);
    lesson.chart.drawPin(state?.isLesson ? state.target : null);
  }
  const answerElements = [own.chart.node, lesson.chart.node, sentence];
  return { node, sentence, answerElements, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {number} count of classes
 */
function targetChart(frame, count) {
  const chart = barChart(count, two);
  let pair = [0, 1]; // rows of the classes of the first and of the second picture
  chart.rows.forEach(({ track }, row) => {
    addHandle(frame, track, {
      trait: "t",
      axis: "x",
      area: track,
      start() {
        if (!track.dataset.handle) return undefined;
        const isFirst = row === pair[0];
        return ({ x }) => setWeight(frame, isFirst ? x : 1 - x);
      },
    });
  });

  /**
   * @param {string[]} names
   * @param {number[]} target
   * @param {number[]} rows
   */
  function draw(names, target, rows) {
    pair = rows;
    chart.draw(names.map((name, k) => [name, target[k]]));
    chart.rows.forEach(({ track }, row) => {
      const isHandle = pair.includes(row) && pair[0] !== pair[1];
      track.toggleAttribute("data-axis", isHandle);
      if (isHandle) setAttributes(track, { "data-handle": "t", "data-axis": "x" });
      else track.removeAttribute("data-handle");
      const colour = row === pair[0] ? FIRST_COLOUR : SECOND_COLOUR;
      track.style.setProperty("--colour", colour);
    });
  }
  return { chart, draw };
}

/**
 * What a learner trained with mixup and one trained without predict; hidden where there are none.
 * @param {Data} data
 */
function learnerBars({ rowNames, predictions, isOnGrid }) {
  const learners = ["Trained with mixup", "Trained without"].map((name) => {
    return { name, chart: barChart(rowNames.length), caption: html("figcaption") };
  });
  const figures = learners.map(({ caption, chart }) => figure(caption, chart.node));
  const node = html("div", { class: "l7-two l7-wide" }, ...figures);

  /** @param {State} state */
  function draw(state) {
    node.hidden = !isOnGrid || state.isLesson;
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
function titleDensity({ alpha, keep }) {
  const beta = `Beta(${alpha}, ${alpha})`;
  const filled = keep === "half" ? `max(λ, 1 − λ); dashed: ${beta}` : beta;
  return `Drag λ. Filled: density of ${filled}`;
}

/** @param {State} state */
function labelDensity({ alpha, keep, weights, t }) {
  const folded = keep === "half" ? ", folded onto 0.5 to 1" : "";
  const density = `density of Beta(${alpha}, ${alpha})${folded}`;
  return `${density}, ${weights.length} draws, t at ${two(t)}`;
}

/**
 * The density of the weights, a dot for each draw, and a line at λ that can be dragged.
 * @param {Frame} frame
 * @param {number[][]} curves for each alpha, the density at equal steps
 */
function densityPlot(frame, curves) {
  const shape = svg("path", { fill: "currentColor", opacity: 0.3 });
  const dashes = { fill: "none", opacity: 0.55, "stroke-dasharray": "3 3" };
  const unfolded = svg("path", { ...dashes, stroke: "var(--l7-fg)" });
  const line = markLine(0, PLOT_HEIGHT);
  const ghost = pinLine(0, PLOT_HEIGHT);
  const handle = grip();
  const dots = dotRow(MOST_DRAWS, PLOT_HEIGHT + 9);
  const labels = tickLabels([0, 0.5, 1], PLOT_WIDTH, PLOT_HEIGHT + 28);
  const box = { left: -8, top: -8, width: PLOT_WIDTH + 16, height: PLOT_HEIGHT + 40 };
  const axis = axisLine(PLOT_WIDTH, PLOT_HEIGHT);
  const marks = [shape, unfolded, axis, ghost, line, ...dots.nodes, ...labels, handle.node];
  const node = drawing(box, ...marks);
  addHandle(frame, handle.node, {
    trait: "t",
    axis: "x",
    area: node,
    start: () => (position) => setWeight(frame, position.x / PLOT_WIDTH),
  });

  /** @param {State} state */
  function draw(state) {
    const isFolded = state.keep === "half";
    const density = curves[state.alphaIndex];
    setAttributes(shape, { d: densityPath(isFolded ? foldDensity(density) : density) });
    setAttributes(unfolded, { d: densityPath(density) });
    setVisible(unfolded, isFolded);
    moveLine(line, state.t * PLOT_WIDTH);
    handle.move(state.t * PLOT_WIDTH, 0);
    dots.draw(state.weights.map((weight) => weight * PLOT_WIDTH));
    setAttributes(node, { "aria-label": labelDensity(state) });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    movePin(ghost, state && state.t * PLOT_WIDTH);
  }
  return { node, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Data} data
 */
function weightPlot(frame, { curves, isOnGrid }) {
  const plot = densityPlot(frame, curves);
  const summary = note();
  const caption = html("figcaption");

  /** @param {State} state */
  function draw(state) {
    plot.draw(state);
    setText(summary, describeDraws(state.weights, isOnGrid));
    setText(caption, titleDensity(state));
  }
  return { node: figure(caption, plot.node), summary, draw, drawPin: plot.drawPin };
}

/**
 * @param {State} state
 * @returns {LiveNode[]}
 */
function headline({ t, a, b, names }) {
  const [first, second] = [quoted(names[a]), quoted(names[b])];
  const weight = { name: "t", value: t, text: two(t), scrub: "t", source: "x1" };
  const rest = { name: "rest", value: 1 - t, text: two(1 - t), scrub: "rest", source: "x2" };
  if (a === b)
    return [`${first} and ${second} blend `, weight, " to ", rest, ": the target stays 1"];
  return ["The target asks for ", weight, ` ${first} and `, rest, ` ${second}`];
}

/** @returns {Formula<State>[]} */
function formulas() {
  /**
   * @param {string} letter
   * @param {number} index
   */
  const indexed = (letter, index) => subscript(identifier(letter), constant(index));
  const lambda = identifier("λ");
  const [plus, minus, equals, times] = ["+", "−", "=", "·"].map(operator);
  /** @param {string} x */
  const symbols = (x) => [
    ...[subscript(identifier(x), lambda), equals, lambda, indexed(x, 1), plus],
    ...[operator("("), constant(1), minus, lambda, operator(")"), indexed(x, 2)],
  ];
  /** @param {State} state */
  function weights({ t }) {
    return [
      { name: "t", value: t, text: two(t), scrub: "t", source: "x1" },
      { name: "rest", value: 1 - t, text: two(1 - t), scrub: "rest", source: "x2" },
    ];
  }

  return [
    {
      symbols: symbols("x"),
      spoken: "x sub lambda is lambda times x 1 plus 1 minus lambda times x 2",
      numbers(state) {
        const [t, rest] = weights(state);
        return [equals, t, times, indexed("x", 1), plus, rest, times, indexed("x", 2)];
      },
    },
    {
      symbols: symbols("y"),
      spoken: "y sub lambda is lambda times y 1 plus 1 minus lambda times y 2",
      numbers(state) {
        const [t, rest] = weights(state);
        const { target, a, b } = state;
        const [first, second] = a === b ? ["(1)", "(1)"] : ["(1, 0)", "(0, 1)"];
        const sum = [a, ...(a === b ? [] : [b])].flatMap((k, i) => [
          ...(i ? [operator(",")] : []),
          { name: `target${i + 1}`, value: target[k], text: two(target[k]), source: "blend" },
        ]);
        return [
          ...[equals, t, times, mathText(first), plus, rest, times, mathText(second)],
          ...[equals, operator("("), ...sum, operator(")")],
        ];
      },
    },
  ];
}

/**
 * What a pin compares.
 * @param {State} state
 * @param {Data} data
 * @returns {Result[]}
 */
function results(state, { predictions, isOnGrid }) {
  const { t, a, b, target } = state;
  const found = [
    { name: "weight λ", value: t, format: two },
    { name: "target of the first class", value: target[a], format: two },
    { name: "target of the second class", value: target[b], format: two },
  ];
  if (!isOnGrid || state.isLesson) return found;
  const names = ["misplaced with mixup", "misplaced without"];
  return [
    ...found,
    ...names.map((name, learner) => {
      const prediction = predictionAt(predictions, learner, state);
      return { name, value: misplaced(prediction, state.rowTargets), format: two };
    }),
  ];
}

/** @param {State} state */
function codeValues({ first, second, t, a, b, names, alpha }) {
  const values = { first, second, a, b, classes: names.length };
  const texts = Object.entries(values).map(([name, value]) => [name, String(value)]);
  const floats = { t: pythonFloat(t), alpha: pythonFloat(alpha) };
  return { template: "blend", values: { ...Object.fromEntries(texts), ...floats } };
}

/**
 * Asks for numbers of the mixed target, for a pixel of the blend, and for a weight that is folded.
 * @param {() => State} read
 * @param {number[]} labels of the pictures
 */
function createTasks(read, labels) {
  /**
   * @param {(state: State) => Question} ask
   * @param {{ second?: number }} [pictures]
   */
  function task(ask, pictures = {}) {
    const t = (1 + randomInt(T_STEPS - 1)) / T_STEPS;
    return { state: { t, ...pictures }, getQuestion: () => ask(read()) };
  }
  const targets = ["first", "second", "neither"].map((part) => () => {
    const other = randomInt(1000);
    return task((state) => targetQuestion(state, part, other), otherClass(read(), labels));
  });
  return taskDeck([...targets, createPixelTask, createFoldTask]);

  function createPixelTask() {
    const [x, other] = [randomInt(26), randomInt(26)].map((step) => 10 * step);
    return task((state) => pixelQuestion(state, x, other));
  }

  function createFoldTask() {
    const drawn = (1 + randomInt(99)) / 100;
    return task(() => foldQuestion(drawn));
  }
}

/**
 * Where both pictures are of one class, a second one of another class, if there is any: else there
 * is nothing to find out about the target.
 * @param {State} state
 * @param {number[]} labels
 */
function otherClass({ a, b }, labels) {
  const others = labels.flatMap((label, i) => (label === a ? [] : [i]));
  return a === b && others.length ? { second: randomChoice(others) } : {};
}

/**
 * A pixel of the blend.
 * @param {State} state
 * @param {number} x of the first picture, a byte
 * @param {number} other of the second one
 * @returns {Question}
 */
function pixelQuestion({ t }, x, other) {
  const [weight, rest] = [significant(t), significant(1 - t)];
  return {
    text:
      `A pixel's red is ${x} in the first picture and ${other} in the second. ` +
      `With λ ${weight}, what is it in the blend, to within ${PIXEL_TOLERANCE}?`,
    answer: t * x + (1 - t) * other,
    tolerance: PIXEL_TOLERANCE,
    because: `it is ${weight} × ${x} + ${rest} × ${other}`,
  };
}

/**
 * What fastai makes of a weight that is drawn.
 * @param {number} drawn
 * @returns {Question}
 */
function foldQuestion(drawn) {
  const rest = significant(1 - drawn);
  return {
    text: `Beta draws ${drawn}. With which weight does fastai blend the first picture?`,
    answer: foldWeight(drawn, "half"),
    tolerance: GUESS_TOLERANCE,
    because: `it keeps the larger of ${drawn} and 1 − ${drawn} = ${rest}`,
  };
}

/**
 * @param {State} state
 * @param {string} part the class that is asked for: that of the first image, the second, neither
 * @param {number} other which of the classes that neither image has
 * @returns {Question}
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

/**
 * @param {View} view
 * @param {PageNetwork[]} networks
 */
async function build({ model, el }, networks) {
  const data = await readData(model, networks.length > 0);
  const frame = new Frame({ model, el }, "Mixup");
  addControls(frame, data);

  const figures = blendFigures(frame, data);
  const target = targetBars(frame, data);
  const learners = learnerBars(data);
  const weights = weightPlot(frame, data);
  const left = html("div", {}, target.node, target.sentence);
  const right = html("div", {}, weights.node, weights.summary);
  const answers = data.isOnGrid ? [learners.node] : [];
  const low = html("div", { class: "l7-mixup-low" }, left, right);
  frame.body.append(html("div", { class: "l7-mixup" }, figures.node, ...answers, low));
  const asked = networks.length ? blendAnswers(frame, networks, data) : null;
  if (asked) frame.body.append(asked.node);

  /** @param {Get} get */
  const read = (get) => readState(get, data);
  const redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: ["t"],
    readState: read,
    headline,
    formulas: formulas(),
    code: codeValues,
    parts: [figures, target, learners, weights, ...(asked ? [asked] : [])],
    results: (state) => results(state, data),
    guess: {
      createTask: createTasks(() => read((trait) => model.get(trait)), data.labels),
      answerElements: [...figures.answerElements, ...target.answerElements, learners.node],
      ariaHiddenElements: [figures.blend],
    },
  });
  asked?.setRedraw(redraw);
  return frame;
}

/** @param {View} view */
function render(view) {
  return showWithNetwork(view, (_, networks) => build(view, networks));
}

/**
 * What the explorer has with the reader's own photo: it is the first picture, of its own class.
 * @param {OpenPhoto} photo
 * @param {Get} get
 */
async function ownTraits(photo, get) {
  /** @type {number} */
  const side = get("side");
  /** @type {Pixels} */
  const sprite = await decodePng(get("pixels"));
  const others = /** @type {number[]} */ (get("labels")).slice(0, MOST_PICTURES - 1);
  const vocab = [OWN_NAME, ...get("vocab")];
  const labels = [0, ...others.map((label) => label + 1)];
  const isShort = vocab.length <= MOST_ROWS;
  const rows = isShort ? vocab.map((_, k) => k) : [...new Set(labels)].sort((a, b) => a - b);
  const pixels = stackImages([photo.square(side), sprite], side, labels.length);
  const second = Math.min(others.length, get("second") + 1);
  return { pixels, vocab, labels, rows, first: 0, second };
}

export default {
  render: withPhoto(render, { traits: TRAITS, predictions: ["predictions"], own: ownTraits }),
};
