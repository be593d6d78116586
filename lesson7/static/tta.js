// A photo with its plain view and its windows, what each of them shows and says, and their answer together.
const SCALES = [0.6, 0.85, 1], PLAINS = ["crop", "squish", "pad"], GRID = 9, CORNERS = [[0, 0], [1, 1], [1, 0], [0, 1]];
const COLOURS = ["#ffffff", "#4aa8ff", "#ff9f40", "#5fd068", "#ff7d9c", "#b79bff", "#3fd0c9", "#e0c060", "#c0c0c0"], YELLOW = "#ffe600";
const half = (v) => Math.floor(v + 0.5); // rounds as the module does

// Boxes [x0, y0, x1, y1], in pixels of the photo.
const sideOf = (w, h, scale) => Math.max(1, half(scale * Math.min(w, h)));
const square = (x, y, side) => [x, y, x + side, y + side];
const place = (w, h, side, [fx, fy]) => square(half(fx * (w - side)), half(fy * (h - side)), side);
function plainBox(w, h, plain) {
  const m = Math[plain === "crop" ? "min" : "max"](w, h);
  return plain === "squish" ? [0, 0, w, h] : square(Math.floor((w - m) / 2), Math.floor((h - m) / 2), m);
}
const inside = ([x0, y0, x1, y1], [x, y]) => x >= x0 && x < x1 && y >= y0 && y < y1;
const area = ([x0, y0, x1, y1]) => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
const common = (a, b) => a.map((v, i) => Math[i < 2 ? "max" : "min"](v, b[i]));

// For each output pixel, the first input pixel and the weights of Pillow's and torch's antialiased bilinear filter.
function taps(length, side) {
  const step = length / side, reach = Math.max(step, 1);
  return Array.from({ length: side }, (_, i) => {
    const centre = (i + 0.5) * step, from = Math.max(0, Math.floor(centre - reach + 0.5)), to = Math.min(length, Math.floor(centre + reach + 0.5));
    const raw = Array.from({ length: to - from }, (_, k) => Math.max(0, 1 - Math.abs((from + k - centre + 0.5) / reach)));
    const total = raw.reduce((a, b) => a + b);
    return { from, weights: raw.map((v) => v / total) };
  });
}
// The photo that starts at row `top` of the sheet.
function part(sheet, top, w, h) {
  const photo = new ImageData(w, h), row = (y, width) => sheet.data.subarray((top + y) * sheet.width * 4, ((top + y) * sheet.width + width) * 4);
  for (let y = 0; y < h; y++) photo.data.set(row(y, w), y * w * 4);
  return photo;
}
// A box of `photo` as side x side pixels; black past the photo's edges.
function cut({ data, width, height }, [x0, y0, x1, y1], side, out) {
  const rows = y1 - y0, across = taps(x1 - x0, side), thin = new Float64Array(rows * side * 3);
  for (let y = Math.max(0, -y0); y < Math.min(rows, height - y0); y++) {
    across.forEach(({ from, weights }, i) => weights.forEach((weight, k) => {
      const x = x0 + from + k, p = ((y0 + y) * width + x) * 4, q = (y * side + i) * 3;
      if (x >= 0 && x < width) for (let c = 0; c < 3; c++) thin[q + c] += weight * data[p + c];
    }));
  }
  taps(rows, side).forEach(({ from, weights }, j) => {
    for (let i = 0; i < side; i++) for (let c = 0; c < 4; c++) {
      let v = c === 3 ? 255 : 0;
      if (c < 3) for (let k = 0; k < weights.length; k++) v += weights[k] * thin[((from + k) * side + i) * 3 + c];
      out.data[(j * side + i) * 4 + c] = half(v);
    }
  });
}

// Each view's weight in a mean, or as fastai weighs them.
function weigh(on, reduce) {
  const used = on.filter(Boolean).length, first = reduce === "lerp" && on[0] && used > 1 ? 0.25 : 1 / used;
  return on.map((v, i) => (!v ? 0 : i === 0 ? first : on[0] ? (1 - first) / (used - 1) : 1 / used));
}
function combine(preds, on, reduce) {
  const weights = weigh(on, reduce), used = preds.filter((_, i) => on[i]);
  return preds[0].map((_, c) => (reduce === "max" ? Math.max(...used.map((p) => p[c])) : preds.reduce((sum, p, i) => sum + weights[i] * p[c], 0)));
}

