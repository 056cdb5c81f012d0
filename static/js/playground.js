// The playground without this file still works: it adds a counter, a shortcut, and a guard against double clicks.
"use strict";

const order = document.getElementById("order");
const prompt = document.getElementById("prompt");
const count = document.getElementById("count");
const button = order.querySelector("button.button");
const token = order.elements.order_token;

function showCount() {
  // By code points, as the server counts: an emoji is one.
  const length = [...prompt.value].length;
  const most = Number(prompt.dataset.most);
  count.textContent = `${length} / ${most}`;
  count.classList.toggle("over", length > most);
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

prompt.addEventListener("input", showCount);
showCount();

document.getElementById("shortcut").hidden = false;
order.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) {
    event.preventDefault();
    order.requestSubmit(button);
  }
});

order.addEventListener("submit", () => {
  // After this event, or the browser would not send the form.
  setTimeout(() => { button.disabled = true; });
});

window.addEventListener("pageshow", (event) => {
  // Somebody who comes back to a kept page wants another image, not the one that was ordered from it.
  if (event.persisted) {
    button.disabled = false;
    token.value = newToken();
  }
});
