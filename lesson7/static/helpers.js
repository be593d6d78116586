// What every view shares; the base class puts this file in front of the view's own.
// Text reaches the page through text nodes and attributes only: a class name is untrusted.

function fill(node, attrs, children) {
  for (const [k, v] of Object.entries(attrs)) node.setAttribute(k, v);
  node.append(...children);
  return node;
}
const h = (tag, attrs = {}, ...children) => fill(document.createElement(tag), attrs, children);
const svg = (tag, attrs = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attrs, children);

let count = 0;
const newId = () => `l7-${Date.now().toString(36)}-${count++}`;

// Text that stays as it is needs no new layout, and is not spoken again.
const write = (node, text) => { if (node.textContent !== String(text)) node.textContent = text; };
const put = (node, attrs) => { for (const [k, v] of Object.entries(attrs)) if (node.getAttribute(k) !== String(v)) node.setAttribute(k, v); };

// A figure with its caption; `name` is what a screen reader hears, and may follow the state.
const figure = (caption, ...children) => h("figure", {}, h("figcaption", {}, caption), ...children);

// A name in a sentence: short, and its writing direction kept to itself.
const quoted = (name) => `“\u2068${[...name].length > 32 ? [...name].slice(0, 31).join("") + "…" : name}\u2069”`;

// Rows of name, bar and number. `draw([[name, value in 0..1], ...])` takes as many as there are rows; names are shown as they are.
function bars(rows, show = (v) => v.toFixed(3)) {
  const cells = Array.from({ length: rows }, () => [h("span", { dir: "auto" }), h("span", {}, h("i")), h("span")]);
  const draw = (values) => values.forEach(([name, value], i) => {
    const [label, track, number] = cells[i];
    if (label.title !== String(name)) label.textContent = label.title = name;
    if (number.dataset.value === String(value)) return;
    track.firstChild.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
    number.textContent = show(value);
    number.dataset.value = value; // in full, for whoever checks
  });
  return { node: h("div", { class: "l7-bars" }, ...cells.flat()), draw };
}

// PNG bytes -> pixels, exactly as the file has them.
async function decode(png) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }), options);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

// Chance, in whole numbers below `n`; tests put their own in its place.
const below = (n) => Math.floor((globalThis.l7random ?? Math.random)() * n);
const oneOf = (list) => list[below(list.length)];
const told = (v) => String(+v.toPrecision(3)).replace("-", "−");

// Predict, then reveal. `ask()` makes a question { state, read }: traits to set, and from the state as it then stands { text, answer, tolerance, because }.
// While it is open, what gives the answer away (`hide`) is covered, and what only says it (`mute`) is kept from screen readers.
// In the end `traits` are as they were before. All explorers of a page keep one score, neither stored nor sent.
function guess({ model, root, on, undo }, traits, { ask, hide, mute = [], signed = false }) {
  const score = (globalThis.l7score ??= { right: 0, asked: 0 });
  const toggle = h("button", { type: "button", "aria-pressed": "false" }, "Guess"), hint = h("span", {}, "Predict a number before you see it.");
  const id = newId(), text = h("label", { for: id, "aria-live": "polite" }, "Your guess"), go = h("button", { type: "button" });
  const input = h("input", { id, type: "text", size: 7, maxlength: 12, autocomplete: "off", inputmode: signed ? "text" : "decimal" }); // phones' decimal keys lack the minus
  const panel = h("div", { hidden: "" }, text, h("span", {}, input, " ", go));
  const said = h("p", { class: "l7-note", "aria-live": "polite" }), points = h("span", { class: "l7-score" });
  let before = null, question = null, open = false;
  hide.forEach((node) => node.classList.add("l7-secret"));
  root.append(h("div", { class: "l7-guess", role: "group", "aria-label": "Guess" }, toggle, hint, panel, points, said));

  const show = (state) => { Object.entries(state).forEach(([trait, value]) => model.set(trait, value)); model.save_changes(); };
  const tell = () => { if (open) text.textContent = question.read().text; }; // it follows who moves a control meanwhile
  const tally = () => { points.textContent = before && score.asked ? `${score.right} of ${score.asked} on this page` : ""; };
  function cover(yes) {
    open = yes;
    root.classList.toggle("l7-guessing", yes);
    mute.forEach((node) => (yes ? node.setAttribute("aria-hidden", "true") : node.removeAttribute("aria-hidden")));
    input.readOnly = !yes;
    go.textContent = yes ? "Check" : "Next question";
  }
  function say(sentence, right = "") { said.textContent = sentence; said.dataset.right = right; }
  function next() {
    question = ask();
    cover(true);
    show(question.state);
    tell();
    say("");
    input.value = "";
    input.setAttribute("aria-invalid", false);
    input.focus();
  }
  function check() {
    const typed = input.value.trim(), value = Number(typed.replace(",", ".").replace("−", "-")), ok = typed !== "" && Number.isFinite(value);
    input.setAttribute("aria-invalid", !ok);
    if (!ok) return say(typed ? `${quoted(typed)} is not a number: write one like 0.25.` : "Write a number first, like 0.25.");
    const { answer, tolerance, because } = question.read(), right = Math.abs(value - answer) <= tolerance + 1e-9;
    cover(false);
    score.asked++;
    score.right += right;
    say(right ? `Right: ${told(answer)}, because ${because}.` : `${typed} – it is ${told(answer)}, because ${because}.`, right);
    document.dispatchEvent(new CustomEvent("l7-score"));
  }
  function turn(yes) {
    toggle.setAttribute("aria-pressed", yes);
    hint.hidden = yes; panel.hidden = !yes;
    if (yes) { before = Object.fromEntries(traits.map((trait) => [trait, model.get(trait)])); next(); }
    else { cover(false); say(""); show(before); before = null; }
    tally();
  }
  const step = () => (open ? check() : next());
  toggle.addEventListener("click", () => turn(!before));
  go.addEventListener("click", step);
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.repeat) step(); }); // no form: some frames forbid to submit one
  root.addEventListener("keydown", (event) => { if (before && event.key === "Escape") { turn(false); toggle.focus(); } });
  on(traits, tell);
  document.addEventListener("l7-score", tally);
  undo.push(() => { document.removeEventListener("l7-score", tally); if (before) turn(false); });
}

