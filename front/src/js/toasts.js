// Toasts are drawn by the server, in the page or beside a fragment. Here they leave: after a while, unless somebody is
// reading or about to press Undo, or when closed.
const SHOWN_MS = 7000;
const list = () => document.getElementById('toasts');

function leave(toast) {
  toast.dataset.leaving = '';
  setTimeout(() => toast.remove(), 200);
}

function watch(toast) {
  if (toast.dataset.watched !== undefined) return;
  toast.dataset.watched = '';
  let timer;
  const start = () => {
    timer = setTimeout(() => leave(toast), SHOWN_MS);
  };
  const stop = () => clearTimeout(timer);
  if (toast.dataset.stay === undefined) {
    start();
    toast.addEventListener('pointerenter', stop);
    toast.addEventListener('pointerleave', start);
    toast.addEventListener('focusin', stop);
    toast.addEventListener('focusout', start);
  }
  toast.querySelector('[data-close]')?.addEventListener('click', () => leave(toast));
}

/** Show the toast that the page keeps in <template id="toast-NAME">. */
export function announce(name) {
  const template = document.getElementById(`toast-${name}`);
  if (!template || list()?.querySelector(`[data-name="${name}"]`)) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.dataset.name = name;
  list()?.append(toast);
}

function begin() {
  if (!list()) return;
  const watchAll = () => list().querySelectorAll('.toast').forEach(watch);
  new MutationObserver(watchAll).observe(list(), { childList: true });
  watchAll();
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin);
else begin();
