// One photo at the sizes of a schedule, and what each size costs.
const MOST = 3; // stages
const whole = (v) => v.toLocaleString("en").replaceAll(",", "\u202f"), three = (v) => v.toFixed(3);

// For each of `size` equal stretches of `n` pixels: the first pixel it touches, and each touched pixel's share.
const stretches = (n, size) => Array.from({ length: size }, (_, i) => {
  const low = (i * n) / size, high = ((i + 1) * n) / size, first = Math.floor(low);
  const shares = Array.from({ length: Math.min(n, Math.ceil(high)) - first },
    (_, k) => ((Math.min(high, first + k + 1) - Math.max(low, first + k)) * size) / n);
  return { first, shares };
});

// A square RGBA picture at another size: each new pixel is the mean of the area it covers. First along rows, then along columns.
function resized({ data, width: n }, size) {
  const parts = stretches(n, size), rows = new Float64Array(n * size * 3), out = new ImageData(size, size);
  for (let y = 0; y < n; y++) parts.forEach(({ first, shares }, x) => {
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < shares.length; k++) sum += shares[k] * data[(y * n + first + k) * 4 + c];
      rows[(y * size + x) * 3 + c] = sum;
    }
  });
  parts.forEach(({ first, shares }, y) => {
    for (let i = 0; i < size * 3; i++) {
      let sum = 0;
      for (let k = 0; k < shares.length; k++) sum += shares[k] * rows[(first + k) * size * 3 + i];
      out.data[(y * size + Math.floor(i / 3)) * 4 + (i % 3)] = sum; // a clamped byte: rounded to nearest, halves to even
    }
    for (let x = 0; x < size; x++) out.data[(y * size + x) * 4 + 3] = 255;
  });
  return out;
}

// The model with `stages`, a list of [size, epochs], spread over traits that one slider each can hold: size0, epochs0, size1, ...
function spread(model) {
  const place = (trait) => /^(size|epochs)(\d)$/.exec(trait);
  const event = (name) => name.replace(/:((size|epochs)\d|count)$/, ":stages");
  const get = (trait) => {
    const at = place(trait), stages = model.get("stages");
    if (trait === "count") return stages.length;
    return at ? (stages[at[2]] ?? stages.at(-1))[at[1] === "size" ? 0 : 1] : model.get(trait);
  };
  function set(trait, value) {
    const at = place(trait), stages = model.get("stages").map((s) => [...s]), [size, epochs] = stages.at(-1);
    if (at) stages[at[2]][at[1] === "size" ? 0 : 1] = value;
    else if (trait === "file") return model.set("file", Number(value));
    else if (trait === "stages") return model.set("stages", value);
    else if (Number(value) > stages.length) stages.push([Math.min(320, size + 32), epochs]);
    else stages.length = Number(value);
    model.set("stages", stages);
  }
  return { get, set, save_changes: () => model.save_changes(), on: (n, fn) => model.on(event(n), fn), off: (n, fn) => model.off(event(n), fn) };
}

// Epochs to the right, pixels upwards: the area is the work. The dashed frame is training at the largest size throughout.
function stairs() {
  const W = 400, H = 170, L = 8, T = 16;
  const steps = Array.from({ length: MOST }, () => svg("rect", { fill: "var(--l7-accent)", stroke: "var(--l7-bg)", "stroke-width": 2 }));
  const names = steps.map(() => svg("text", { "text-anchor": "middle" }));
  const all = svg("rect", { x: L, y: T, width: W, height: H, fill: "var(--l7-faint)", stroke: "var(--l7-fg)", "stroke-dasharray": "5 4" });
  const top = svg("text", { x: L + W, y: T - 5, "text-anchor": "end" });
  const node = svg("svg", { viewBox: `0 0 ${W + 2 * L} ${H + T + 36}`, role: "img" }, all, ...steps, top, ...names,
    svg("text", { x: L + W, y: T + H + 32, "text-anchor": "end" }, "epochs →"));
  function draw(rows, epochs, largest) {
    let done = 0;
    steps.forEach((step, i) => {
      for (const n of [step, names[i]]) put(n, { visibility: i < rows.length ? "visible" : "hidden" });
      if (i >= rows.length) return;
      const width = (rows[i].epochs / epochs) * W, height = rows[i].each * H, x = L + (done / epochs) * W;
      put(step, { x, width, y: T + H - height, height, opacity: 0.5 + 0.25 * i });
      put(names[i], { x: x + width / 2, y: T + H + 15 });
      write(names[i], `${rows[i].size} px`);
      done += rows[i].epochs;
    });
    write(top, `dashed: ${largest} px throughout`);
  }
  return { node, draw };
}

