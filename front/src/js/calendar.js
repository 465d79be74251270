// Arrow keys walk through the days of a calendar, over those without times; one day at a time takes the tab stop.
const STEP = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 7, ArrowUp: -7 };
const LOOKAHEAD_DAYS = 42;

document.addEventListener('keydown', (event) => {
  const day = event.target.closest?.('.calendar .day[data-date]');
  const step = STEP[event.key];
  if (!day || !step) return;
  event.preventDefault();
  const date = new Date(`${day.dataset.date}T12:00:00Z`);
  for (let tried = 0; tried < LOOKAHEAD_DAYS; tried += Math.abs(step)) {
    date.setUTCDate(date.getUTCDate() + step);
    const next = day.closest('table').querySelector(`a[data-date="${date.toISOString().slice(0, 10)}"]`);
    if (!next) continue;
    day.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    return;
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key === ' ' && event.target.matches?.('.calendar a.day')) {
    event.preventDefault();
    event.target.click();
  }
});
