// What an explorer declares; the headline, formulas, tools and panels follow from it.

import { codePanel, copyButton, fillTemplate } from "./code.js";
import { button } from "./controls.js";
import { html } from "./dom.js";
import { Guess } from "./guess.js";
import { addHighlights } from "./highlight.js";
import { History } from "./history.js";
import { followLink, linkWriter } from "./link.js";
import { formulaFigure, liveLine } from "./live.js";
import { Panels } from "./panels.js";
import { pinPanel } from "./pin.js";
import { savePicture } from "./snapshot.js";
import { stepsPanel } from "./steps.js";

/** @import { Frame } from "./frame.js" */
/** @import { GuessOptions } from "./guess.js" */
/** @import { Formula, LiveNode } from "./live.js" */
/** @import { Result } from "./pin.js" */

/** @typedef {(trait: string) => any} Get reads the value of a trait */

/**
 * A part of the picture.
 * @template State
 * @typedef {object} Part
 * @property {(state: State) => void} draw
 * @property {(state: State | null) => void} [drawPin] outlines the pinned state; null: no pin
 */

/**
 * @template State
 * @typedef {object} Declaration
 * @property {string[]} traits the state
 * @property {string[]} [animated] traits that a step changes gradually
 * @property {(get: Get) => State} readState
 * @property {Part<State>[]} parts
 * @property {(state: State) => LiveNode[]} headline the result, in one sentence
 * @property {Formula<State>[]} formulas
 * @property {(state: State) => { template: string, values: Record<string, string> }} code the name
 *   of a template and what is put in it
 * @property {(state: State) => Result[]} results numbers that are compared with those of a pin
 * @property {GuessOptions} guess
 * @property {any[]} [steps] guided steps in place of the model's
 * @property {{ label: string, node: HTMLElement }[]} [panels] more panels, each with a button
 */

/**
 * @param {Frame} frame
 * @param {string[]} traits
 */
function addHistory(frame, traits) {
  const history = new History(frame, traits, showChange, frame.model.photo?.kept);
  const undo = button(frame.tools, "Undo", () => history.undo());
  const redo = button(frame.tools, "Redo", () => history.redo());
  button(frame.tools, "Reset", () => history.reset());

  function showChange() {
    // Not disabled: a disabled button would lose the focus.
    undo.setAttribute("aria-disabled", String(!history.canUndo));
    redo.setAttribute("aria-disabled", String(!history.canRedo));
  }
  history.commit(); // another photo is a change, too
  showChange();
  return history;
}

/**
 * The button that pins the present state, and lets go of it.
 * @param {Frame} frame
 * @param {string[]} traits
 */
function addPinButton(frame, traits) {
  const isPinned = () => Object.keys(frame.model.get("pinned")).length > 0;
  const node = button(frame.tools, "Pin", () => {
    frame.set("pinned", isPinned() ? {} : frame.snapshot(traits));
  });
  const show = () => node.setAttribute("aria-pressed", String(isPinned()));
  frame.on(["pinned"], show);
  show();
}

/**
 * On a page, links set the state; a notebook has no address for it.
 * @param {Frame} frame
 * @param {string[]} traits
 */
function addLinks(frame, traits) {
  const { index } = frame.el.dataset; // of the explorer on its page
  if (index === undefined) return;
  const { photo } = frame.model;
  const write = linkWriter(frame, traits, photo?.kept);
  const copied = photo?.photoName ? "Copied, without your photo" : "Copied";
  const copy = copyButton("Copy link", copyText, copied);
  frame.tools.append(copy.node, copy.message);
  frame.el.addEventListener("l7-link", follow);
  frame.onClose(() => frame.el.removeEventListener("l7-link", follow));

  function copyText() {
    const link = write();
    if (index !== "1") link.set("explorer", String(index));
    return `${location.href.split("#")[0]}#${link}`;
  }

  /** @param {Event} event */
  function follow(event) {
    followLink(frame, traits, /** @type {CustomEvent} */ (event).detail);
  }
}

/**
 * @template State
 * @param {Frame} frame
 * @param {Declaration<State>} declaration
 * @returns {() => void} draws again: for what is drawn and is no part of the state
 */
export function showExplorer(frame, declaration) {
  const { traits, animated = [], readState, guess } = declaration;
  const { model } = frame;
  const panels = new Panels(frame);
  const details = frame.more.parentElement;
  if (details) details.hidden = !frame.more.childElementCount;

  const formulas = declaration.formulas.map((formula) => formulaFigure(frame, formula));
  const drawHeadline = liveLine(frame, frame.headline);
  const code = codePanel();
  const pin = pinPanel();
  const lines = html("div", { class: "l7-formulas" }, ...formulas.map(({ node }) => node));
  frame.body.after(lines, pin.node);

  const steps = declaration.steps ?? model.get("steps");
  if (steps.length) {
    const close = () => panels.close({ isFocused: true });
    const panel = stepsPanel(frame, { traits, animated, steps, close });
    panels.add("Steps", panel.node, panel).button.classList.add("l7-main");
  }
  const hidden = [frame.headline, ...formulas.map(({ node }) => node), pin.node];
  const answerElements = [...hidden, ...guess.answerElements];
  const question = new Guess(frame, panels, traits, { ...guess, answerElements });
  panels.add("Code", code.node);
  const { photo } = model;
  photo?.addPanel(frame, panels);
  for (const { label, node } of declaration.panels ?? []) panels.add(label, node);
  addPinButton(frame, traits);
  const history = addHistory(frame, photo ? [photo.trait, ...traits] : traits);
  question.onChange((isAsking) => history.pause(isAsking));
  addLinks(frame, traits);
  button(frame.tools, "Save picture", () => savePicture(frame));

  function draw() {
    const state = readState((trait) => model.get(trait));
    for (const part of declaration.parts) part.draw(state);
    drawHeadline(declaration.headline(state));
    for (const formula of formulas) formula.draw(state);
    const { template, values } = photo?.photoName ? photo.code : declaration.code(state);
    code.draw(fillTemplate(model.get("templates")[template], values));
    drawPin(state);
  }

  /** @param {State} state */
  function drawPin(state) {
    const values = model.get("pinned");
    const pinned = Object.keys(values).length ? readState((trait) => values[trait]) : null;
    for (const part of declaration.parts) part.drawPin?.(pinned);
    pin.draw(pinned && declaration.results(pinned), declaration.results(state));
  }

  const redraw = frame.redraw([...traits, "pinned"], draw);
  addHighlights(frame);
  return redraw;
}
