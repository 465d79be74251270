// Light, dark, or as the system has it: kept in a cookie that the server reads, so that the first paint is right.
import { remember } from './cookie.js';

document.addEventListener('submit', (event) => {
  const form = event.target.closest('[data-theme-form]');
  const chosen = event.submitter?.value;
  if (!form || !['light', 'dark', 'system'].includes(chosen)) return;
  event.preventDefault();
  remember('theme', chosen);
  document.documentElement.dataset.theme = chosen;
  for (const button of document.querySelectorAll('[data-theme-form] button')) {
    button.setAttribute('aria-pressed', String(button.value === chosen));
  }
  document.dispatchEvent(new CustomEvent('themechange'));
});
