"use strict";
// The card fields. What is typed here goes to the processor only; the embedding page gets an id.
(() => {
  const root = document.documentElement;
  const embedder = root.dataset.embedder;
  const form = document.getElementById("card");
  const inputs = Object.fromEntries(["number", "expiry", "cvc"].map((name) => [name, document.getElementById(name)]));
  const badge = document.getElementById("brand");
  const SCHEMES = [
    { name: "amex", shown: "Amex", prefix: /^3[47]/, lengths: [15], groups: [4, 6, 5], cvc: 4 },
    { name: "diners", shown: "Diners", prefix: /^3(0[0-5]|[689])/, lengths: [14, 16], groups: [4, 6, 6], cvc: 3 },
    { name: "discover", shown: "Discover", prefix: /^6(011|4[4-9]|5)/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
    { name: "jcb", shown: "JCB", prefix: /^35(2[89]|[3-8])/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
    { name: "unionpay", shown: "UnionPay", prefix: /^(62|81)/, lengths: [16, 17, 18, 19], groups: [4, 4, 4, 4, 3], cvc: 3 },
    { name: "mastercard", shown: "Mastercard", prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
    { name: "visa", shown: "Visa", prefix: /^4/, lengths: [13, 16, 19], groups: [4, 4, 4, 4, 3], cvc: 3 },
  ];
  const UNKNOWN = { name: "unknown", shown: "", lengths: [12, 13, 14, 15, 16, 17, 18, 19], groups: [4, 4, 4, 4, 3], cvc: 3 };
  let busy = false;
  let told = "";

  const tell = (message) => {
    if (window.parent !== window && embedder) {
      window.parent.postMessage({ source: "ecosystem-cards", ...message }, embedder);
    }
  };
  const digits = (text) => text.replace(/\D/g, "");
  const scheme = (number = digits(inputs.number.value)) => SCHEMES.find((one) => one.prefix.test(number)) || UNKNOWN;

  function luhn(number) {
    let sum = 0;
    for (let place = 0; place < number.length; place += 1) {
      let digit = Number(number[number.length - 1 - place]);
      if (place % 2) {
        digit *= 2;
        if (digit > 9) digit -= 9;
      }
      sum += digit;
    }
    return sum % 10 === 0;
  }

  function grouped(number, groups) {
    const parts = [];
    let at = 0;
    for (const size of groups) {
      if (at >= number.length) break;
      parts.push(number.slice(at, at + size));
      at += size;
    }
    return parts.join(" ");
  }

  // Rewrites the field, and leaves the caret behind the digit it stood behind.
  function rewrite(input, text) {
    const before = digits(input.value.slice(0, input.selectionStart ?? input.value.length)).length;
    const atEnd = input.selectionStart === input.value.length;
    if (input.value === text) return;
    input.value = text;
    if (atEnd || document.activeElement !== input) return;
    let caret = 0;
    for (let seen = 0; caret < text.length && seen < before; caret += 1) if (/\d/.test(text[caret])) seen += 1;
    input.setSelectionRange(caret, caret);
  }

  const FORMATS = {
    number(input) {
      const number = digits(input.value);
      const known = scheme(number);
      rewrite(input, grouped(number.slice(0, Math.max(...known.lengths)), known.groups));
      badge.textContent = known.shown;
      badge.hidden = !known.shown;
      inputs.cvc.maxLength = known.cvc;
    },
    expiry(input, event) {
      let text = digits(input.value).slice(0, 4);
      // A browser may fill in four digits of the year: 12/2034.
      const whole = input.value.match(/^\s*(\d{1,2})\s*\/\s*(\d{4})\s*$/);
      if (whole) text = whole[1].padStart(2, "0") + whole[2].slice(2);
      if (/^[2-9]/.test(text)) text = `0${text}`.slice(0, 4);
      const erasing = event && event.inputType && event.inputType.startsWith("delete");
      rewrite(input, text.length > 2 || (text.length === 2 && !erasing) ? `${text.slice(0, 2)} / ${text.slice(2)}` : text);
    },
    cvc(input) {
      rewrite(input, digits(input.value).slice(0, scheme().cvc));
    },
  };

  const PROBLEMS = {
    number() {
      const number = digits(inputs.number.value);
      if (!number) return "Enter the card number.";
      if (!scheme(number).lengths.includes(number.length)) return "The card number is not complete.";
      return luhn(number) ? "" : "The card number is not right. Check its digits.";
    },
    expiry() {
      const text = digits(inputs.expiry.value);
      if (!text) return "Enter the expiry date.";
      if (text.length < 4) return "The expiry date is not complete.";
      const month = Number(text.slice(0, 2));
      if (month < 1 || month > 12) return "There is no such month.";
      const now = new Date();
      const ends = new Date(2000 + Number(text.slice(2)), month, 1);
      return ends > now ? "" : "The card has expired.";
    },
    cvc() {
      const text = digits(inputs.cvc.value);
      if (!text) return "Enter the security code.";
      return text.length === scheme().cvc ? "" : `The security code has ${scheme().cvc} digits.`;
    },
  };

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
    const now = `${complete} ${scheme().name}`;
    if (now !== told) {
      told = now;
      tell({ type: "change", complete, brand: scheme().name });
    }
  }

  function height() {
    tell({ type: "height", height: Math.ceil(document.querySelector("main").getBoundingClientRect().height) });
  }

  const FIELDS = { number: "number", exp_month: "expiry", exp_year: "expiry", cvc: "cvc" };

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
    const expiry = digits(inputs.expiry.value);
    const body = new URLSearchParams({
      type: "card",
      "card[number]": digits(inputs.number.value),
      "card[exp_month]": expiry.slice(0, 2),
      "card[exp_year]": `20${expiry.slice(2)}`,
      "card[cvc]": digits(inputs.cvc.value),
    });
    for (const name of ["name", "email"]) {
      if (typeof details[name] === "string" && details[name]) body.set(`billing_details[${name}]`, details[name].slice(0, 256));
    }
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
        return tell({ type: "card", id: made.id, brand: made.card.brand, last4: made.card.last4 });
      }
      const kept = await sandboxKeep(root.dataset.key, made, details.setup);
      if (kept.error) refused(kept.error);
      else tell(kept.told);
    } catch {
      refused({ message: "The card processor does not answer. Try again." });
    } finally {
      busy = false;
      form.removeAttribute("aria-busy");
    }
  }

  for (const [name, input] of Object.entries(inputs)) {
    input.addEventListener("input", (event) => {
      FORMATS[name](input, event);
      if (input.hasAttribute("aria-invalid")) show(name, PROBLEMS[name]());
      changed();
      advance(name, input);
    });
    input.addEventListener("blur", () => {
      if (input.value) show(name, PROBLEMS[name]());
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        tell({ type: "enter" });
      }
    });
  }

  // On to the next field once this one is complete and the caret at its end.
  function advance(name, input) {
    const next = { number: "expiry", expiry: "cvc" }[name];
    const full = name === "number" ? Math.max(...scheme().lengths.filter((length) => length <= 16)) : 4;
    if (next && digits(input.value).length >= full && !PROBLEMS[name]() && input.selectionStart === input.value.length) {
      inputs[next].focus();
    }
  }

  for (const sample of document.querySelectorAll("[data-number]")) {
    sample.addEventListener("click", () => {
      inputs.number.value = sample.dataset.number;
      inputs.expiry.value = `12${String(new Date().getFullYear() + 3).slice(2)}`;
      inputs.cvc.value = "123";
      for (const name of Object.keys(inputs)) {
        FORMATS[name](inputs[name]);
        show(name, "");
      }
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
    if (event.data.type === "focus") inputs.number.focus();
    if (event.data.type === "theme") root.className = event.data.theme === "dark" ? "dark" : "light";
    if (event.data.type === "clear") {
      form.reset();
      for (const name of [...Object.keys(inputs), "form"]) show(name, "");
      FORMATS.number(inputs.number);
      changed();
    }
  });

  if (window.parent === window) document.body.classList.add("alone");
  new ResizeObserver(height).observe(document.querySelector("main"));
  tell({ type: "ready" });
  height();
})();
