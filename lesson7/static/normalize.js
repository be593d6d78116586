// A batch, its channels before and after normalization, and how one batch's statistics scatter.
const CHANNELS = ["red", "green", "blue"];
const KINDS = { none: "none", batch: "this batch", dataset: "whole dataset", imagenet: "ImageNet", own: "your own" };
const RANGE = 3; // "as the model sees them": black is -3, white is +3

// For each image and channel, how many pixels have each value 0..255.
function countValues({ data }, side) {
  const per = side * side * 4;
  return Array.from({ length: data.length / per }, (_, image) => {
    const counts = CHANNELS.map(() => new Uint32Array(256));
    for (let i = image * per; i < (image + 1) * per; i += 4) for (let c = 0; c < 3; c++) counts[c][data[i + c]]++;
    return counts;
  });
}
const sum = (counts, images) => CHANNELS.map((_, c) => {
  const total = new Uint32Array(256);
  for (const image of images) counts[image][c].forEach((k, v) => { total[v] += k; });
  return total;
});
// Mean and standard deviation (n - 1, as torch) of value / 255; whole-number sums, so nothing is lost on the way.
function moments(count) {
  let n = 0, total = 0, squares = 0;
  count.forEach((k, v) => { n += k; total += k * v; squares += k * v * v; });
  return { mean: total / n / 255, sd: Math.sqrt((squares - total * total / n) / (n - 1)) / 255 };
}

// A histogram of 256 values placed at `at(value)` on an axis from `low` to `high`.
function histogram(low, high, ticks) {
  const W = 260, H = 52, x = (v) => ((v - low) / (high - low)) * W, clip = (v) => Math.min(W, Math.max(0, x(v)));
  const band = svg("rect", { y: 0, height: H, fill: "currentColor", opacity: 0.16 });
  const shape = svg("path", { fill: "currentColor", opacity: 0.75 });
  const line = svg("line", { y1: 0, y2: H, stroke: "var(--l7-fg)", "stroke-width": 2 });
  const axis = svg("g", {}, svg("line", { x1: 0, x2: W, y1: H, y2: H, stroke: "var(--l7-line)" }),
    ...ticks.map((t) => svg("text", { x: x(t), y: H + 12, "text-anchor": t === low ? "start" : t === high ? "end" : "middle" }, String(t).replace("-", "−"))));
  const node = svg("svg", { viewBox: `0 0 ${W} ${H + 15}`, role: "img" }, band, shape, line, axis);
  function draw(count, { mean, sd }, at) {
    const bins = new Float64Array(65), width = W / 64;
    count.forEach((k, v) => { const i = Math.floor(x(at(v / 255)) / width); if (i >= 0 && i < 64) bins[i] += k; });
    const top = Math.max(...bins) || 1;
    shape.setAttribute("d", `M0 ${H}` + Array.from(bins.slice(0, 64), (k, i) => `V${(H - (k / top) * (H - 3)).toFixed(1)}h${width}`).join("") + `V${H}Z`);
    line.setAttribute("x1", clip(mean)); line.setAttribute("x2", clip(mean));
    band.setAttribute("x", clip(mean - sd)); band.setAttribute("width", clip(mean + sd) - clip(mean - sd));
  }
  return { node, draw };
}

// Dots for the batches drawn so far, a line for the whole dataset.
function strip(values, whole, n, width) {
  const W = 150, H = 26, spread = Math.max(...values.map((v) => Math.abs(v - whole))) || 1;
  const x = (v) => W / 2 + ((v - whole) / spread) * (W / 2 - 6);
  const dots = Array.from({ length: n }, () => svg("circle", { cy: H / 2, fill: "currentColor" }));
  const node = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" },
    svg("line", { x1: 0, x2: W, y1: H / 2, y2: H / 2, stroke: "var(--l7-line)" }), ...dots,
    svg("line", { x1: W / 2, x2: W / 2, y1: 2, y2: H - 2, stroke: "var(--l7-fg)", "stroke-width": 2 }));
  const draw = (drawn) => dots.forEach((dot, i) => {
    dot.setAttribute("visibility", i < drawn.length ? "visible" : "hidden");
    if (i >= drawn.length) return;
    dot.setAttribute("cx", x(drawn[i])); dot.setAttribute("r", i === drawn.length - 1 ? 6 : 3.5);
    dot.setAttribute("opacity", i === drawn.length - 1 ? 1 : 0.45);
  });
  return { node, draw };
}

