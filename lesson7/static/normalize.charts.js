// Histograms of the channels before and after, and the statistics of many batches.

import { figure, html, note, setAttributes, setText, setVisible, svg } from "./dom.js";
import { addHandle, grip } from "./handle.js";
import { dotRow, stepPath, tickLabels } from "./histogram.js";
import { liveLine } from "./live.js";
import { shownNumber } from "./normalize.controls.js";
import {
  CHANNELS,
  describeScatter,
  histogramBins,
  MODEL_RANGE,
  moments,
  sumCounts,
} from "./normalize.math.js";
import { MOMENTS, three } from "./normalize.state.js";
import { axisLine, drawing, markLine, moveLine, movePin, pinLine } from "./plot.js";

/** @import { Frame } from "./frame.js" */
/** @import { Moments } from "./normalize.math.js" */
/** @import { Data, Pointing, State } from "./normalize.state.js" */

const BINS = 64;
const CHART_WIDTH = 420;
const CHART_HEIGHT = 46;
/** @param {number} value */
const identity = (value) => value;
/** @param {number} c */
const colour = (c) => `color: var(--l7-${CHANNELS[c]})`;

/**
 * @param {{ low: number, high: number }} axis
 * @returns {(value: number) => number} x coordinate, at an end for values past it
 */
function axisPosition({ low, high }) {
  return (value) => {
    const share = (value - low) / (high - low);
    return CHART_WIDTH * Math.min(1, Math.max(0, share));
  };
}

/** @param {number[] | Float64Array} bins */
function binPath(bins) {
  const top = Math.max(...bins) || 1;
  const tops = Array.from(bins, (pixels) => CHART_HEIGHT * (1 - (0.95 * pixels) / top));
  return stepPath(tops, CHART_WIDTH, CHART_HEIGHT);
}

/**
 * A histogram with a line and a band of one standard deviation on both sides of it.
 * @param {{ low: number, high: number, ticks: number[], sources: string[] }} options sources: of
 *   the line, the band, the mark and the dashed line
 */
function histogram({ low, high, ticks, sources }) {
  const x = axisPosition({ low, high });
  const [lineSource, bandSource, markSource, otherSource] = sources;
  const area = { y: 0, height: CHART_HEIGHT };
  const paint = { ...area, fill: "currentColor", opacity: 0.16, "data-source": bandSource };
  const band = svg("rect", paint);
  const shape = svg("path", { fill: "currentColor", opacity: 0.75 });
  const one = svg("path", { class: "l7-normalize-one" });
  const ghosts = {
    band: svg("rect", { ...area, class: "l7-ghost" }),
    line: pinLine(0, CHART_HEIGHT),
  };
  const line = markLine(0, CHART_HEIGHT);
  setAttributes(line, { "data-source": lineSource });
  const dashed = { class: "l7-normalize-other", "data-source": otherSource };
  const other = svg("line", { ...dashed, y1: 0, y2: CHART_HEIGHT });
  const mark = svg("path", { class: "l7-normalize-mark", "data-source": markSource });
  const axis = axisLine(CHART_WIDTH, CHART_HEIGHT);
  const labels = tickLabels(ticks, CHART_WIDTH, CHART_HEIGHT + 16);
  const box = { left: -8, top: -8, width: CHART_WIDTH + 16 };
  const height = CHART_HEIGHT + (ticks.length ? 28 : 14);
  const marks = [band, shape, one, axis, ghosts.band, ghosts.line, other, line, mark, ...labels];
  const node = drawing({ ...box, height }, ...marks);

  /**
   * @param {SVGRectElement} rect
   * @param {Moments} moments
   */
  function moveBand(rect, { mean, sd }) {
    const left = x(mean - sd);
    setAttributes(rect, { x: left, width: x(mean + sd) - left });
  }

  /**
   * @param {{ counts: Uint32Array[], position: (value: number) => number, moments: Moments,
   *   reference: number, pixel: number }} options counts: of the batch, and of the picture that is
   *   pointed at; position: on the axis, of a value in [0, 1]; reference: dashed; pixel: marked
   */
  function draw({ counts, position, moments, reference, pixel }) {
    const paths = counts.map((count) =>
      binPath(histogramBins(count, position, { low, high, bins: BINS })),
    );
    setAttributes(shape, { d: paths[0] });
    setAttributes(one, { d: paths[1] ?? "" });
    moveLine(line, x(moments.mean));
    moveLine(other, x(reference));
    moveBand(band, moments);
    const place = `M${x(pixel)} ${CHART_HEIGHT - 2}`;
    setAttributes(mark, { d: `${place}l-5 8h10Z` });
  }

  /** @param {Moments | null} moments */
  function drawPin(moments) {
    movePin(ghosts.line, moments && x(moments.mean));
    setVisible(ghosts.band, moments !== null);
    if (moments) moveBand(ghosts.band, moments);
  }
  drawPin(null);
  return { node, x, draw, drawPin };
}