async function render({ model: given, el }) {
  const model = spread(given), photo = await decode(model.get("photo")), files = model.get("files"), guesses = model.get("guesses");
  const ui = frame({ model, el }, "Progressive resizing: what the model sees, and what it costs");
  ui.choice("Stages", "count", { 2: "two", 3: "three" });
  ui.choice("The file's short side", "file", Object.fromEntries(files.map((f) => [f, `${f} px`])));
  const boxes = Array.from({ length: MOST }, (_, i) => h("div", { class: "l7-resize-stage" },
    ui.slider(`Size ${i + 1}`, `size${i}`, { min: 16, max: 320, step: 16, show: (v) => `${v} px` }),
    ui.slider(`Epochs ${i + 1}`, `epochs${i}`, { min: 1, max: 20, show: (v) => (i ? `1 + ${v}` : String(v)) })));
  ui.controls.append(...boxes);

  const views = Array.from({ length: MOST }, () => {
    const name = h("figcaption"), canvas = h("canvas", { role: "img" }), close = h("canvas", { role: "img" }), note = h("p", { class: "l7-note" });
    const thinks = guesses.top ? bars(guesses.top) : null;
    const box = h("figure", {}, name, canvas, close, note, ...(thinks ? [thinks.node] : []));
    return { box, name, canvas, close, note, thinks };
  });
  const rows = Array.from({ length: MOST + 2 }, () => {
    const name = h("th", { scope: "row" }), cells = Array.from({ length: 4 }, () => h("td"));
    return { name, cells, row: h("tr", {}, name, ...cells) };
  });
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...["", "pixels", "epochs", "cost per epoch", "cost in all"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, ...rows.map((r) => r.row)));
  const plot = stairs(), work = figure("Work: pixels per image × epochs", plot.node), said = h("p", { class: "l7-note", "aria-live": "polite" });
  const pictures = h("div", { class: "l7-resize-pictures" }, ...views.map((v) => v.box));
  ui.root.append(h("div", { class: "l7-resize" },
    h("div", {}, pictures),
    h("div", {}, work,
      h("div", { class: "l7-scroll", tabindex: 0, role: "region", "aria-label": "numbers" }, table), said, h("p", { class: "l7-note" }, "1 +: fine_tune begins with an epoch of its own. Cost is by pixels."))));

  function costs() {
    const stages = model.get("stages"), largest = Math.max(...stages.map((s) => s[0]));
    const counted = stages.map(([size, epochs], i) => ({ size, epochs: epochs + (i > 0), each: size ** 2 / largest ** 2 }));
    const epochs = counted.reduce((sum, r) => sum + r.epochs, 0);
    return { largest, counted, epochs, total: counted.reduce((sum, r) => sum + r.each * r.epochs, 0) / epochs };
  }
  let file, source, kept; // the photo, as a file of that side holds it, and that at the sizes seen so far
  function draw() {
    const { largest, counted, epochs, total } = costs(), stages = model.get("stages"), sizes = counted.map((r) => r.size);
    if (file !== model.get("file")) { file = model.get("file"); source = resized(photo, file); kept = {}; views.forEach((v) => { v.size = 0; }); }

    boxes.forEach((box, i) => { box.hidden = i >= stages.length; });
    pictures.style.setProperty("--columns", stages.length);
    views.forEach((view, i) => {
      view.box.hidden = i >= stages.length;
      if (view.box.hidden) return;
      const size = sizes[i], past = size > file;
      if (view.size !== size) {
        view.size = view.canvas.width = view.canvas.height = size;
        view.close.width = view.close.height = Math.ceil(size / 4); // the middle, four times as large
        const pixels = (kept[size] ??= resized(source, size)), corner = -Math.floor((size * 3) / 8);
        view.canvas.getContext("2d").putImageData(pixels, 0, 0);
        view.close.getContext("2d").putImageData(pixels, corner, corner);
      }
      view.box.classList.toggle("l7-resize-past", past);
      write(view.name, `${i + 1}: ${size} × ${size} px`);
      write(view.note, past ? `Past the file's ${file} px: nothing gained.` : size === file ? "All that the file holds." : `From a file of ${file} px.`);
      put(view.canvas, { "aria-label": `the photo at ${size} by ${size} pixels, ${past ? "larger than" : "from"} a file of ${file}` });
      put(view.close, { "aria-label": `its middle at ${size} pixels, four times as large` });
      view.thinks?.draw(guesses.at[file][size].map(([c, p]) => [guesses.names[c], p]));
    });

    const lines = [...counted.map((r, i) => [`${r.size} px`, r.size ** 2, r.epochs, r.each, (r.each * r.epochs) / epochs, i && `1 + ${r.epochs - 1}`]),
      ["schedule", null, epochs, null, total], [`${largest} px throughout`, largest ** 2, epochs, 1, 1]];
    rows.forEach(({ name, cells, row }, i) => {
      row.hidden = i >= lines.length;
      if (row.hidden) return;
      const [label, pixels, n, each, all, shown] = lines[i];
      write(name, label);
      [pixels, n, each, all].forEach((v, k) => {
        write(cells[k], v === null ? "" : k === 0 ? whole(v) : k === 1 ? shown || v : three(v));
        if (v === null) delete cells[k].dataset.value; else put(cells[k], { "data-value": v });
      });
    });
    plot.draw(counted, epochs, largest);
    plot.node.setAttribute("aria-label", `${counted.map((r) => `${r.epochs} epochs at ${r.size} pixels`).join(", then ")}: ${three(total)} of the work at ${largest} throughout`);
    write(said, verdict(sizes, epochs, total, largest, file));
  }
  ui.draws(["stages", "file"], draw);

  // What an epoch costs, or the whole schedule, against the largest size; sizes are quarters of it.
  function ask() {
    const whole = below(2) === 0, at = below(MOST - 1), now = model.get("stages");
    const fits = [128, 192, 256, 320].filter((size) => size <= model.get("file")), largest = oneOf(fits.length ? fits : [128]);
    const parts = now.length === 2 ? [oneOf([1, 2, 3])] : oneOf([[1, 2], [1, 3], [2, 3]]);
    return { state: { stages: now.map(([, epochs], i) => [((parts[i] ?? 4) * largest) / 4, epochs]) }, read() {
      const { largest, counted, epochs, total } = costs(), one = counted[Math.min(at, counted.length - 2)];
      const sum = counted.map((r) => `${r.epochs} × ${told(r.each)}`).join(" + "), list = counted.map((r) => `${r.epochs} at ${r.size} px`).join(", ");
      return whole ? { text: `${epochs} epochs, ${list}: what share of the work of ${epochs} at ${largest} px is that, to within 0.02?`, answer: total, tolerance: 0.02, because: `(${sum}) / ${epochs}` }
        : { text: `An epoch at ${largest} px costs 1. What does one at ${one.size} px cost, to within 0.02?`, answer: one.each, tolerance: 0.02, because: `it has (${one.size} / ${largest})² of the pixels` };
    } };
  }
  ui.guess(["stages", "file"], { ask, hide: [work, said, ...rows.flatMap((r) => r.cells.slice(2))] });
  return ui.close;
}

// What the numbers say, in a sentence or two.
function verdict(sizes, epochs, total, largest, file) {
  const price = total === 1 ? `One size throughout: nothing is saved.`
    : `${epochs} epochs do the work of ${(total * epochs).toFixed(1)} at ${largest} px.`;
  return largest > file ? `${price} And ${largest} px pays for pixels that a file of ${file} px does not have.` : price;
}

export default { render };
