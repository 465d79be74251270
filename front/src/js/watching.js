// A page that is drawn anew while somebody reads it: what they unfolded stays open, what they typed stays.
let kept = null;

const unfolded = (root) => [...root.querySelectorAll('details[id][open]')].map((each) => each.id);
const typed = (root) => [...root.querySelectorAll('textarea[id], input[id]')].map((each) => [each.id, each.value, each.checked]);

document.addEventListener('htmx:before:swap', () => {
  const root = document.getElementById('execution');
  kept = root && { unfolded: unfolded(root), typed: typed(root) };
});

document.addEventListener('htmx:after:swap', () => {
  if (!kept) return;
  for (const id of kept.unfolded) {
    const fold = document.getElementById(id);
    if (fold) fold.open = true;
  }
  for (const [id, value, checked] of kept.typed) {
    const field = document.getElementById(id);
    if (!field) continue;
    field.checked = checked;
    if (field.type !== 'checkbox') field.value = value;
  }
  kept = null;
});
