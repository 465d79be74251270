// The bank's challenge in a dialog. When it says that it is done, the server asks the processor what became of it.
import { hear, load } from './frames.js';

const box = () => document.querySelector('[data-challenge]');

function open() {
  const dialog = box()?.closest('dialog');
  if (!dialog) return;
  dialog.removeAttribute('data-open-now');
  if (!box().querySelector('iframe').src) load(box());
  if (!dialog.open) dialog.showModal();
}

hear(box, ({ type }, now) => {
  if (type !== 'challenge') return;
  now.closest('dialog').close();
  document.querySelector('#pay-answer [data-ask]').dispatchEvent(new CustomEvent('ask'));
});

document.addEventListener('click', (event) => {
  if (!event.target.closest?.('[data-challenge-open]') || !box()) return;
  event.preventDefault();
  open();
});

document.addEventListener('htmx:after:swap', () => {
  if (box() && !box().querySelector('iframe').src) open();
});
open();
