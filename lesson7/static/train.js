// Two small networks that train in the page with the same seeds, and how they differ.

import { button } from "./controls.js";
import { html, setAttributes, setText } from "./dom.js";
import { showExplorer } from "./explorer.js";
import { Frame } from "./frame.js";
import { addButtons, addControls } from "./train.controls.js";
import { curvePlot } from "./train.curves.js";
import { drawingPad, imageLists } from "./train.digits.js";
import { createTasks } from "./train.guess.js";
import { reliabilityPlot, runTable, sideTable, verdictLine } from "./train.parts.js";
import { trainingPool } from "./train.pool.js";
import { keyOf, readData, readState, SETTINGS, two } from "./train.state.js";
import { codeValues, formulas, headline, results } from "./train.words.js";

/** @import { Get } from "./explorer.js" */
/** @import { View } from "./frame.js" */
/** @import { State } from "./train.state.js" */

const TRAITS = [...SETTINGS, "temperature", "seeds", "epoch", "pad"];
const TOP_LOSS = 3;

/** @param {number[]} values */
function accuracyRange(values) {
  const low = Math.min(0.9, ...values);
  return { low: Math.floor(10 * low) / 10, high: 1 };
}

/** @param {number[]} values */
function lossRange(values) {
  const high = Math.min(TOP_LOSS, Math.max(0.2, ...values));
  return { low: 0, high: Math.ceil(5 * high) / 5 };
}

/** @param {number[]} values */
function logitRange(values) {
  return { low: 0, high: Math.max(5, 5 * Math.ceil(Math.max(0, ...values) / 5)) };
}

/** @param {Frame} frame */
function plots(frame) {
  const accuracy = curvePlot(frame, {
    title: "Validation accuracy: drag the line to an epoch",
    source: "accuracy",
    pick: (scores) => scores.accuracy,
    range: accuracyRange,
    format: (value) => `${(100 * value).toFixed(0)} %`,
  });
  const loss = curvePlot(frame, {
    title: "Loss: validation (line), training (dots)",
    source: "loss",
    pick: (scores) => scores.loss,
    pickTraining: (scores) => scores.trainLoss,
    range: lossRange,
    format: two,
    hasTurn: true,
  });
  const largest = curvePlot(frame, {
    title: "Largest logit: hard labels keep raising it",
    source: "largest",
    pick: (scores) => scores.largest,
    range: logitRange,
    format: (v) => v.toFixed(1),
  });
  setAttributes(accuracy.node, { "data-picture": "" });
  return { accuracy, loss, largest };
}

/**
 * Stops the trainings, or continues them.
 * @param {Frame} frame
 * @param {() => State} read
 * @param {(key: string) => void} onPress called with what is stopped; "": it continues
 */
function stopButton(frame, read, onPress) {
  const node = button(frame.tools, "Stop", () => {
    const { jobs, isBusy, isStopped } = read();
    if (isBusy) onPress(isStopped ? "" : keyOf(jobs));
  });

  /** @param {State} state */
  function draw({ isBusy, isStopped }) {
    setText(node, isStopped ? "Continue" : "Stop");
    // Not disabled: a disabled button would lose the focus.
    setAttributes(node, { "aria-disabled": !isBusy });
  }
  return { draw };
}

/**
 * Calls `start` once the explorer is on screen: of a long page, only what is looked at trains.
 * @param {Frame} frame
 * @param {() => void} start
 */
function whenVisible(frame, start) {
  const { top, bottom } = frame.root.getBoundingClientRect();
  if (top < innerHeight && bottom > 0) {
    start();
    return;
  }
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    start();
  });
  observer.observe(frame.root);
  frame.onClose(() => observer.disconnect());
}

/** @param {View} view */
function render({ model, el }) {
  const data = readData(model);
  const frame = new Frame({ model, el }, "Train");
  let redraw = () => {};
  const pool = trainingPool(data, () => redraw());
  frame.onClose(pool.close);
  let stopped = ""; // the trainings that the reader has stopped
  /** @param {Get} get */
  const read = (get) => readState(get, data, pool.runs, stopped);
  const readNow = () => read((trait) => model.get(trait));
  frame.headline.classList.add("l7-train-headline");
  addControls(frame, data);
  addButtons(frame, data, readNow);
  const stop = stopButton(frame, readNow, (key) => {
    stopped = key;
    pool.stop();
    redraw();
  });

  const { accuracy, loss, largest } = plots(frame);
  const verdict = verdictLine(frame);
  const table = sideTable();
  const reliability = reliabilityPlot();
  const lists = imageLists(data);
  const pad = drawingPad(frame, data);
  const runs = runTable(frame, TRAITS);
  const top = html("div", { class: "l7-train-top" }, accuracy.node, loss.node);
  const middle = [reliability.node, largest.node, pad.node];
  const row = html("div", { class: "l7-train-middle" }, ...middle);
  frame.body.append(
    html("div", { class: "l7-train" }, top, verdict.node, table.node, row, lists.node),
  );

  /** @type {State["jobs"]} */
  let jobs = [];
  let isStarted = false;
  const trainer = {
    /** @param {State} state */
    draw(state) {
      jobs = state.jobs;
    },
    /** @param {State | null} pinned */
    drawPin(pinned) {
      if (!isStarted) return;
      const isStopped = keyOf(jobs) === stopped;
      const all = isStopped ? [] : [...jobs, ...(pinned?.jobs ?? [])];
      const unique = all.filter(({ key }, i) => all.findIndex((job) => job.key === key) === i);
      const isBusy = unique.some(({ key }) => !pool.runs.get(key)?.weights);
      setAttributes(frame.body, { "aria-busy": isBusy });
      if (!isStopped) pool.want(unique);
    },
  };
  redraw = showExplorer(frame, {
    traits: TRAITS,
    animated: [],
    readState: read,
    headline,
    formulas: formulas(),
    code: codeValues,
    results,
    panels: [{ label: "Runs", node: runs.node }],
    parts: [accuracy, loss, largest, verdict, table, reliability, lists, pad, runs, stop, trainer],
    guess: {
      createTask: createTasks(data, readNow),
      answerElements: [top, verdict.node, table.node, row, lists.node, runs.node],
      allowNegative: true,
    },
  });
  whenVisible(frame, () => {
    isStarted = true;
    redraw();
  });
  return () => frame.close();
}

export default { render };
