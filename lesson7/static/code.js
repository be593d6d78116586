// The Python that reproduces what is on screen. Its templates come from Python, which fills them in
// the same way.

import { html, note, setText } from "./dom.js";

const DECIMALS = 10;

/**
 * A number as Python writes a float: `0.3`, `1.0`. One that is not whole does not become so.
 * @param {number} value
 */
export function pythonFloat(value) {
  const text = value.toFixed(DECIMALS).replace(/0+$/, "");
  if (!text.endsWith(".")) return text;
  return Number(text) === value ? `${text}0` : String(value);
}

/**
 * A text as a Python string.
 * @param {string} text
 */
export function pythonString(text) {
  return JSON.stringify(text);
}

/**
 * Puts values in the places `{name}` of a template.
 * @param {string} template
 * @param {Record<string, string>} values
 */
export function fillTemplate(template, values) {
  return template.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages opened from disk, and frames without permission, have only the older way.
    const field = html("textarea", {}, text);
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}

/**
 * A button that copies a text, and says so.
 * @param {string} label
 * @param {() => string} getText
 * @param {string} [copied] what it says
 */
export function copyButton(label, getText, copied = "Copied") {
  const node = html("button", { type: "button" }, label);
  const message = html("span", { class: "l7-copied", "aria-live": "polite" });
  node.addEventListener("click", async () => {
    await copyText(getText());
    setText(message, copied);
    setTimeout(() => setText(message, ""), 2000);
  });
  return { node, message };
}

/** A panel with code and a button that copies it. */
export function codePanel() {
  const code = html("code");
  const region = { class: "l7-code", tabindex: 0, role: "region", "aria-label": "Python code" };
  const copy = copyButton("Copy code", () => code.textContent ?? "");
  const caption = note({ text: "The Python that gives the numbers above:" });
  const buttons = html("div", { class: "l7-row" }, copy.node, copy.message);
  const node = html("div", { class: "l7-panel" }, caption, html("pre", region, code), buttons);

  /** @param {string} text */
  function draw(text) {
    setText(code, text);
  }
  return { node, draw };
}