/**
 * Grips on the mean's line and on both edges of the band, which change the statistics in use.
 * @param {Frame} frame
 * @param {ReturnType<typeof histogram>} chart
 * @param {number} c
 * @param {() => State} read
 */
function statisticGrips(frame, { node, x }, c, read) {
  const [mean, left, right] = [grip(), grip(), grip()];
  node.append(left.node, right.node, mean.node);
  setAttributes(mean.node, { "data-source": `mean.${c}` });
  addHandle(frame, mean.node, {
    trait: "own_mean",
    axis: "x",
    area: node,
    start: () => (position) => frame.numberBinding(`mean.${c}`).setNear(position.x / CHART_WIDTH),
  });
  for (const edge of [left, right]) {
    setAttributes(edge.node, { "data-source": `sd.${c}` });
    addHandle(frame, edge.node, {
      trait: "own_std",
      axis: "x",
      area: node,
      start: () => (position) => {
        const distance = Math.abs(position.x / CHART_WIDTH - read().statistics[0][c]);
        frame.numberBinding(`sd.${c}`).setNear(distance);
      },
    });
  }

  /** @param {Moments} moments */
  return function draw(moments) {
    mean.move(x(moments.mean), 0);
    left.move(x(moments.mean - moments.sd), CHART_HEIGHT / 2);
    right.move(x(moments.mean + moments.sd), CHART_HEIGHT / 2);
  };
}

/**
 * A channel's name: pointing at it, or pressing it, shows that channel alone.
 * @param {Pointing} pointing
 * @param {number} c
 */
function channelName(pointing, c) {
  const attributes = { type: "button", class: "l7-kept", style: colour(c) };
  const node = html("button", attributes, CHANNELS[c]);
  const show = () => pointing.set({ channel: c });
  const hide = () => pointing.set({ channel: null });
  node.addEventListener("pointerenter", show);
  node.addEventListener("pointerleave", hide);
  node.addEventListener("focus", show);
  // Drawn once the focus has moved: the numbers of the formulas, which may get it, are replaced.
  node.addEventListener("blur", () => setTimeout(() => pointing.channel === c && hide()));
  node.addEventListener("click", () => {
    pointing.set({ pressed: pointing.pressed === c ? null : c });
  });
  return node;
}

/**
 * A channel's histogram with its name and moments.
 * @param {Frame} frame
 * @param {{ c: number, chart: ReturnType<typeof histogram>, name: Node, when: string }} options
 */
function channelRow(frame, { c, chart, name, when }) {
  const numbers = html("span");
  const drawNumbers = liveLine(frame, numbers);
  const head = html("div", { class: "l7-normalize-head" }, name, numbers);
  const node = html("div", { style: colour(c) }, head, chart.node);

  /** @param {Moments} moments */
  function draw({ mean, sd }) {
    const source = `${when}.${c}`;
    const [first, second] = [mean, sd].map((value, m) => {
      return shownNumber(`${source}.${MOMENTS[m]}`, value, source);
    });
    drawNumbers(["mean ", first, ", sd ", second]);
    const text = `mean ${three(mean)}, sd ${three(sd)}`;
    setAttributes(chart.node, { "aria-label": `${CHANNELS[c]} ${when}: ${text}` });
  }
  return { node, draw };
}

/**
 * The histogram of a channel before normalization, and the one after it.
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {{ c: number, read: () => State }} options
 */
