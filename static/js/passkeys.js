// Passkeys: asks the browser for one and sends what it gives. What is asked for stands in the form's `data-options`, or is
// fetched from where the form leads. Without this file people sign in with their password and a code.
"use strict";

const api = window.webauthnJSON;

function optionsOf(form) {
  return JSON.parse(form.dataset.options);
}

async function fetchedOptions(form) {
  const response = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return (await response.json()).request_options;
}

function creationOptions(form) {
  const options = optionsOf(form);
  const alone = form.elements.passwordless.checked;
  Object.assign(options.publicKey.authenticatorSelection, {
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    userVerification: alone ? "required" : "preferred",
  });
  return options;
}

const ways = {
  "sign-in": async (form) => api.get(await fetchedOptions(form)),
  authenticate: (form) => api.get(optionsOf(form)),
  add: (form) => api.create(creationOptions(form)),
};

function prepare(form) {
  const button = form.querySelector("button");
  const problem = form.querySelector("[data-problem]");
  form.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await ways[form.dataset.passkey](form));
      form.submit();
    } catch {
      // Refused by the person or the device: browsers do not tell which.
      problem.textContent = problem.dataset.problem;
      problem.hidden = false;
      button.disabled = false;
    }
  });
  // Enter in a field would send the form without a passkey.
  form.addEventListener("submit", (event) => {
    if (!form.elements.credential.value) {
      event.preventDefault();
      button.click();
    }
  });
}

if (api.supported()) document.querySelectorAll("form[data-passkey]").forEach(prepare);