async function render({ model, el }) {
  const side = model.get("side"), draws = model.get("draws"), known = model.get("known");
  const sprite = await decode(model.get("pixels")), counts = countValues(sprite, side);
  const ui = frame({ model, el }, "Normalization: what the model sees");
  const rgb = (name) => `color: var(--l7-${name})`, three = (v) => v.toFixed(3).replace("-", "−");

  ui.slider("Batch", "draw", { min: 0, max: draws.length - 1, show: (v) => `${v + 1} of ${draws.length}` });
  ui.button("Another batch", () => ui.set("draw", (model.get("draw") + 1) % draws.length));
  ui.slider("Images in it", "bs", { min: 1, max: counts.length });
  ui.choice("Normalize with", "kind", KINDS);
  ui.choice("Show pictures", "show", { file: "as in the file", model: "as the model sees them" });
  const own = CHANNELS.flatMap((name, c) => [
    ui.number(`${name} mean`, "own_mean", c, { min: -10, max: 10, step: 0.01 }),
    ui.number(`${name} sd`, "own_std", c, { min: 0.001, max: 10, step: 0.01 })]);

  const canvas = h("canvas", { role: "img" }), before = CHANNELS.map(() => histogram(0, 1, [0, 0.5, 1]));
  const after = CHANNELS.map(() => histogram(-RANGE, RANGE, [-3, -2, -1, 0, 1, 2, 3]));
  const [mean, sd] = known.dataset, alone = counts.map((image) => image.map(moments));
  const strips = CHANNELS.map((_, c) => ["mean", "sd"].map((k) =>
    strip(alone.map((m) => m[c][k]), { mean, sd }[k][c], draws.length)));
  const cells = CHANNELS.map(() => Array.from({ length: 6 }, () => h("td")));
  const pairs = (list) => list.map(({ node }, c) => h("div", { style: rgb(CHANNELS[c]) }, node));
  const shapes = figure("After: (x − mean) / sd", ...pairs(after));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...["", "mean before", "sd before", "− mean", "÷ sd", "mean after", "sd after"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, ...CHANNELS.map((name, c) => h("tr", {}, h("th", { scope: "row", style: rgb(name) }, name), ...cells[c]))));
  const answers = h("p", { class: "l7-note", "aria-live": "polite" });
  const pictures = h("figcaption"), said = h("p", { class: "l7-note", "aria-live": "polite" }), drawn = h("p", { class: "l7-note" });
  const dots = h("div", { class: "l7-two" }, h("span", {}, "mean"), h("span", {}, "sd"),
    ...strips.flatMap((pair, c) => pair.map(({ node }) => h("div", { style: rgb(CHANNELS[c]) }, node))));
  ui.root.append(h("div", { class: "l7-normalize" },
    h("div", {}, h("figure", {}, pictures, canvas), answers, figure("Each batch drawn, beside the whole dataset (line)", dots), drawn),
    h("div", {}, h("div", { class: "l7-two l7-wide" }, figure("Before: pixel / 255", ...pairs(before)), shapes),
      h("div", { class: "l7-scroll", tabindex: 0, role: "region", "aria-label": "numbers" }, table), said)));

  const kept = {}; // a batch's statistics, computed once for each size of a batch
  function now() {
    const bs = model.get("bs"), at = model.get("draw"), kind = model.get("kind");
    const batches = draws.slice(0, at + 1).map((order, i) => (kept[`${i} ${bs}`] ??= sum(counts, order.slice(0, bs)).map(moments)));
    const images = draws[at].slice(0, bs), raw = batches[at];
    const used = { none: [[0, 0, 0], [1, 1, 1]], batch: [raw.map((m) => m.mean), raw.map((m) => m.sd)],
      own: [model.get("own_mean"), model.get("own_std")], ...known }[kind];
    const norm = CHANNELS.map((_, c) => (v) => (v - used[0][c]) / used[1][c]);
    const out = raw.map((m, c) => ({ mean: norm[c](m.mean), sd: m.sd / used[1][c] }));
    return { bs, at, kind, batches, images, raw, used, norm, out };
  }
  function draw() {
    const { bs, at, kind, batches, images, raw, used, norm, out } = now(), count = sum(counts, images), seen = model.get("show") === "model";

    own.forEach((box) => { box.hidden = kind !== "own"; });
    CHANNELS.forEach((name, c) => {
      before[c].draw(count[c], raw[c], (v) => v);
      after[c].draw(count[c], out[c], norm[c]);
      before[c].node.setAttribute("aria-label", `${name} before: mean ${three(raw[c].mean)}, sd ${three(raw[c].sd)}`);
      after[c].node.setAttribute("aria-label", `${name} after: mean ${three(out[c].mean)}, sd ${three(out[c].sd)}`);
      ["mean", "sd"].forEach((k, i) => {
        strips[c][i].draw(batches.map((b) => b[c][k]));
        strips[c][i].node.setAttribute("aria-label", `${name} ${k} of ${at + 1} batches beside the whole dataset's ${three(known.dataset[i][c])}`);
      });
      [raw[c].mean, raw[c].sd, used[0][c], used[1][c], out[c].mean, out[c].sd].forEach((v, i) => {
        cells[c][i].textContent = three(v);
        cells[c][i].dataset.value = v;
      });
    });
    paint(canvas, sprite, side, images, CHANNELS.map((_, c) => (v) => (seen ? ((norm[c](v / 255) + RANGE) / (2 * RANGE)) * 255 : v)));
    pictures.textContent = seen ? "The batch, from −3 (black) to +3 (white)" : "The batch, as in the file";
    canvas.setAttribute("aria-label", `${bs} pictures, ${seen ? "as the model sees them" : "as in the file"}`);
    said.textContent = verdict(kind, out);
    answer(answers, model.get("says"), model.get("right"), { kind, at, images });
    const reds = batches.map((b) => b[0].mean);
    const range = at ? `${at + 1} batches of ${bs}: red means from ${three(Math.min(...reds))} to ${three(Math.max(...reds))}` : `One batch of ${bs}: red mean ${three(reds[0])}`;
    drawn.textContent = `${range}; the whole dataset's is ${three(mean[0])}.`;
  }
  const state = ["draw", "bs", "kind", "show", "own_mean", "own_std"];
  ui.draws(state, draw);

  // A channel's mean or sd after normalization, of another batch; with the reader's own numbers where those are chosen.
  function ask() {
    const c = below(3), k = oneOf(["mean", "sd"]), kind = model.get("kind") === "own" ? "own" : oneOf(["batch", "dataset", "imagenet"]);
    return { state: { draw: below(draws.length), kind }, read() {
      const { kind, raw, used, out } = now(), m = raw[c], [mean, sd] = [used[0][c], used[1][c]];
      const because = k === "mean" ? `(${three(m.mean)} − ${three(mean)}) / ${three(sd)}` : `${three(m.sd)} / ${three(sd)}: the mean taken off changes no spread`;
      return { text: `${CHANNELS[c][0].toUpperCase() + CHANNELS[c].slice(1)} has mean ${three(m.mean)} and sd ${three(m.sd)}. Normalized with ${three(mean)} and ${three(sd)} (${KINDS[kind]}), what is its ${k}, to within 0.02?`,
        answer: out[c][k], tolerance: 0.02, because };
    } };
  }
  ui.guess(state, { ask, signed: true, hide: [shapes, said, ...cells.flatMap((row) => row.slice(4))] });
  return ui.close;
}

