// The playground without this file still works: it adds a counter, prices, dice and lock for the seed, a shortcut, a
// guard against double clicks, and a word when the shop cannot be reached.
"use strict";

const order = document.getElementById("order");
const prompt = document.getElementById("prompt");
const count = document.getElementById("count");
const seed = document.getElementById("seed");
const lock = document.getElementById("lock");
const button = document.getElementById("make");
const token = order.elements.order_token;
const trouble = document.getElementById("trouble");
const MOST_SEED = 2147483647;

// --- The prompt ----------------------------------------------------------------------------------

function showCount() {
  // By code points, as the server counts: an emoji is one.
  const length = [...prompt.value].length;
  const most = Number(prompt.dataset.most);
  count.textContent = `${length} / ${most}`;
  count.classList.toggle("over", length > most);
}

prompt.addEventListener("input", showCount);
showCount();

// --- The seed ------------------------------------------------------------------------------------

function setSeed(text) {
  seed.value = text;
  showLock();
}

function showLock() {
  lock.setAttribute("aria-pressed", String(seed.value.trim() !== ""));
}

function roll() {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  setSeed(String(number % (MOST_SEED + 1)));
}

seed.addEventListener("input", showLock);
document.getElementById("dice").addEventListener("click", roll);
lock.addEventListener("click", () => {
  if (seed.value.trim()) return setSeed("");
  const drawn = document.getElementById("task")?.dataset.seed; // of the image that is shown
  if (drawn) setSeed(drawn);
  else roll();
});
showLock();

// --- The price -----------------------------------------------------------------------------------

function showPrice() {
  const { n, model, mode } = order.elements;
  const chosen = model.selectedOptions ? model.selectedOptions[0] : model;
  const total = mode.value === "test" ? 0 : Number(n.value) * Number(chosen.dataset.credits);
  const words = document.querySelector(`#prices [data-for="${n.value}x${total}"]`);
  if (!words) return; // who may not order sees none
  const [label, left] = words.content.cloneNode(true).children;
  document.getElementById("price").replaceChildren(...label.childNodes);
  document.getElementById("after").replaceChildren(...left.childNodes);
}

order.addEventListener("change", showPrice);
document.addEventListener("htmx:afterSettle", showPrice); // the balance may be another now

// --- Ordering ------------------------------------------------------------------------------------

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const shortcut = document.getElementById("shortcut");
if (/Mac|iPhone|iPad/.test(navigator.platform)) shortcut.textContent = shortcut.dataset.mac;
shortcut.hidden = false;
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
  // Browsers fill forms as they were left, without telling.
  showCount();
  showLock();
  showPrice();
});

// --- While it is made ----------------------------------------------------------------------------

// Asking goes on by itself: each second, whatever became of the time before.
if (trouble) {
  const say = (words) => { if (trouble.textContent !== words) trouble.textContent = words; };
  for (const name of ["sendError", "timeout", "responseError"]) {
    document.addEventListener(`htmx:${name}`, () => say(trouble.dataset.words));
  }
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) say(""); });
}
