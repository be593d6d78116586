// Makes the pictures of the first page's gallery move: each once when it comes into view, and while
// its card has the pointer or the keyboard's focus. A moving picture is loaded when it is first
// shown. Readers who prefer reduced motion see still pictures.

{
  const ROUND = 4800; // ms, as in `docs/gallery.py`
  const MOST_IN_VIEW = 0.6; // share of a picture that is in view before it moves
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

  /**
   * @param {Element} card
   * @param {HTMLImageElement} image in the card
   */
  function moveCard(card, image) {
    const still = image.src;
    const name = still.slice(still.lastIndexOf("/") + 1);
    const moving = new URL(`gallery/${name}`, script.src).href;
    const reasons = new Set(); // to move: "round", "pointer", "focus"

    async function draw() {
      const file = new Image();
      file.src = moving;
      await file.decode();
      if (reasons.size) image.src = moving;
    }

    /** @param {string} reason */
    async function start(reason) {
      if (reducedMotion.matches) return;
      reasons.add(reason);
      await draw().catch(() => {}); // without the file, the picture stays still
    }

    /** @param {string} reason */
    function stop(reason) {
      reasons.delete(reason);
      if (!reasons.size) image.src = still;
    }

    card.addEventListener("pointerenter", () => start("pointer"));
    card.addEventListener("pointerleave", () => stop("pointer"));
    card.addEventListener("focusin", () => start("focus"));
    card.addEventListener("focusout", () => stop("focus"));
    reducedMotion.addEventListener("change", () => {
      for (const reason of [...reasons]) stop(reason);
    });

    const observer = new IntersectionObserver(
      ([{ isIntersecting }]) => {
        if (!isIntersecting) return;
        observer.disconnect();
        start("round").then(() => setTimeout(() => stop("round"), ROUND));
      },
      { threshold: MOST_IN_VIEW },
    );
    observer.observe(image);
  }

  for (const card of document.querySelectorAll(".gallery .card")) {
    const image = card.querySelector("img");
    if (image) moveCard(card, image);
  }
}