function channelCharts(frame, pointing, { c, read }) {
  const isLast = c === CHANNELS.length - 1;
  const range = { low: -MODEL_RANGE, high: MODEL_RANGE };
  const ticks = isLast ? [-3, -2, -1, 0, 1, 2, 3] : [];
  const charts = {
    before: histogram({
      low: 0,
      high: 1,
      ticks: isLast ? [0, 0.5, 1] : [],
      sources: [`mean.${c}`, `sd.${c}`, `x.${c}`, `before.${c}`],
    }),
    after: histogram({ ...range, ticks, sources: [`after.${c}`, `after.${c}`, `z.${c}`, ""] }),
  };
  const drawGrips = statisticGrips(frame, charts.before, c, read);
  const [name, plain] = [channelName(pointing, c), html("span", {}, CHANNELS[c])];
  const before = channelRow(frame, { c, chart: charts.before, name, when: "before" });
  const after = channelRow(frame, { c, chart: charts.after, name: plain, when: "after" });

  /** @param {State} state */
  const inUse = ({ statistics: [means, sds] }) => ({ mean: means[c], sd: sds[c] });

  /**
   * @param {State} state
   * @param {Uint32Array[]} shown counts of the batch, and of the picture that is pointed at
   */
  function draw(state, shown) {
    const [own, result, moments] = [state.before[c], state.after[c], inUse(state)];
    const value = state.values[c];
    const plain = { counts: shown, position: identity, pixel: value };
    charts.before.draw({ ...plain, moments, reference: own.mean });
    const position = state.normalize[c];
    const changed = { counts: shown, position, pixel: position(value) };
    charts.after.draw({ ...changed, moments: result, reference: 0 });
    drawGrips(moments);
    before.draw(own);
    after.draw(result);
    setAttributes(name, { "aria-pressed": pointing.pressed === c });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    charts.before.drawPin(state && inUse(state));
    charts.after.drawPin(state?.after[c] ?? null);
  }
  return { before: before.node, after: after.node, draw, drawPin };
}

/**
 * @param {Frame} frame
 * @param {Pointing} pointing
 * @param {Data} data
 * @param {() => State} read
 */
export function histograms(frame, pointing, { counts }, read) {
  const rows = CHANNELS.map((_, c) => channelCharts(frame, pointing, { c, read }));
  const title = "Before: drag μ, or an edge of μ ± σ (dashed: the batch's mean)";
  const before = figure(title, ...rows.map((row) => row.before));
  const afterTitle = "After: the batch's mean ± sd (dashed: 0)";
  const after = figure(afterTitle, ...rows.map((row) => row.after));
  const node = html("div", { class: "l7-normalize-charts" }, before, after);

  /** @param {State} state */
  function draw(state) {
    const { images, image, isAtPicture } = state;
    const shown = [sumCounts(counts, images), ...(isAtPicture ? [counts[image]] : [])];
    rows.forEach((row, c) => {
      row.draw(
        state,
        shown.map((count) => count[c]),
      );
    });
  }

  /** @param {State | null} state */
  function drawPin(state) {
    for (const row of rows) row.drawPin(state);
  }
  return { node, after, draw, drawPin };
}

/**
 * A dot for each batch drawn so far, and a line for the whole dataset.
 * @param {number} count of batches
 * @param {number} whole the dataset's value, in the middle
 * @param {number} spread distance from it to either end
 */
function strip(count, whole, spread) {
  const width = 150;
  const height = 26;
  const middle = width / 2;
  const dots = dotRow(count, height / 2);
  const line = markLine(2, height - 2);
  moveLine(line, middle);
  const node = drawing({ width, height }, axisLine(width, height / 2), ...dots.nodes, line);

  /** @param {number[]} values of the batches so far */
  function draw(values) {
    dots.draw(values.map((value) => middle + ((value - whole) / spread) * (middle - 6)));
  }
  return { node, draw };
}

/**
 * A strip for the mean and one for the standard deviation of each channel.
 * @param {Data} data
 */
export function scatter({ counts, draws, known }) {
  const single = counts.map((image) => image.map(moments)); // of batches of one, the widest
  const [means, sds] = known.dataset;
  const strips = CHANNELS.map((_, c) => {
    return MOMENTS.map((moment) => {
      const whole = moment === "mean" ? means[c] : sds[c];
      const spread = Math.max(...single.map((image) => Math.abs(image[c][moment] - whole)));
      return { moment, whole, ...strip(draws.length, whole, spread || 1) };
    });
  });
  const rows = strips.flatMap((pair, c) => {
    const name = html("span", { style: colour(c) }, CHANNELS[c]);
    return [name, ...pair.map(({ node }) => html("div", { style: colour(c) }, node))];
  });
  const titles = ["", ...MOMENTS].map((title) => html("span", {}, title));
  const attributes = { class: "l7-normalize-dots", "data-source": "dots" };
  const grid = html("div", attributes, ...titles, ...rows);
  const summary = note();

  /** @param {State} state */
  function draw({ batches, bs }) {
    strips.forEach((pair, c) => {
      for (const { moment, whole, node, draw: drawStrip } of pair) {
        drawStrip(batches.map((batch) => batch[c][moment]));
        const what = `${CHANNELS[c]} ${moment} of ${batches.length} batches`;
        setAttributes(node, { "aria-label": `${what} beside the whole dataset's ${three(whole)}` });
      }
    });
    const reds = batches.map((batch) => batch[0].mean);
    setText(summary, describeScatter(reds, bs, means[0]));
  }
  return { node: figure("Each batch drawn, beside the whole dataset (line)", grid), summary, draw };
}
