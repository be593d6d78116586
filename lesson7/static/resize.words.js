// What the explorer says about its state: table, headline, formulas, results and code.

import { note, setAttributes, setText } from "./dom.js";
import { constant, fraction, identifier, operator, power, subscript } from "./live.js";
import { describeCost, MOST_STAGES } from "./resize.math.js";
import { wholeNumber } from "./resize.state.js";
import { stageQuantities } from "./resize.work.js";
import { numberTable, setNumber } from "./table.js";

/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Result } from "./pin.js" */
/** @import { Cost } from "./resize.math.js" */
/** @import { State } from "./resize.state.js" */

const COLUMNS = ["", "pixels", "epochs", "cost per epoch", "cost"];
// The guess hides the columns after these.
const HIDDEN_COLUMNS = 2;
/** @param {number} value */
const three = (value) => value.toFixed(3);

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
export function numbers() {
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

export function costNote() {
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
export function headline({ cost }) {
  const { epochs, total, largest } = costQuantities(cost);
  const size = { ...largest, scrub: `size${largestStage(cost)}` };
  return [epochs, " epochs for ", total, " of the cost at ", size, " px"];
}

/** @returns {Formula<State>[]} */
export function formulas() {
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
export function results({ cost: { rows, epochs, total, largest } }) {
  const work = rows.reduce((sum, row) => sum + row.epochs * row.size ** 2, 0);
  return [
    { name: "cost", value: total, format: three },
    { name: "largest size, px", value: largest, format: String },
    { name: "epochs", value: epochs, format: String },
    { name: "megapixels of each image", value: work / 1e6, format: three },
  ];
}

/** @param {State} state */
export function codeValues({ stages, file }) {
  const texts = stages.flatMap(([size, epochs], i) => [
    [`size${i}`, String(size)],
    [`epochs${i}`, String(epochs)],
  ]);
  const template = stages.length === 2 ? "two" : "three";
  return { template, values: { ...Object.fromEntries(texts), file: String(file) } };
}
