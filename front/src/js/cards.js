// The checkout: the card fields are the processor's, in its frame. Before the form is sent the frame is asked for the
// card's id; what is typed there never comes here. What the form is answered is swapped in by htmx.
import { mounted } from './elements.js';
import { hear, load, tell, theme } from './frames.js';

const READY_MS = 15_000;
const CARD_MS = 30_000;
const HEIGHT_MAX = 900;
const box = document.querySelector('[data-card-frame]');
const form = () => document.getElementById('pay');
const button = () => document.querySelector('#pay-act button');
let submitter;
let late;

function busy(on) {
  if (on) button()?.setAttribute('aria-busy', 'true');
  else button()?.removeAttribute('aria-busy');
}

function begin(event) {
  document.querySelector('[data-card-silent]').hidden = true;
  clearTimeout(late);
  late = setTimeout(silent, READY_MS);
  fields.begin(Boolean(event));
}

function silent() {
  clearTimeout(late);
  submitter = undefined;
  busy(false);
  document.querySelector('[data-card-silent]').hidden = false;
}

const heard = {
  ready: () => clearTimeout(late),
  height: ({ height }) => {
    if (Number.isFinite(height)) box.querySelector('iframe').style.height = `${Math.min(Math.ceil(height), HEIGHT_MAX)}px`;
  },
  // Another card than the one that was handed out: its id is no longer what is typed.
  change: () => {
    if (!submitter && form()) form().elements.card.value = '';
  },
  enter: () => form()?.requestSubmit(button()),
  card: ({ id }) => {
    clearTimeout(late);
    if (!submitter || typeof id !== 'string') return;
    const by = submitter;
    submitter = undefined;
    form().elements.card.value = id;
    busy(false);
    form().requestSubmit(by);
  },
  problem: () => {
    clearTimeout(late);
    submitter = undefined;
    busy(false);
    box.scrollIntoView({ block: 'center', behavior: 'smooth' });
  },
};

const framed = {
  begin: () => load(box),
  ask: (name, email) => tell(box, { type: 'submit', name, email }),
  recolour: () => tell(box, { type: 'theme', theme: theme() }),
};
const fields = box?.dataset.key ? mounted(box, heard) : framed;

// Before htmx hears of it: without a card there is nothing to send yet. One that is kept has its id already.
function sent(event) {
  if (event.target !== form() || form().elements.card.value || form().elements.saved?.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (submitter) return;
  submitter = event.submitter ?? button();
  busy(true);
  clearTimeout(late);
  late = setTimeout(silent, CARD_MS);
  const { name, email } = form().elements;
  fields.ask(name?.value ?? '', email?.value ?? '');
}

// The answer is in the page: to what it says, or to the first field that does not fit.
function answered(event) {
  const { ctx } = event.detail;
  if (ctx?.sourceElement?.id !== 'pay' && !ctx?.sourceElement?.closest?.('#pay-answer')) return;
  const wrong = form()?.querySelector('[aria-invalid="true"], [data-focus]');
  if (wrong) wrong.focus();
}

// Nothing came back, and nobody knows whether the server heard: ask it, with the same ids, before anything else.
function unheard(event) {
  const { ctx } = event.detail ?? {};
  if (!ctx || ctx.response) return;
  const answer = document.getElementById('pay-answer');
  if (ctx.sourceElement?.id === 'pay') {
    setTimeout(() => answer?.querySelector('[data-ask]')?.dispatchEvent(new CustomEvent('ask')), 2000);
  } else if (answer?.contains(ctx.sourceElement)) {
    answer.querySelector('[data-unheard]').hidden = false;
  }
}

// The hold ran out: see what the server makes of it, unless a payment is on its way.
let last = 0;
function over(event) {
  const checkout = document.getElementById('checkout');
  if (!checkout?.contains(event.target) || submitter || button()?.getAttribute('aria-busy') || Date.now() - last < 4000) return;
  last = Date.now();
  checkout.dispatchEvent(new CustomEvent('ended'));
}

if (box) {
  if (fields === framed) hear(() => box, (message) => heard[message.type]?.(message));
  document.addEventListener('submit', sent, true);
  document.addEventListener('htmx:after:swap', answered);
  document.addEventListener('htmx:error', unheard);
  document.addEventListener('over', over);
  document.querySelector('[data-card-again]').addEventListener('click', begin);
  document.addEventListener('themechange', fields.recolour);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', fields.recolour);
  // A page from the browser's memory shows what was; the server knows what is.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  document.querySelector('[data-card-needs]').remove();
  begin();
}
