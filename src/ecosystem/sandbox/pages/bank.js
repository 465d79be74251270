"use strict";
// The fields of a bank account. What is typed here goes to the processor only; the embedding page gets an id.
(() => {
  const root = document.documentElement;
  const embedder = root.dataset.embedder;
  const form = document.getElementById("bank");
  const inputs = Object.fromEntries(["name", "routing", "account"].map((name) => [name, document.getElementById(name)]));
  let busy = false;
  let told = "";

  const tell = (message) => {
    if (window.parent !== window && embedder) {
      window.parent.postMessage({ source: "ecosystem-cards", ...message }, embedder);
    }
  };
  const digits = (text) => text.replace(/\D/g, "");

  // The check digit of an ABA routing number: weights 3, 7, 1.
  const isRouting = (text) => [...text].reduce((sum, digit, place) => sum + Number(digit) * [3, 7, 1][place % 3], 0) % 10 === 0;

  const PROBLEMS = {
    name: () => (inputs.name.value.trim() ? "" : "Enter the name on the account."),
    routing() {
      const text = digits(inputs.routing.value);
      if (!text) return "Enter the routing number.";
      if (text.length !== 9) return "A routing number has nine digits.";
      return isRouting(text) ? "" : "The routing number is not right. Check its digits.";
    },
    account() {
      const text = digits(inputs.account.value);
      if (!text) return "Enter the account number.";
      return text.length >= 4 && text.length <= 17 ? "" : "An account number has 4 to 17 digits.";
    },
  };

  function height() {
    tell({ type: "height", height: Math.ceil(document.querySelector("main").getBoundingClientRect().height) });
  }

  function show(name, message) {
    document.getElementById(`${name}-problem`).textContent = message;
    if (inputs[name]) {
      if (message) inputs[name].setAttribute("aria-invalid", "true");
      else inputs[name].removeAttribute("aria-invalid");
    }
    height();
  }

  function changed() {
    const complete = Object.values(PROBLEMS).every((check) => !check());
    if (String(complete) === told) return;
    told = String(complete);
    tell({ type: "change", complete, brand: "us_bank_account" });
  }

  const FIELDS = {
    "us_bank_account[routing_number]": "routing",
    "us_bank_account[account_number]": "account",
    "billing_details[name]": "name",
  };

  function refused(error) {
    const field = FIELDS[error.param] || "form";
    show(field, error.message);
    if (inputs[field]) inputs[field].focus();
    tell({ type: "problem", field, code: error.code || "", message: error.message });
  }

  async function submit(details) {
    if (busy) return;
    show("form", "");
    const wrong = Object.keys(PROBLEMS).filter((name) => {
      show(name, PROBLEMS[name]());
      return PROBLEMS[name]();
    });
    if (wrong.length) {
      inputs[wrong[0]].focus();
      tell({ type: "problem", field: wrong[0], code: "incomplete", message: PROBLEMS[wrong[0]]() });
      return;
    }
    const body = new URLSearchParams({
      type: "us_bank_account",
      "us_bank_account[routing_number]": digits(inputs.routing.value),
      "us_bank_account[account_number]": digits(inputs.account.value),
      "us_bank_account[account_type]": form.elements.kind.value,
      "billing_details[name]": inputs.name.value.trim().slice(0, 256),
    });
    if (typeof details.email === "string" && details.email) body.set("billing_details[email]", details.email.slice(0, 256));
    busy = true;
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch("/v1/payment_methods", {
        method: "POST",
        headers: { Authorization: `Bearer ${root.dataset.key}` },
        body,
      });
      const made = await answer.json();
      if (made.error) return refused(made.error);
      if (typeof details.setup !== "string" || !details.setup) {
        const bank = made.us_bank_account;
        return tell({ type: "bank", id: made.id, bank: bank.bank_name, last4: bank.last4 });
      }
      const kept = await sandboxKeep(root.dataset.key, made, details.setup);
      if (kept.error) refused(kept.error);
      else tell(kept.told);
    } catch {
      refused({ message: "The processor does not answer. Try again." });
    } finally {
      busy = false;
      form.removeAttribute("aria-busy");
    }
  }

  for (const [name, input] of Object.entries(inputs)) {
    input.addEventListener("input", () => {
      if (input.hasAttribute("aria-invalid")) show(name, PROBLEMS[name]());
      changed();
    });
    input.addEventListener("blur", () => {
      if (input.value) show(name, PROBLEMS[name]());
    });
  }
  for (const sample of document.querySelectorAll("[data-account]")) {
    sample.addEventListener("click", () => {
      inputs.routing.value = "110000000";
      inputs.account.value = sample.dataset.account;
      if (!inputs.name.value) inputs.name.value = "Jenny Rosen";
      for (const name of Object.keys(inputs)) show(name, "");
      changed();
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tell({ type: "enter" });
  });
  document.querySelector("details").addEventListener("toggle", height);

  window.addEventListener("message", (event) => {
    if (event.origin !== embedder || event.source !== window.parent || typeof event.data !== "object" || !event.data) return;
    if (event.data.type === "submit") submit(event.data);
    if (event.data.type === "focus") inputs.name.focus();
    if (event.data.type === "theme") root.className = event.data.theme === "dark" ? "dark" : "light";
    if (event.data.type === "clear") {
      form.reset();
      for (const name of [...Object.keys(inputs), "form"]) show(name, "");
      changed();
    }
  });

  if (window.parent === window) document.body.classList.add("alone");
  new ResizeObserver(height).observe(document.querySelector("main"));
  tell({ type: "ready" });
  height();
})();
