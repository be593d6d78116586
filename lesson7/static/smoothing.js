// One label as a hard, smoothed and mixed target, and the loss that each gives a model of any confidence.
const KINDS = { hard: "hard", smoothed: "smoothed", mixed: "mixed" };
const COLOUR = { hard: "var(--l7-red)", smoothed: "var(--l7-accent)", mixed: "var(--l7-green)" };
const MOST = 1000, ROWS = 10, Z = [-4, 16], W = 560, H = 250;

// Few digits, but never a 0 that is none.
const short = (v) => (!Number.isFinite(v) ? String(v).replace("Infinity", "∞") : v !== 0 && Math.abs(v) < 0.001 ? String(+v.toPrecision(2)) : String(+v.toFixed(4))).replace("-", "−");
const three = (v) => (Number.isFinite(v) ? v.toFixed(3) : short(v)).replace("-", "−");

// Cross-entropy where the target gives the true class `q`, the model `p`, and the model spreads `rest` = 1 - p evenly over the others.
const loss = (q, p, rest, n) => (q && -q * Math.log(p)) + (q < 1 && -(1 - q) * Math.log(rest / (n - 1)));
const logit = (p, n) => Math.log((p * (n - 1)) / (1 - p));
const confidence = (z, n) => [Math.exp(z) / (Math.exp(z) + n - 1), (n - 1) / (Math.exp(z) + n - 1)]; // p and 1 - p

// A whole number in a field: N needs no slider of a thousand steps.
function field(ui, model, label, trait, min, max, set) {
  const input = h("input", { type: "number", min, max, step: 1, required: "", "data-trait": trait });
  const node = h("label", { class: "l7-control" }, label, input);
  const read = () => { if (input.valueAsNumber !== model.get(trait)) { input.value = model.get(trait); input.setAttribute("aria-invalid", false); } };
  input.addEventListener("input", () => {
    const ok = Number.isInteger(input.valueAsNumber) && input.valueAsNumber >= min && input.valueAsNumber <= max;
    input.setAttribute("aria-invalid", !ok);
    if (ok) set(input.valueAsNumber);
  });
  ui.controls.append(node);
  ui.on([trait], read);
  read();
}

// The three curves, a dot on each where the model is, a diamond where each is lowest (an arrow: never).
function plot() {
  const text = (attrs) => svg("text", attrs);
  const at = svg("line", { y1: 0, y2: H, stroke: "var(--l7-fg)", "stroke-width": 1.5 });
  const grid = Array.from({ length: 4 }, () => [svg("line", { x1: 0, x2: W, stroke: "var(--l7-line)" }), text({ x: -6, "text-anchor": "end" })]);
  const ticks = Array.from({ length: 6 }, () => text({ y: H + 20, "text-anchor": "middle" }));
  const parts = Object.keys(KINDS).map((kind) => ({
    curve: svg("path", { fill: "none", stroke: COLOUR[kind], "stroke-dasharray": kind === "mixed" ? "8 5" : "none" }),
    dot: svg("circle", { r: 5.5, fill: COLOUR[kind] }),
    low: svg("path", { d: "M0-7L6 0L0 7L-6 0Z", fill: "var(--l7-bg)", stroke: COLOUR[kind], "stroke-width": 2.5 }),
    end: svg("path", { d: "M0-7L11 0L0 7Z", fill: COLOUR[kind] }) }));
  const node = svg("svg", { viewBox: `-30 -9 ${W + 46} ${H + 34}`, role: "img" }, ...grid.flat(), ...ticks, at,
    ...["curve", "low", "end", "dot"].flatMap((k) => parts.map((part) => part[k])));

  let axes = ""; // what the grid and the curves were drawn for
  function draw({ n, p, q, byLogit, chosen }) {
    const top = Math.max(2.5, 1.6 * Math.log(n)), [low, high] = byLogit ? Z : [0, 1];
    const x = (v) => Math.min(W, Math.max(0, ((v - low) / (high - low)) * W)), y = (v) => H - (v / top) * H;
    const place = (part, px, py) => { put(part, { visibility: py >= -1 ? "visible" : "hidden", transform: `translate(${px.toFixed(2)} ${py.toFixed(2)})` }); };
    const unit = top > 8 ? 3 : top > 4 ? 2 : 1, moved = axes !== `${n} ${byLogit}`;
    axes = `${n} ${byLogit}`;
    if (moved) grid.forEach(([line, label], i) => {
      const v = y(i * unit), on = v >= -1 ? "visible" : "hidden";
      line.setAttribute("y1", v); line.setAttribute("y2", v); line.setAttribute("visibility", on);
      label.setAttribute("y", v + 4); label.setAttribute("visibility", on); label.textContent = i * unit;
    });
    if (moved) ticks.forEach((label, i) => { const v = low + (i / 5) * (high - low); label.setAttribute("x", x(v)); label.textContent = three(v).replace(/\.?0+$/, "") || "0"; });
    parts.forEach((part, k) => {
      const { curve, dot, low: lowest, end } = part;
      let path = "";
      if (moved || part.q !== q[k]) for (let i = 0, pen = "M"; i <= 400; i++) {
        const s = byLogit ? low + (i / 400) * (high - low) : i / 20 - 10, [a, rest] = confidence(s, byLogit ? n : 2); // closer points where p is close to 0 or 1
        const v = byLogit ? s : a, l = loss(q[k], a, rest, n);
        if (l > top) pen = "M"; else { path += `${pen}${x(v).toFixed(1)} ${y(l).toFixed(1)}`; pen = "L"; }
      }
      if (moved || part.q !== q[k]) curve.setAttribute("d", path);
      part.q = q[k];
      put(curve, { "stroke-width": k === chosen ? 3.5 : 2 });
      place(dot, x(byLogit ? logit(p, n) : p), y(loss(q[k], p, 1 - p, n)));
      const best = byLogit ? logit(q[k], n) : q[k], inside = q[k] < 1 && best >= low && best <= high;
      place(lowest, x(best), inside ? y(loss(q[k], q[k], 1 - q[k], n)) : -99);
      place(end, W, q[k] === 1 ? y(byLogit ? loss(1, ...confidence(high, n), n) : 0) : -99);
    });
    const here = x(byLogit ? logit(p, n) : p);
    put(at, { x1: here, x2: here });
  }
  return { node, draw };
}

