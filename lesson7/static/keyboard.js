// Keys pressed in an explorer are the explorer's, not shortcuts of JupyterLab or Notebook.

const SUPPRESS = "data-lm-suppress-shortcuts"; // Lumino ignores keys of an element with it

/** @param {KeyboardEvent} event */
function isBrowserShortcut({ ctrlKey, metaKey, key }) {
  const isOwn = ["z", "y", "v"].includes(key.toLowerCase()); // undo, redo, paste a photo
  return (ctrlKey || metaKey) && !isOwn; // Ctrl+S still saves the notebook
}

/**
 * Takes arrow keys, digits and letters pressed in `root` from the page's shortcuts.
 *
 * JupyterLab listens in the bubbling phase, where an event can be stopped. Notebook 7 listens on
 * the document in the capture phase; only a listener of the window hears a key before it.
 * @param {HTMLElement} root
 * @returns {() => void} removes the listeners
 */
export function captureKeys(root) {
  /** @param {KeyboardEvent} event */
  function stop(event) {
    if (!isBrowserShortcut(event)) event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  function suppress(event) {
    const [control] = event.composedPath();
    if (!(control instanceof Element) || !root.contains(control)) return;
    control.toggleAttribute(SUPPRESS, !isBrowserShortcut(event));
  }

  root.addEventListener("keydown", stop);
  window.addEventListener("keydown", suppress, true);
  return () => {
    root.removeEventListener("keydown", stop);
    window.removeEventListener("keydown", suppress, true);
  };
}
