// Brings anywidget models that a page carries to life, with no kernel and no network:
// reads the standard widget-state scripts and renders a view where each widget-view script stands.
// `#t=0.42&kind=batch` in the address sets the first control of that name, if it can take that value.
(async () => {
  const scripts = (kind) => [...document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${kind}+json"]`)];
  const saved = Object.assign({}, ...scripts("state").map((s) => JSON.parse(s.textContent).state));
  const models = {};

  function revive(id) {
    const { state, buffers = [] } = saved[id], heard = {};
    for (const { path, data } of buffers) {
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      path.slice(0, -1).reduce((at, key) => at[key], state)[path.at(-1)] = new DataView(bytes.buffer);
    }
    return {
      get: (key) => state[key],
      set(key, value) {
        if (state[key] === value) return;
        state[key] = value;
        for (const fn of [...(heard[`change:${key}`] ?? []), ...(heard.change ?? [])]) fn();
      },
      save_changes() {},
      send() {},
      on: (name, fn) => (heard[name] ??= []).push(fn),
      off: (name, fn) => { heard[name] = (heard[name] ?? []).filter((f) => f !== fn); },
    };
  }

  for (const script of scripts("view")) {
    const id = JSON.parse(script.textContent).model_id;
    if (saved[id]?.model_name !== "AnyModel") continue;
    const model = (models[id] ??= revive(id)), el = document.createElement("div"), style = document.createElement("style");
    style.textContent = model.get("_css");
    el.append(style);
    const { default: view } = await import(URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" })));
    script.before(el);
    await view.render({ model, el });
    const still = el.previousElementSibling; // the picture that stood in for the view; paper shows it again
    if (still?.matches("img")) still.hidden = el.className = "l7-live";
  }

  function follow() {
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const control = document.querySelector(`[data-trait="${CSS.escape(name)}"]`), old = control?.value;
      if (!control || old === value) continue;
      control.value = value;
      if (control.value !== value || control.validity?.valid === false) control.value = old;
      else for (const kind of ["input", "change"]) control.dispatchEvent(new Event(kind));
    }
  }
  addEventListener("hashchange", follow);
  follow();
})();
