// The command palette: Ctrl K or Cmd K, then type; arrows and Enter. Without a script the search page does the same.
const palette = document.getElementById('palette');
const field = palette?.querySelector('input');
const options = () => [...palette.querySelectorAll('[role="option"]:not([hidden])')];

function mark(option) {
  for (const other of palette.querySelectorAll('[aria-selected="true"]')) other.setAttribute('aria-selected', 'false');
  if (!option) {
    field.removeAttribute('aria-activedescendant');
    return;
  }
  option.setAttribute('aria-selected', 'true');
  field.setAttribute('aria-activedescendant', option.id);
  option.scrollIntoView({ block: 'nearest' });
}

function narrow() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const option of palette.querySelectorAll('[role="option"][data-words]')) {
    option.hidden = !words.every((word) => option.dataset.words.includes(word));
  }
  mark(options()[0]);
}

if (palette) {
  document.addEventListener('keydown', (event) => {
    if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    palette.showModal();
    field.select();
    narrow();
  });
  palette.addEventListener('toggle', narrow);
  field.addEventListener('input', narrow);
  document.addEventListener('htmx:after:swap', narrow);
  palette.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const shown = options();
    const at = shown.findIndex((option) => option.getAttribute('aria-selected') === 'true');
    if (step && shown.length > 0) {
      event.preventDefault();
      mark(shown[(at + step + shown.length) % shown.length]);
    }
    if (event.key === 'Enter' && shown[at]) {
      event.preventDefault();
      shown[at].click();
    }
  });
}