async function render({ model, el }) {
  const ui = frame({ model, el }, "Label smoothing: how sure should a model be?");
  const vocab = model.get("vocab"), name = (i) => vocab[i] ?? `class ${i}`;
  const trueClass = () => Math.min(model.get("label"), model.get("n") - 1);

  const pSlider = ui.slider("Confidence p", "p", { min: 0.001, max: 0.999, step: 0.001, show: three });
  const zInput = h("input", { type: "range", min: Z[0], max: Z[1], step: 0.1 }), zText = h("output");
  const zSlider = h("label", { class: "l7-control" }, "Its logit", zInput, zText);
  zInput.addEventListener("input", () => ui.set("p", confidence(zInput.valueAsNumber, model.get("n"))[0]));
  ui.controls.append(zSlider);
  ui.slider("eps", "eps", { min: 0, max: 0.99, step: 0.01, show: short });
  const setN = (n) => { if (model.get("label") >= n) ui.set("label", n - 1); ui.set("n", n); }; // the label first: it is never past the last class
  field(ui, model, "Classes, N", "n", 2, MOST, setN);
  const labels = ui.slider("True class", "label", { min: 0, max: MOST - 1 }).querySelector("input");
  ui.slider("Mixed: its share", "t", { min: 0, max: 1, step: 0.01, show: short });
  ui.choice("Show target", "show", KINDS);
  ui.choice("Loss against", "against", { p: "the confidence p", logit: "the logit" });
  ui.button("The lesson's example", () => { setN(10); Object.entries({ label: 3, eps: 0.1, show: "smoothed" }).forEach(([k, v]) => ui.set(k, v)); });

  const rows = bars(ROWS, short), cells = [...rows.node.children], chart = plot();
  const ticks = Array.from({ length: ROWS }, (_, i) => { const tick = h("b"); cells[3 * i + 1].append(tick); return tick; });
  const caption = h("figcaption"), sum = h("p", { class: "l7-note" }), axis = h("p", { class: "l7-axis" }), said = h("p", { class: "l7-note", "aria-live": "polite" });
  const losses = figure("The loss, and where it is lowest (◇; ▶ nowhere)", chart.node);
  const td = Object.keys(KINDS).map(() => Array.from({ length: 5 }, () => h("td")));
  const key = (kind) => svg("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 28, y1: 5, y2: 5, stroke: COLOUR[kind], "stroke-width": 3, "stroke-dasharray": kind === "mixed" ? "8 5" : "none" }));
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...["target", "for the class", "loss now", "pushes logit", "least at p", "at logit"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, ...Object.keys(KINDS).map((kind, k) => h("tr", {}, h("th", { scope: "row" }, key(kind), kind), ...td[k]))));
  ui.root.append(h("div", { class: "l7-smoothing" },
    h("div", {}, h("figure", {}, caption, rows.node), sum, said),
    h("div", {}, h("div", {}, losses, axis),
      h("div", { class: "l7-scroll", tabindex: 0, role: "region", "aria-label": "numbers" }, table))));

  function draw() {
    const n = model.get("n"), eps = model.get("eps"), t = model.get("t"), p = model.get("p"), show = model.get("show"), byLogit = model.get("against") === "logit";
    const label = trueClass(), other = (label + 1) % n, q = [1, 1 - eps + eps / n, t], z = logit(p, n);
    const value = { hard: (i) => +(i === label), smoothed: (i) => (i === label ? q[1] : eps / n), mixed: (i) => (i === label ? t : i === other ? 1 - t : 0) }[show];

    put(labels, { max: n - 1 }); labels.value = label;
    pSlider.hidden = byLogit; zSlider.hidden = !byLogit;
    zInput.value = z; write(zText, z.toFixed(1).replace("-", "−")); put(zInput, { "aria-valuetext": zText.textContent });

    const shown = n <= ROWS ? [...Array(n).keys()] : [...new Set([label, other, ...Array(8).keys()])].slice(0, 8).sort((a, b) => a - b);
    const lines = shown.map((i) => [name(i), value(i)]);
    if (n > shown.length) lines.push([`each of the other ${n - shown.length}`, value(-1)]);
    rows.draw(lines);
    rows.node.style.setProperty("--l7-accent", COLOUR[show] === "var(--l7-accent)" ? "" : COLOUR[show]);
    cells.forEach((cell, i) => { cell.hidden = i >= 3 * lines.length; });
    ticks.forEach((tick, i) => { tick.style.left = `${100 * (shown[i] === label ? p : (1 - p) / (n - 1))}%`; });
    const named = { hard: "hard", smoothed: `smoothed, eps ${short(eps)}`, mixed: `mixed, ${short(t)} of it` }[show];
    write(caption, `Target (bar): ${named}. Model (line)`);
    const others = { hard: `${n - 1} × 0`, smoothed: `${n - 1} × ${short(eps / n)}`, mixed: `${short(1 - t)}${n > 2 ? ` + ${n - 2} × 0` : ""}` }[show];
    write(sum, `${short(value(label))} + ${others} = 1`);

    chart.draw({ n, p, q, byLogit, chosen: Object.keys(KINDS).indexOf(show) });
    write(axis, byLogit ? "logit of the true class, where the others' is 0" : "confidence p in the true class; the rest is spread evenly");
    q.forEach((target, k) => {
      [target, loss(target, p, 1 - p, n), p - target, target, logit(target, n)].forEach((v, i) => {
        if (td[k][i].dataset.value === String(v)) return;
        td[k][i].textContent = i === 2 ? `${v < 0 ? "up" : "down"} ${short(Math.abs(+v.toFixed(v && Math.abs(v) < 0.001 ? 7 : 4)))}` : i === 3 && target === 1 ? "→ 1" : i === 1 || i === 4 ? three(v) : short(v);
        td[k][i].dataset.value = v;
      });
    });
    chart.node.setAttribute("aria-label", `Cross-entropy against ${byLogit ? "the logit" : "the confidence"}, ${n} classes. At confidence ${three(p)}: hard ${td[0][1].textContent}, smoothed ${td[1][1].textContent}, lowest at ${td[1][3].textContent}; mixed ${td[2][1].textContent}, lowest at ${td[2][3].textContent}.`);
    write(said, verdict(p, q[1], eps));
  }
  const state = ["n", "eps", "label", "t", "p", "show", "against"];
  ui.draws(state, draw);

  // The smoothed value of the true class, or of another. N and eps are such that three decimals are exact.
  function ask() {
    const n = oneOf([2, 4, 5, 10, 20]), ofTrue = below(2) === 0, step = 1 + below(n - 1);
    return { state: { n, eps: oneOf([0.1, 0.2, 0.3, 0.4]), label: below(n), show: "smoothed" }, read() {
      const n = model.get("n"), eps = model.get("eps"), label = trueClass(), share = eps / n;
      const because = `eps/N is ${told(eps)}/${n} = ${told(share)}${ofTrue ? `, and the true class has 1 − ${told(eps)} besides` : ""}`;
      return { text: `${n} classes, eps ${told(eps)}, and the true one is ${quoted(name(label))}: what does the smoothed target say for ${ofTrue ? "it" : quoted(name((label + step) % n))}?`,
        answer: ofTrue ? 1 - eps + share : share, tolerance: share / 10, because }; // forgetting eps/N is not near enough
    } };
  }
  ui.guess(state, { ask, hide: [rows.node, sum, said, losses, ...td[1]] });
  return ui.close;
}

// What the numbers say, in a sentence.
function verdict(p, q, eps) {
  const hard = `The hard label pushes the logit up (slope −${short(1 - p)}) and never stops: its loss has no lowest point.`;
  if (eps === 0) return `${hard} With eps 0, the smoothed label is the hard one.`;
  if (Math.abs(p - q) < 0.0005) return `${hard} The smoothed label is content: this is its lowest point.`;
  return `${hard} The smoothed label pushes ${p < q ? "up" : "down"}: it wants ${short(q)}, ${p < q ? "more" : "less"} than this.`;
}

export default { render };
