// What counts down or ages while the page stands open. The server's clock counts: data-now is its time when it drew the
// page, so a device whose clock is wrong does not matter.
const served = Date.parse(document.documentElement.dataset.now ?? '');
const ahead = Number.isNaN(served) ? 0 : served - Date.now();
const now = () => Date.now() + ahead;

const parted = (count, between) => `${Math.floor(count / 60)}${between}${String(count % 60).padStart(2, '0')}`;

function countdown(element) {
  const left = Math.max(0, Math.round((Date.parse(element.dateTime) - now()) / 1000));
  const pill = element.closest('.timer');
  element.textContent = left < 3600 ? parted(left, ':') : `${parted(Math.floor(left / 60), ' h ')} min`;
  pill?.toggleAttribute('data-soon', left <= 120 && left > 0);
  if (left === 0 && element.dataset.over === undefined) {
    element.dataset.over = '';
    pill?.setAttribute('data-over', '');
    element.dispatchEvent(new CustomEvent('over', { bubbles: true }));
  }
  // A screen reader hears the minutes that matter, not every second.
  const said = { 300: 'five', 60: 'one' }[left];
  const line = said && pill?.querySelector('[role="status"]');
  if (line) line.textContent = line.dataset[said];
}

const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

function age(element) {
  const seconds = (Date.parse(element.dateTime) - now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  if (unit === 'second') return;
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' });
  element.textContent = words.format(Math.trunc(seconds / size), unit);
}

let ticks = 0;
function tick() {
  document.querySelectorAll('time[data-countdown]').forEach(countdown);
  if (ticks % 30 === 0) document.querySelectorAll('time[data-age]').forEach(age);
  ticks += 1;
}

setInterval(tick, 1000);
tick();
