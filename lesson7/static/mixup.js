// Two pictures and their targets, blended by one weight; where weights come from; what two learners say to the blend.
const LESSON = { vocab: Array.from({ length: 10 }, (_, i) => `class ${i}`), labels: [2, 7], t: 0.3 };
const GRID = 20; // with learners, t moves in steps of 1/20

// A target as the lesson writes it; with many classes, only what is not zero.
function vector(target) {
  const short = (v) => String(+v.toFixed(2)), told = [...target.entries()].filter(([, v]) => v);
  if (target.length <= 12) return `[${target.map(short).join(", ")}]`;
  return `${told.map(([i, v]) => `${short(v)} at ${i}`).join(", ")}; 0 at the other ${target.length - told.length}`;
}

// The density of the weights, a dot for each draw, a line at t.
function density(curves) {
  const W = 420, H = 96, TOP = 5, x = (v) => v * W, y = (v) => H - (Math.min(v, TOP) / TOP) * H;
  const path = (values) => `M0 ${H}` + values.map((v) => `V${y(v).toFixed(1)}h${W / values.length}`).join("") + `V${H}Z`;
  const shape = svg("path", { fill: "currentColor", opacity: 0.3 }), plain = svg("path", { fill: "none", stroke: "var(--l7-fg)", opacity: 0.55, "stroke-dasharray": "3 3" });
  const line = svg("line", { y1: 0, y2: H, stroke: "var(--l7-fg)", "stroke-width": 2 });
  const dots = Array.from({ length: 40 }, () => svg("circle", { cy: H + 9, fill: "currentColor" }));
  const node = svg("svg", { viewBox: `-6 -4 ${W + 12} ${H + 34}`, role: "img" }, shape, plain, line,
    svg("line", { x1: 0, x2: W, y1: H, y2: H, stroke: "var(--l7-line)" }), ...dots,
    ...[0, 0.5, 1].map((t) => svg("text", { x: x(t), y: H + 28, "text-anchor": t === 0 ? "start" : t === 1 ? "end" : "middle" }, String(t))));
  function draw(k, half, weights, t) {
    const folded = curves[k].map((v, i, all) => (i < all.length / 2 ? 0 : 2 * v));
    shape.setAttribute("d", path(half ? folded : curves[k]));
    plain.setAttribute("d", path(curves[k]));
    plain.setAttribute("visibility", half ? "visible" : "hidden");
    line.setAttribute("x1", x(t)); line.setAttribute("x2", x(t));
    dots.forEach((dot, i) => {
      dot.setAttribute("visibility", i < weights.length ? "visible" : "hidden");
      if (i >= weights.length) return;
      const last = i === weights.length - 1;
      dot.setAttribute("cx", x(weights[i])); dot.setAttribute("r", last ? 5.5 : 3.5); dot.setAttribute("opacity", last ? 1 : 0.45);
    });
  }
  return { node, draw };
}

// Pixels of picture `i` in the sprite.
const pixelsOf = ({ data }, side, i) => data.subarray(i * side * side * 4, (i + 1) * side * side * 4);

function paint(canvas, side, a, b, t) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side), out = image.data;
  for (let i = 0; i < out.length; i++) out[i] = t * a[i] + (1 - t) * b[i]; // clamped and rounded by the array; alpha is 255 in both
  context.putImageData(image, 0, 0);
}