// `images` of the sprite in a square grid, each channel value through `level`.
function paint(canvas, { data }, side, images, level) {
  const columns = Math.ceil(Math.sqrt(images.length)), rows = Math.ceil(images.length / columns);
  const table = level.map((f) => Uint8ClampedArray.from({ length: 256 }, (_, v) => f(v)));
  canvas.width = columns * side; canvas.height = rows * side;
  const context = canvas.getContext("2d"), tile = context.createImageData(side, side), per = side * side * 4;
  images.forEach((image, k) => {
    for (let i = 0; i < per; i += 4) {
      for (let c = 0; c < 3; c++) tile.data[i + c] = table[c][data[image * per + i + c]];
      tile.data[i + 3] = 255;
    }
    context.putImageData(tile, (k % columns) * side, Math.floor(k / columns) * side);
  });
}

// What the model said to these images; `says.batch` holds a list for each draw, of its first images.
function answer(node, says, right, { kind, at, images }) {
  node.hidden = !says.dataset;
  if (node.hidden) return;
  const own = kind === "batch" && says.batch[at].length === images.length;
  const tops = own ? says.batch[at] : kind === "batch" ? null : says[kind] && images.map((i) => says[kind][i]);
  if (!tops) { node.textContent = kind === "own" ? "The model was not asked about your own numbers." : `The model was asked about batches of ${says.batch[at].length}.`; return; }
  const sure = tops.reduce((sum, [, p]) => sum + p, 0) / tops.length, hits = tops.filter(([c], k) => c === right[images[k]]).length;
  node.textContent = `The model: ${right.length ? `${hits} of ${tops.length} right, ` : ""}on average ${sure.toFixed(2)} sure.`;
  node.dataset.value = right.length ? hits : sure;
}

// What the numbers say, in a sentence.
function verdict(kind, out) {
  const off = Math.max(...out.map((m) => Math.max(Math.abs(m.mean), Math.abs(m.sd - 1)))).toFixed(2);
  return {
    none: `Untouched: the values stay in 0 to 1, up to ${off} away from mean 0 and sd 1.`,
    batch: "Exactly mean 0 and sd 1, but the next batch would be shifted by other numbers.",
    dataset: `The same numbers for every batch: this one lands within ${off} of mean 0 and sd 1.`,
    imagenet: `ImageNet's numbers, as the lesson uses: these pictures land within ${off} of mean 0 and sd 1.`,
    own: `Your numbers: this batch lands within ${off} of mean 0 and sd 1.`,
  }[kind];
}

export default { render };
