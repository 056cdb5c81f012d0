// Buttons that copy what stands in another element: `data-copies` is its id. Without this file it is selected by hand.
// Also for buttons that come later, in a fragment.
"use strict";

const SHOWN_MS = 2000;

function reveal() {
  if (!navigator.clipboard) return; // only where the page came safely
  for (const button of document.querySelectorAll("[data-copies][hidden]")) button.hidden = false;
}

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    // Refused, or no clipboard here: shown and selected, it is one key away.
    source.closest("details")?.setAttribute("open", "");
    select(source);
    return;
  }
  if (button.dataset.said) return;
  const [...before] = button.childNodes;
  button.dataset.said = "yes";
  button.textContent = button.dataset.done;
  setTimeout(() => {
    button.replaceChildren(...before);
    delete button.dataset.said;
  }, SHOWN_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copies]");
  if (button) copy(button);
});
document.addEventListener("htmx:afterSettle", reveal);
reveal();
