// Forms work as they are. Here they do not send twice, show what a slider says, and warn before work is lost.

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === 'dialog') return;
  const asked = [...form.attributes].some(({ name }) => /^hx-(get|post|put|patch|delete)$/.test(name));
  if (asked) return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  if (form.method === 'post') {
    form.dataset.sent = '';
    (event.submitter ?? form.querySelector('button:not([type="button"])'))?.setAttribute('aria-busy', 'true');
  }
  delete form.dataset.changed;
});

// The page comes back whole from the back-forward cache, busy button and all.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  for (const button of document.querySelectorAll('button[aria-busy]')) button.removeAttribute('aria-busy');
});

document.addEventListener('htmx:before:request', (event) => submitter(event)?.setAttribute('aria-busy', 'true'));
document.addEventListener('htmx:finally:request', (event) => submitter(event)?.removeAttribute('aria-busy'));

function submitter(event) {
  const { sourceElement, sourceEvent } = event.detail?.ctx ?? {};
  if (sourceEvent?.type !== 'submit') return undefined;
  const button = sourceEvent.submitter ?? sourceElement?.querySelector('button:not([type="button"])');
  return button?.classList.contains('btn') ? button : undefined;
}

document.addEventListener('input', (event) => {
  const field = event.target;
  if (field.form?.dataset.guard !== undefined) field.form.dataset.changed = '';
  if (field.getAttribute?.('aria-invalid') === 'true') field.removeAttribute('aria-invalid');
  for (const output of document.querySelectorAll(`output[for="${CSS.escape(field.id || '-')}"]`)) show(output, field);
});

function show(output, field) {
  const { currency, exponent, of } = output.dataset;
  if (currency) {
    const amount = Number(field.value) / 10 ** Number(exponent);
    const digits = { minimumFractionDigits: 0, maximumFractionDigits: Number(exponent) };
    output.textContent = new Intl.NumberFormat(document.documentElement.lang, { style: 'currency', currency, ...digits }).format(amount);
  } else if (of) {
    output.textContent = `${[...field.value].length} / ${of}`;
  } else {
    output.textContent = field.value;
  }
}

addEventListener('beforeunload', (event) => {
  if (document.querySelector('form[data-guard][data-changed]')) event.preventDefault();
});

document.addEventListener('change', (event) => {
  if (event.target.dataset?.send !== undefined) event.target.form?.requestSubmit();
});

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('button[data-reveal]');
  if (!button) return;
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === 'text';
  field.type = shown ? 'password' : 'text';
  button.setAttribute('aria-pressed', String(!shown));
});

// A slider at its end limits nothing: what it would say is left out.
document.addEventListener('htmx:config:request', (event) => {
  const { body } = event.detail.ctx.request;
  for (const slider of document.querySelectorAll('input[type="range"][data-most]')) {
    if (slider.value === slider.dataset.most) body.delete(slider.name);
  }
});
