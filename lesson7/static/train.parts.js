// What is drawn of two trainings: tables, reliability and verdict.

import { figure, html, note, setAttributes, setText, svg } from "./dom.js";
import { fixed } from "./format.js";
import { liveLine } from "./live.js";
import { drawing } from "./plot.js";
import { numberTable, setNumber } from "./table.js";
import { BINS } from "./train.math.js";

/** @import { Frame } from "./frame.js" */
/** @import { Side, State } from "./train.state.js" */

export const SIDES = ["A", "B"];
export const SIDE_COLOURS = ["var(--l7-blue)", "var(--l7-orange)"];
const LEAST_BIN = 25; // predictions in a bin of the reliability diagram that is drawn
const RELIABILITY_SIDE = 190;
const RUNS_SHOWN = 8; // in the table of this visit
/** @param {number} value */
export const percentText = (value) => (100 * value).toFixed(1);
/** @param {number} value */
const lossText = (value) => (Number.isFinite(value) ? value.toFixed(3) : "diverged");

/** The settings of both sides in words, with their numbers. */
export function sideTable() {
  const columns = ["", "accuracy, %", "loss", "ECE"];
  const names = SIDES.map((side, i) => {
    const letter = html("b", { class: `l7-train-${side.toLowerCase()}` }, side);
    const words = html("span");
    return { words, header: [letter, " ", words], isSecond: i === 1 };
  });
  const table = numberTable(
    columns,
    names.map(({ header }) => header),
  );

  /** @param {State} state */
  function draw({ sides, words }) {
    sides.forEach(({ mean: scores }, i) => {
      setText(names[i].words, words[i]);
      const [accuracy, loss, ece] = table.rows[i].cells;
      setNumber(accuracy, scores ? 100 * scores.accuracy : null, (value) => value.toFixed(1));
      setNumber(loss, scores ? scores.loss : null, lossText);
      setNumber(ece, scores ? scores.ece : null, lossText);
    });
  }
  return { node: table.node, draw };
}

/** How often each side is right, for each bin of its confidence. */
export function reliabilityPlot() {
  const side = RELIABILITY_SIDE;
  const diagonal = svg("line", { x1: 0, y1: side, x2: side, y2: 0, class: "l7-train-turn" });
  const frame = svg("rect", { width: side, height: side, fill: "none", stroke: "var(--l7-line)" });
  const parts = SIDES.map((name, i) => {
    const stroke = { fill: "none", stroke: SIDE_COLOURS[i], "stroke-width": i ? 3 : 2 };
    const line = svg("path", { ...stroke, "data-source": `reliability${name}` });
    const dots = svg("path", {
      stroke: SIDE_COLOURS[i],
      "stroke-width": 7,
      "stroke-linecap": "round",
    });
    const ghost = svg("path", { class: "l7-ghost" });
    const label = svg("text", { class: `l7-train-${name.toLowerCase()}` }, name);
    return { line, dots, ghost, label };
  });
  const texts = [
    svg("text", { x: side / 2, y: side + 16, "text-anchor": "middle" }, "confidence"),
    svg("text", { x: 4, y: 12 }, "share correct"),
  ];
  const nodes = parts.flatMap(({ ghost, line, dots, label }) => [ghost, line, dots, label]);
  const box = { left: -6, top: -6, width: side + 26, height: side + 28 };
  const node = drawing(box, frame, diagonal, ...texts, ...nodes);

  /** @param {Side} trained */
  function pointsOf({ shown }) {
    const sums = Array.from({ length: BINS }, () => [0, 0, 0]);
    for (const scores of shown) {
      scores.bins.forEach((bin, i) => {
        bin.forEach((value, k) => {
          sums[i][k] += value;
        });
      });
    }
    const used = sums.filter(([count]) => count >= LEAST_BIN);
    return used.map(([count, confidence, right]) => [
      (confidence / count) * side,
      (1 - right / count) * side,
    ]);
  }

  /** @param {number[][]} points */
  const path = (points) => {
    const texts = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    return texts.length ? `M${texts.join("L")}` : "";
  };

  /** @param {State} state */
  function draw({ sides }) {
    sides.forEach((trained, i) => {
      const points = pointsOf(trained);
      setAttributes(parts[i].line, { d: path(points) });
      const dots = points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
      setAttributes(parts[i].dots, { d: dots.join("") });
      const [x, y] = points[0] ?? [0, 0];
      const visibility = points.length ? "visible" : "hidden"; // before the first result
      setAttributes(parts[i].label, { x: x - 4, y: y - 8, visibility });
    });
    const errors = sides.map(({ mean: scores }, i) => {
      return scores ? `of ${SIDES[i]} ${lossText(scores.ece)}` : `of ${SIDES[i]} not known yet`;
    });
    const label = `reliability: expected calibration error ${errors.join(", ")}`;
    setAttributes(node, { "aria-label": label });
  }

  /** @param {State | null} pinned */
  function drawPin(pinned) {
    parts.forEach(({ ghost }, i) => {
      setAttributes(ghost, { d: pinned ? path(pointsOf(pinned.sides[i])) : "" });
    });
  }
  const title = "Reliability (dashed: ideal)";
  return { node: figure(title, node), draw, drawPin };
}

/**
 * The comparisons of this visit; a button sets one up again.
 * @param {Frame} frame
 * @param {string[]} traits
 */
export function runTable(frame, traits) {
  /** @type {{ key: string, words: string, numbers: string[], state: Record<string, any> }[]} */
  const kept = [];
  const columns = ["comparison", "A, %", "B, %", "B − A"];
  const buttons = Array.from({ length: RUNS_SHOWN }, (_, i) => {
    const node = html("button", { type: "button" }, "none yet");
    node.addEventListener("click", () => frame.setAll(kept[i].state));
    return node;
  });
  const table = numberTable(
    columns,
    buttons.map((button) => [button]),
  );
  const caption = note({ text: "Comparisons of this visit; press one to set it up again:" });
  const node = html("div", { class: "l7-panel l7-train-runs" }, caption, table.node);

  function show() {
    table.rows.forEach(({ node: row, cells }, i) => {
      row.hidden = !kept[i];
      if (!kept[i]) return;
      setText(buttons[i], kept[i].words);
      cells.forEach((cell, k) => {
        setText(cell, kept[i].numbers[k]);
      });
    });
  }
  show();

  /** @param {State} state */
  function draw({ isBusy, sides, difference, words, key }) {
    const [a, b] = sides.map(({ mean: scores }) => scores);
    if (isBusy || !a || !b || kept[0]?.key === key) return;
    const before = kept.findIndex((row) => row.key === key);
    if (before > 0) kept.splice(before, 1);
    const gain = difference?.mean ?? 0;
    const numbers = [percentText(a.accuracy), percentText(b.accuracy), fixed(gain, 1)];
    const text = `A: ${words[0]}. B: ${words[1]}`;
    kept.unshift({ key, words: text, numbers, state: frame.snapshot(traits) });
    kept.length = Math.min(kept.length, RUNS_SHOWN);
    show();
  }
  return { node, draw };
}

/**
 * A sentence with numbers below the headline.
 * @param {Frame} frame
 */
export function verdictLine(frame) {
  const node = note();
  const drawLine = liveLine(frame, node);

  /** @param {State} state */
  function draw({ verdict }) {
    drawLine([verdict]);
  }
  return { node, draw };
}
