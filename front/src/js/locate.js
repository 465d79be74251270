// "Near me": asks the device where it is, rounds to a hundred metres or so, and sends the form; with `data-keep` it only
// fills the field.
import { announce } from './toasts.js';

for (const button of document.querySelectorAll('[data-locate]')) if (navigator.geolocation) button.hidden = false;

document.addEventListener('htmx:after:swap', () => {
  for (const button of document.querySelectorAll('[data-locate]')) if (navigator.geolocation) button.hidden = false;
});

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-locate]');
  if (!button) return;
  button.setAttribute('aria-busy', 'true');
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      const field = document.getElementById(button.dataset.locate);
      field.value = `${coords.latitude.toFixed(3)},${coords.longitude.toFixed(3)}`;
      button.removeAttribute('aria-busy');
      if (button.dataset.keep === undefined) field.form.requestSubmit();
      else field.dispatchEvent(new Event('input', { bubbles: true }));
    },
    () => {
      button.removeAttribute('aria-busy');
      announce('unlocated');
    },
    { timeout: 10_000, maximumAge: 600_000 },
  );
});