// A view's frame in `el`: its controls, bound to the model's traits, and what must be undone when it closes.
function frame({ model, el }, title) {
  const root = h("section", { class: "l7", "aria-label": title });
  const controls = h("div", { class: "l7-controls" });
  const undo = [];
  // JupyterLab takes arrow keys, digits and letters for its own shortcuts; Ctrl+S and the like it may have.
  root.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.stopPropagation());
  root.append(h("p", { class: "l7-title" }, title), controls);
  el.append(root);

  const on = (traits, fn) => traits.forEach((trait) => {
    model.on(`change:${trait}`, fn);
    undo.push(() => model.off(`change:${trait}`, fn));
  });
  // Python hears of a change once the frame that shows it is painted: the picture does not wait for the message.
  let sending = 0;
  const set = (trait, value) => { model.set(trait, value); sending ||= requestAnimationFrame(() => setTimeout(() => { sending = 0; model.save_changes(); })); };

  // Draw now, and when any of `traits` changed: at once, so that the next display frame has little left to do;
  // what changes again before that frame is drawn once, with it.
  function draws(traits, draw) {
    let asked = 0, due = true;
    const drawn = () => { if (due) { due = false; draw(); } };
    on(traits, () => {
      due = true;
      if (asked) return;
      asked = requestAnimationFrame(() => { asked = 0; drawn(); });
      queueMicrotask(drawn); // traits that are set together are drawn together
    });
    undo.push(() => { due = false; cancelAnimationFrame(asked); });
    drawn();
  }

  // `input` under a label, showing `read()` whenever one of `traits` changes.
  function control(label, input, traits, read, ...after) {
    input.id = newId();
    input.dataset.trait ??= traits[0]; // what a link may set: see host.js
    const box = h("div", { class: "l7-control" }, h("label", { for: input.id }, label), input, ...after);
    controls.append(box);
    on(traits, read);
    read();
    return box;
  }

  function slider(label, trait, { min, max, step = 1, show = String }) {
    const input = h("input", { type: "range", min, max, step }), output = h("output");
    input.addEventListener("input", () => set(trait, input.valueAsNumber));
    return control(label, input, [trait], () => {
      input.value = model.get(trait);
      output.textContent = show(model.get(trait));
      input.setAttribute("aria-valuetext", output.textContent);
    }, output);
  }

  function choice(label, trait, options) {
    const input = h("select", {}, ...Object.entries(options).map(([value, text]) => h("option", { value }, text)));
    input.addEventListener("change", () => set(trait, input.value));
    return control(label, input, [trait], () => { input.value = model.get(trait); });
  }

  // One number of a list; what is not a number in range stays in the field, marked, and out of the model.
  function number(label, trait, index, { min, max, step }) {
    const input = h("input", { type: "number", min, max, step, required: "", "data-trait": `${trait}.${index}` });
    input.addEventListener("input", () => {
      const ok = Number.isFinite(input.valueAsNumber) && input.valueAsNumber >= min && input.valueAsNumber <= max;
      input.setAttribute("aria-invalid", !ok);
      if (ok) set(trait, model.get(trait).map((v, i) => (i === index ? input.valueAsNumber : v)));
    });
    return control(label, input, [trait], () => {
      const value = model.get(trait)[index];
      if (input.valueAsNumber !== value) { input.value = value; input.setAttribute("aria-invalid", false); }
    });
  }

  function button(label, press) {
    const input = h("button", { type: "button" }, label);
    input.addEventListener("click", press);
    controls.append(input);
    return input;
  }

  return { root, controls, set, on, draws, slider, choice, number, button, guess: (...how) => guess({ model, root, on, undo }, ...how), close: () => undo.forEach((fn) => fn()) };
}
