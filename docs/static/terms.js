// Shows a glossary term's definition in a card beside its link, on hover and on keyboard focus.
// Escape closes the card; the pointer may move onto it.

const CARD_GAP = 6; // px
const CLOSE_DELAY = 200; // ms, in which the pointer may reach the card

const card = document.createElement("div");
card.id = "term-card";
card.setAttribute("role", "tooltip");
card.hidden = true;
let closing = 0;

/** @param {HTMLAnchorElement} link */
function open(link) {
  clearTimeout(closing);
  card.textContent = link.dataset.definition ?? "";
  card.hidden = false;
  const box = link.getBoundingClientRect();
  const most = document.documentElement.clientWidth - card.offsetWidth - CARD_GAP;
  card.style.left = `${Math.max(CARD_GAP, Math.min(box.left, most)) + scrollX}px`;
  card.style.top = `${box.bottom + CARD_GAP + scrollY}px`;
  link.setAttribute("aria-describedby", card.id);
}

function close() {
  card.hidden = true;
  document.querySelector("[aria-describedby='term-card']")?.removeAttribute("aria-describedby");
}

function closeSoon() {
  clearTimeout(closing);
  closing = setTimeout(close, CLOSE_DELAY);
}

addEventListener("DOMContentLoaded", () => {
  const links = document.querySelectorAll("a.term-link");
  if (!links.length) return;
  document.body.append(card);
  card.addEventListener("pointerenter", () => clearTimeout(closing));
  card.addEventListener("pointerleave", closeSoon);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  for (const node of links) {
    const link = /** @type {HTMLAnchorElement} */ (node);
    // The browser's own tooltip would cover the card.
    link.dataset.definition = link.title;
    link.removeAttribute("title");
    link.addEventListener("pointerenter", () => open(link));
    link.addEventListener("focus", () => open(link));
    link.addEventListener("pointerleave", closeSoon);
    link.addEventListener("blur", close);
  }
});