async function render({ model, el }) {
  const { side, vocab, labels, rows, alphas, lambdas, curves, predictions } =
    Object.fromEntries(["side", "vocab", "labels", "rows", "alphas", "lambdas", "curves", "predictions"].map((k) => [k, model.get(k)]));
  const sprite = await decode(model.get("pixels")), learned = Object.keys(predictions).length > 0, get = (k) => +model.get(k);
  const ui = frame({ model, el }, "Mixup: two pictures, one weight");
  ui.controls.classList.add("l7-mixup-controls");

  const twice = new Set(labels).size < labels.length;
  const pictures = labels.map((label, i) => (twice ? `${i + 1}: ${vocab[label]}` : vocab[label]));
  const pick = Object.fromEntries(pictures.map((name, i) => [i, name]));
  ui.choice("First picture", "first", pick);
  ui.choice("Second picture", "second", pick);
  ui.slider("Weight t of the first", "t", { min: 0, max: 1, step: learned ? 1 / GRID : 0.01, show: (v) => v.toFixed(2) });
  const half = () => model.get("keep") === "half", fold = (l) => (half() ? Math.max(l, 1 - l) : l);
  const drawnSoFar = () => lambdas[alphas.indexOf(get("alpha"))].slice(0, get("drawn")).map(fold);
  ui.button("Draw a weight", () => {
    ui.set("drawn", (get("drawn") % lambdas[0].length) + 1);
    const weight = drawnSoFar().at(-1);
    ui.set("t", learned ? Math.round(weight * GRID) / GRID : weight);
  });
  const select = ui.choice("from Beta(α, α) with α =", "alpha", Object.fromEntries(alphas.map((a) => [a, a]))).querySelector("select");
  select.append(...[...select.options].sort((a, b) => a.value - b.value)); // an object lists whole numbers first
  select.value = get("alpha");
  ui.choice("Then", "keep", { half: "max(λ, 1 − λ)", any: "λ as drawn" });
  const example = ui.button("", () => {
    const back = model.get("classes") === "lesson";
    ui.set("classes", back ? "own" : "lesson");
    if (!back) ui.set("t", LESSON.t);
  });

  const shown = [0, 1, 2].map(() => ({ canvas: h("canvas", { role: "img" }), caption: h("figcaption", { dir: "auto" }), code: h("code") }));
  const [first, second, blend] = shown, boxes = shown.map(({ canvas, caption, code }) => h("figure", {}, caption, canvas, code));
  const rest = vocab.length - rows.length, names = [...rows.map((i) => vocab[i]), ...(rest ? [`the other ${rest} classes`] : [])];
  const own = bars(names.length), lesson = bars(10), said = h("p", { class: "l7-note", "aria-live": "polite" });
  const target = figure("The mixed target: what the model is asked for", own.node, lesson.node);
  const views = ["Trained with mixup", "Trained without"].map((name) => ({ name, bars: bars(names.length), caption: h("figcaption") }));
  const answers = h("div", { class: "l7-two l7-wide" }, ...views.map((v) => h("figure", {}, v.caption, v.bars.node)));
  const plot = density(curves), drawn = h("p", { class: "l7-note" });
  ui.root.append(h("div", { class: "l7-mixup" },
    h("div", {}, h("div", { class: "l7-two" }, boxes[0], boxes[1]), boxes[2]),
    h("div", {}, target, said, ...(learned ? [answers] : []), figure("Where weights come from", plot.node), drawn)));

  function now() {
    const i = get("first"), j = get("second"), t = get("t"), inLesson = model.get("classes") === "lesson";
    const [all, a, b] = inLesson ? [LESSON.vocab, ...LESSON.labels] : [vocab, labels[i], labels[j]];
    return { i, j, t, inLesson, all, a, b };
  }
  function draw() {
    const { i, j, t, inLesson, all, a, b } = now();
    const one = (label) => all.map((_, k) => (k === label ? 1 : 0));
    const mixed = all.map((_, k) => t * (k === a) + (1 - t) * (k === b));
    const onRows = [...rows.map((k) => mixed[k]), ...(rest ? [0] : [])]; // the pictures' classes all have rows of their own
    const A = pixelsOf(sprite, side, i), B = pixelsOf(sprite, side, j), w = (v) => v.toFixed(2);

    paint(first.canvas, side, A, A, 1); paint(second.canvas, side, B, B, 1); paint(blend.canvas, side, A, B, t);
    first.caption.textContent = `${w(t)} × ${quoted(all[a])}`;
    second.caption.textContent = `${w(1 - t)} × ${quoted(all[b])}`;
    blend.caption.textContent = "The blend: t · first + (1 − t) · second";
    [one(a), one(b), mixed].forEach((v, k) => { shown[k].code.textContent = vector(v); });
    first.canvas.setAttribute("aria-label", `first picture: ${quoted(pictures[i])}`);
    second.canvas.setAttribute("aria-label", `second picture: ${quoted(pictures[j])}`);
    blend.canvas.setAttribute("aria-label", `blend: ${w(t)} of ${quoted(pictures[i])} and ${w(1 - t)} of ${quoted(pictures[j])}`);
    own.node.hidden = inLesson; lesson.node.hidden = !inLesson;
    if (inLesson) lesson.draw(all.map((name, k) => [name, mixed[k]])); else own.draw(names.map((name, k) => [name, onRows[k]]));
    said.textContent = verdict(t, quoted(all[a]), quoted(all[b]), a === b, half());
    example.textContent = inLesson ? "Back to these pictures' classes" : "The lesson's example";

    answers.hidden = !learned || inLesson;
    if (!answers.hidden) views.forEach((view, learner) => {
      const p = predictions[`${Math.min(i, j)},${Math.max(i, j)}`][learner][Math.round((i <= j ? t : 1 - t) * GRID)];
      view.bars.draw(names.map((name, k) => [name, p[k]]));
      const off = p.reduce((sum, v, k) => sum + Math.abs(v - onRows[k]), 0) / 2;
      view.caption.textContent = `${view.name}: ${w(off)} misplaced`;
    });

    const weights = drawnSoFar(), low = weights.filter((v) => Math.max(v, 1 - v) > 0.9).length;
    plot.draw(alphas.indexOf(get("alpha")), half(), weights, t);
    plot.node.setAttribute("aria-label", `density of Beta(${get("alpha")}, ${get("alpha")})${half() ? ", folded onto 0.5 to 1" : ""}, ${weights.length} draws, t at ${w(t)}`);
    drawn.textContent = weights.length
      ? `Drawn so far: ${weights.length}, of which ${low} leave${low === 1 ? "s" : ""} one picture more than 0.9${learned ? " (dots as drawn; t is rounded to steps of 0.05)" : ""}.`
      : "Press “Draw a weight” a few times: each dot is what one picture in a batch would get.";
  }
  const state = ["first", "second", "t", "alpha", "keep", "drawn", "classes"];
  ui.draws(state, draw);

  // One entry of the mixed target: mostly the second picture's, whose weight is not the one that is shown.
  function ask() {
    const part = oneOf(["second", "second", "first", "neither"]), any = below(1000);
    return { state: { t: (1 + below(GRID - 1)) / GRID }, read() {
      const { t, all, a, b } = now(), others = all.map((_, k) => k).filter((k) => k !== a && k !== b);
      const k = part === "first" ? a : part === "second" || !others.length ? b : others[any % others.length];
      const because = a === b && k === a ? `both pictures are of this class: ${told(t)} + ${told(1 - t)}` : k === a ? "it is the weight itself"
        : k === b ? `the second picture has what is left: 1 − ${told(t)}` : "neither picture is of this class";
      return { text: `${quoted(all[a])} weighs ${told(t)} in this blend with ${quoted(all[b])}: what is the target of ${quoted(all[k])}?`,
        answer: t * (k === a) + (1 - t) * (k === b), tolerance: 0.005, because };
    } };
  }
  ui.guess(state, { ask, hide: [second.caption, blend.code, own.node, lesson.node, said, answers], mute: [blend.canvas] });
  return ui.close;
}

// What the weight means, in a sentence.
function verdict(t, a, b, same, half) {
  if (same) return `Both are ${a}: whatever the weight, the target stays one-hot.`;
  if (t === 0 || t === 1) return `Only ${t ? a : b} is left: an ordinary training example.`;
  const asked = `The loss is least when the model says ${t.toFixed(2)} for ${a} and ${(1 - t).toFixed(2)} for ${b}.`;
  return t < 0.5 && half ? `${asked} (fastai would call the second picture the first: what it keeps is never under one half.)` : asked;
}

export default { render };