async function render({ model, el }) {
  const [side, steps, sizes, names, asked] = ["side", "steps", "sizes", "names", "asked"].map((k) => model.get(k));
  const sheet = await decode(model.get("pixels")), n = model.get("at").length, learned = asked.length > 0;
  const pictures = sizes.map(([tall, wide], i) => part(sheet, sizes.slice(0, i).reduce((sum, s) => sum + s[0], 0), wide, tall));
  const ui = frame({ model, el }, "Test time augmentation: several looks at a picture");

  // What moves: a window, or past the last one the object that stands in for a model.
  const spot = () => (model.get("moving") < n ? model.get("at")[model.get("moving")] : model.get("target"));
  const snap = (spots) => spots.map((xy) => xy.map((f) => half(Math.min(1, Math.max(0, f)) * steps) / steps));
  function move(to) {
    const i = model.get("moving"), [xy] = snap([to]);
    if (i === n) ui.set("target", xy); else ui.set("at", model.get("at").map((f, k) => (k === i ? xy : f)));
  }
  const named = (label, input, ...after) => {
    input.id = newId();
    return h("div", { class: "l7-control" }, h("label", { for: input.id }, label), input, ...after);
  };
  function pick(label, trait, options) { // a select over a trait that is a number
    const input = h("select", { class: "l7-tta-pick", "data-trait": trait }, ...options.map(([text, value]) => h("option", { value, dir: "auto" }, text)));
    const read = () => { input.value = model.get(trait); };
    input.addEventListener("change", () => ui.set(trait, Number(input.value)));
    ui.on([trait], read);
    read();
    return named(label, input);
  }
  const axes = ["across", "down"].map((label, k) => {
    const input = h("input", { type: "range", min: 0, max: steps, step: 1 }), output = h("output");
    input.addEventListener("input", () => move(spot().map((f, i) => (i === k ? input.valueAsNumber / steps : f))));
    return { input, output, box: named(label, input, output) };
  });

  ui.controls.append(pick("Photo", "photo", names.map((name, i) => [name, i])));
  ui.choice("Plain view", "plain", { crop: "crop the centre", squish: "squish", pad: "pad" });
  ui.controls.append(pick("Windows", "scale", SCALES.map((s) => [`${100 * s} % of the short side`, s])));
  ui.choice("Combine", "reduce", { mean: "mean", max: "maximum", lerp: "fastai's weights" });
  if (n <= 4) ui.button("Corners", () => ui.set("at", CORNERS.slice(0, n)));
  ui.button("End to end", () => {
    const [tall, wide] = sizes[model.get("photo")], along = Array.from({ length: n }, (_, i) => i / Math.max(1, n - 1));
    ui.set("at", snap(along.map((f) => (wide >= tall ? [f, 0.5] : [0.5, f]))));
  });

  const photo = h("canvas", { role: "img" }), overlay = svg("svg", { "aria-hidden": "true" }), stage = h("div", { class: "l7-stage" }, photo, overlay);
  const frames = Array.from({ length: n + (learned ? 1 : 2) }, (_, i) => {
    const lines = [svg("rect", { class: "l7-halo" }), svg("rect", { class: "l7-edge" })], style = `color: ${i > n ? YELLOW : COLOURS[i]}`;
    const chip = i > 0 && i <= n ? [svg("circle"), svg("text", {}, String(i))] : [];
    return { i, lines, chip, group: svg("g", { style }, ...lines), handle: svg("g", { style }, ...chip) };
  });
  overlay.append(...frames.map((f) => f.group), ...frames.map((f) => f.handle));
  const views = Array.from({ length: n + 1 }, (_, i) => {
    const box = h("input", { type: "checkbox" }), canvas = h("canvas", { role: "img", width: side, height: side }), says = h("p", {}, h("span", { dir: "auto" }), h("span")), weight = h("p");
    box.addEventListener("change", () => {
      const on = model.get("on").map((v, k) => (k === i ? box.checked : v));
      if (on.some(Boolean)) ui.set("on", on); else box.checked = true; // one view stays
    });
    const label = h("label", {}, box, h("span", { class: "l7-chip", style: `color: ${COLOURS[i]}` }), i ? `window ${i}` : "plain");
    return { node: h("div", {}, label, canvas, says, weight), box, canvas, says, weight, pixels: new ImageData(side, side), key: "" };
  });
  const shown = Math.min(5, learned ? Math.min(...asked.map((a) => a.classes.length)) : 2), alone = bars(shown), together = bars(shown);
  const said = h("p", { class: "l7-note", "aria-live": "polite" }), cost = h("p", { class: "l7-note" });
  const what = learned ? "What the model says" : "No model here: a view's score is the share of the yellow box, “the object”, that it shows";
  const movable = [...Array.from({ length: n }, (_, i) => [`window ${i + 1}`, i]), ...(learned ? [] : [["the object", n]])];
  alone.node.classList.add("l7-other");
  ui.root.append(h("div", { class: "l7-tta" },
    h("div", {}, figure("The photo: drag a window", stage), h("div", { class: "l7-move" }, pick("Move", "moving", movable), ...axes.map((a) => a.box)), cost),
    h("div", {}, figure(`The views, ${side} pixels wide. ${what}`, h("div", { class: "l7-views" }, ...views.map((v) => v.node))),
      h("div", { class: "l7-two l7-wide" }, figure("Plain view alone", alone.node), figure("With test time augmentation", together.node)), said)));

  // Where everything stands: the windows, the object, the plain view.
  function now(other = {}) {
    const get = (trait) => other[trait] ?? model.get(trait), [tall, wide] = sizes[get("photo")], sides = [sideOf(wide, tall, get("scale")), sideOf(wide, tall, 0.35)];
    const movable = [...get("at").map((f) => place(wide, tall, sides[0], f)), ...(learned ? [] : [place(wide, tall, sides[1], get("target"))])];
    return { tall, wide, sides, movable, boxes: [plainBox(wide, tall, get("plain")), ...movable.slice(0, n)] };
  }
  function predict({ boxes, movable }) {
    if (!learned) return boxes.map((b) => area(common(b, movable[n])) / area(movable[n])).map((v) => [v, 1 - v]);
    const { preds } = asked[model.get("photo")], first = 3 + SCALES.indexOf(model.get("scale")) * GRID * GRID;
    return [preds[PLAINS.indexOf(model.get("plain"))], ...model.get("at").map(([x, y]) => preds[first + half(y * steps) * GRID + half(x * steps)])];
  }

  // A numbered handle is taken first, then the object, then what moved last, then the topmost window under the pointer.
  let drag = null;
  const point = ({ clientX, clientY }, { wide, tall }, r = overlay.getBoundingClientRect()) => [((clientX - r.left) / r.width) * wide, ((clientY - r.top) / r.height) * tall];
  overlay.addEventListener("pointerdown", (event) => {
    const at = now(), from = point(event, at), held = frames.find((f) => f.handle.contains(event.target));
    const i = held ? held.i - 1 : [n, model.get("moving"), ...Array.from({ length: n }, (_, k) => n - 1 - k)].find((k) => at.movable[k] && inside(at.movable[k], from));
    if (i === undefined) return;
    ui.set("moving", i);
    drag = { from, corner: at.movable[i] };
    overlay.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  overlay.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const at = now(), to = point(event, at), length = drag.corner[2] - drag.corner[0];
    move([at.wide, at.tall].map((v, k) => (v > length ? (drag.corner[k] + to[k] - drag.from[k]) / (v - length) : spot()[k])));
  });
  for (const end of ["pointerup", "pointercancel"]) overlay.addEventListener(end, () => { drag = null; });

  let drawn = null;
  function draw() {
    const at = now(), { wide, tall, boxes, movable } = at, index = model.get("photo"), on = model.get("on"), reduce = model.get("reduce"), moving = model.get("moving");
    const most = Math.min(470, (360 * wide) / tall), unit = wide / most; // a pixel of the page, in pixels of the photo
    if (drawn !== index) {
      drawn = index; photo.width = wide; photo.height = tall;
      photo.getContext("2d").putImageData(pictures[index], 0, 0);
      photo.setAttribute("aria-label", `${names[index]}, ${wide} by ${tall} pixels, with ${n} windows`);
      overlay.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
      stage.style.maxWidth = `${most}px`;
    }
    frames.forEach(({ i, lines, chip, group, handle }) => {
      const [x, y, x1, y1] = common(i > n ? movable[n] : boxes[i], [0, 0, wide, tall]);
      for (const line of lines) put(line, { x, y, width: x1 - x, height: y1 - y });
      for (const g of [group, handle]) put(g, { class: [i === moving + 1 && "l7-moving", i <= n && !on[i] && "l7-off", i > n && "l7-object"].filter(Boolean).join(" ") });
      if (!chip.length) return;
      put(chip[0], { cx: x + 13 * unit, cy: y + 13 * unit, r: 10 * unit });
      put(chip[1], { x: x + 13 * unit, y: y + 18 * unit, style: `font-size: ${14 * unit}px` });
    });
    axes.forEach(({ input, output }, k) => {
      input.value = half(spot()[k] * steps);
      output.textContent = `${movable[moving][k]} px`;
      put(input, { "aria-valuetext": output.textContent });
    });

    const preds = predict(at), weights = weigh(on, reduce), classes = learned ? asked[index].classes : ["object", "no object"];
    const answer = combine(preds, on, reduce), order = (p) => p.map((_, c) => c).sort((a, b) => p[b] - p[a]), top = order(answer).slice(0, shown);
    views.forEach((view, i) => {
      const key = `${index} ${boxes[i]}`, best = learned ? order(preds[i])[0] : 0;
      if (view.key !== key) {
        view.key = key; cut(pictures[index], boxes[i], side, view.pixels);
        view.canvas.getContext("2d").putImageData(view.pixels, 0, 0);
      }
      view.box.checked = on[i];
      view.node.className = on[i] ? "" : "l7-off";
      const words = learned ? [classes[best], preds[i][best].toFixed(2)] : ["shows", `${half(100 * preds[i][0])} %`];
      words.forEach((text, k) => { view.says.children[k].textContent = text; });
      view.says.title = words.join(" ");
      view.weight.textContent = !on[i] ? "not used" : reduce === "max" ? "if highest" : `weight ${+weights[i].toFixed(4)}`;
      view.says.dataset.value = preds[i][best]; view.weight.dataset.value = weights[i];
      put(view.canvas, { "aria-label": `${i ? `window ${i}` : "plain view"}: ${view.says.title}` });
    });
    alone.draw(top.map((c) => [classes[c], preds[0][c]]));
    together.draw(top.map((c) => [classes[c], answer[c]]));
    const first = order(preds[0])[0], sum = answer.reduce((a, b) => a + b), kept = half((100 * Math.min(wide, tall)) / Math.max(wide, tall));
    said.textContent = (learned ? `The plain view says ${classes[first]} (${preds[0][first].toFixed(2)}). Together: ${classes[top[0]]} (${answer[top[0]].toFixed(2)}).`
      : `The plain view shows ${half(100 * preds[0][0])} % of the object. Together: ${answer[0].toFixed(3)}.`)
      + (reduce === "max" ? ` Each class takes its highest value: they sum to ${sum.toFixed(2)}.` : "");
    cost.textContent = wide === tall ? "This photo is square: crop, squish and pad are the same." : { crop: `The centre crop keeps ${kept} % of this photo and drops the rest.`,
      squish: `Squishing keeps all of it, at ${kept} % of its true ${wide > tall ? "width" : "height"}.`,
      pad: `Padding keeps all of it, at ${kept} % of the size that a crop gives.` }[model.get("plain")];
  }
  const state = ["photo", "plain", "scale", "at", "on", "reduce", "moving", "target"];
  ui.draws(state, draw);

  // How many views see the object, or, where a model was asked, put the class first that the views together do.
  function ask() {
    const spots = (count) => Array.from({ length: count }, () => [below(steps + 1) / steps, below(steps + 1) / steps]);
    const make = () => ({ photo: below(names.length), scale: oneOf(SCALES.slice(0, 2)), at: spots(n), ...(learned ? {} : { target: spots(1)[0] }) });
    const clear = (to) => learned || predict(now(to)).every(([share]) => Math.abs(share - 0.5) > 0.12); // the eye can tell
    let to = make();
    for (let tries = 0; tries < 100 && !clear(to); tries++) to = make();
    return { state: to, read() {
      const on = model.get("on"), preds = predict(now()), used = on.filter(Boolean).length, best = (p) => p.indexOf(Math.max(...p));
      const top = learned ? best(combine(preds, on, model.get("reduce"))) : 0;
      const sees = preds.map((p, i) => on[i] && (learned ? best(p) === top : p[0] >= 0.5)), those = sees.flatMap((yes, i) => (yes ? [i ? `window ${i}` : "the plain view"] : []));
      return { text: learned ? `Together the views say ${quoted(asked[model.get("photo")].classes[top])}. How many of the ${used} in use put it first?`
          : `How many of the ${used} views in use show at least half of the yellow box?`,
        answer: those.length, tolerance: 0, because: those.length ? `${new Intl.ListFormat("en").format(those)} ${those.length === 1 ? "does" : "do"}` : "none does" };
    } };
  }
  ui.guess(state, { ask, hide: [...views.map((v) => v.says), alone.node.parentElement, together.node.parentElement, said], mute: views.map((v) => v.canvas) });
  return ui.close;
}

export default { render };
