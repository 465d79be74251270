// Copies or shares an address, or copies what stands before the button, and says so.
import { announce } from './toasts.js';

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy], [data-copy-before], [data-share]');
  if (!button) return;
  event.preventDefault();
  const before = button.dataset.copyBefore === undefined ? '' : button.previousElementSibling.textContent;
  const text = before || button.dataset.copy || location.href;
  if (button.dataset.share !== undefined && navigator.share) {
    await navigator.share({ title: document.title, url: text }).catch(() => {});
    return;
  }
  await navigator.clipboard.writeText(text);
  announce('copied');
});
