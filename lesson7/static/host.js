// Shows the anywidget models in a page without a kernel or network: reads the standard widget-state
// scripts and renders a view at each widget-view script. `#t=0.42&kind=batch` in the address sets
// what the first explorer with these names accepts; `explorer=2` names another one.
/** @import { Model } from "./frame.js" */
(async () => {
  /** @param {string} kind */
  function read(kind) {
    const type = `application/vnd.jupyter.widget-${kind}+json`;
    const scripts = [...document.querySelectorAll(`script[type="${type}"]`)];
    return scripts.map((script) => ({ script, data: JSON.parse(script.textContent ?? "") }));
  }

  /**
   * @param {any} saved
   * @returns {Model & { send(): void }}
   */
  function createModel({ state, buffers = [] }) {
    const events = new EventTarget();
    state.kernel = false;
    for (const { path, data } of buffers) {
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      let owner = state;
      for (const key of path.slice(0, -1)) owner = owner[key];
      owner[path.at(-1)] = new DataView(bytes.buffer);
    }
    return {
      get: (key) => state[key],
      set(key, value) {
        if (state[key] === value) return;
        state[key] = value;
        for (const name of [`change:${key}`, "change"]) events.dispatchEvent(new Event(name));
      },
      save_changes() {},
      send() {},
      on: (name, listener) => events.addEventListener(name, listener),
      off: (name, listener) => events.removeEventListener(name, listener),
    };
  }

  /**
   * What a module without imports exports by default. It runs as an inline script: the policies of
   * some sites allow no `blob:` address, which `import` would need.
   * @param {string} module
   * @returns {{ render(view: { model: Model, el: HTMLElement }): any }}
   */
  function runScript(module) {
    const body = module.replace(/^export default /m, "return ");
    const script = document.createElement("script");
    script.textContent = `globalThis.l7view = (() => { "use strict";\n${body}\n})();`;
    document.head.append(script);
    script.remove();
    return /** @type {any} */ (globalThis).l7view;
  }

  /** @type {HTMLElement[]} */
  const shown = [];

  /**
   * @param {Element} script
   * @param {Model} model
   */
  async function show(script, model) {
    const el = document.createElement("div");
    const style = document.createElement("style");
    style.textContent = model.get("_css");
    el.append(style);
    const view = runScript(model.get("_esm"));
    script.before(el);
    shown.push(el);
    el.dataset.index = String(shown.length);
    await view.render({ model, el });
    const still = el.previousElementSibling; // the picture in its place; paper shows it again
    if (!(still instanceof HTMLImageElement)) return;
    still.hidden = true;
    el.className = "l7-live";
  }

  function followAddress() {
    const link = new URLSearchParams(location.hash.slice(1));
    const index = link.get("explorer");
    for (const el of shown) {
      if (index && el.dataset.index !== index) continue;
      el.dispatchEvent(new CustomEvent("l7-link", { detail: link }));
    }
  }

  const saved = Object.assign({}, ...read("state").map(({ data }) => data.state));
  /** @type {Record<string, Model>} */
  const models = {};
  for (const { script, data } of read("view")) {
    const id = data.model_id;
    if (saved[id]?.model_name !== "AnyModel") continue;
    models[id] ??= createModel(saved[id]);
    await show(script, models[id]);
  }
  addEventListener("hashchange", followAddress);
  followAddress();
})();
