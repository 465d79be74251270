// htmx, held to the content security policy: fragments reach the page through one named trusted-types policy, and what
// is written in attributes is never evaluated.
import htmx from 'htmx.org/dist/htmx.esm.js';
import { announce } from './toasts.js';

window.htmx = htmx;

if (window.trustedTypes) {
  const policy = window.trustedTypes.createPolicy('htmx', { createHTML: (text) => text });
  const refuse = () => {
    throw new Error('Nothing in an attribute is evaluated here.');
  };
  htmx.registerExtension('trusted', { init: (api) => api.initSecurity(policy, refuse, refuse) });
}

const bar = document.createElement('div');
bar.className = 'progress-bar';
document.documentElement.append(bar);
let waiting = 0;

document.addEventListener('htmx:before:request', () => {
  waiting += 1;
  bar.dataset.on = '';
});

document.addEventListener('htmx:finally:request', () => {
  waiting = Math.max(0, waiting - 1);
  if (waiting === 0) delete bar.dataset.on;
});

// No answer at all: the line is cut or the server is gone. Refusals come as fragments and need nothing here.
document.addEventListener('htmx:error', (event) => {
  if (event.detail?.ctx && !event.detail.ctx.response) announce('unreachable');
});

// What a form was refused for is beside its fields: go to the first of them.
document.addEventListener('htmx:after:swap', (event) => {
  const { ctx } = event.detail;
  const status = ctx?.response?.status;
  if (!(status >= 400 && status < 500)) return;
  const target = typeof ctx.target === 'string' ? document.querySelector(ctx.target) : ctx.target;
  (target?.isConnected ? target : document).querySelector('[aria-invalid="true"]')?.focus();
});
