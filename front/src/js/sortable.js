// Things that can be put in order by dragging: <ol data-sortable="form-id">, each item with its data-id. The order is sent
// by that form as fields named `order`. Buttons in the items do the same by keyboard and by finger.
let dragged;

const list = (node) => node.closest?.('[data-sortable]');

document.addEventListener('dragstart', (event) => {
  const item = event.target.closest?.('[data-sortable] > [data-id]');
  // A field within is selected by dragging, not moved.
  if (!item || document.activeElement?.matches('input, textarea')) {
    if (item) event.preventDefault();
    return;
  }
  dragged = item;
  item.dataset.dragged = '';
  event.dataTransfer.effectAllowed = 'move';
  event.dataTransfer.setData('text/plain', item.dataset.id);
});

document.addEventListener('dragover', (event) => {
  const over = event.target.closest?.('[data-sortable] > [data-id]');
  if (!dragged || !over || list(over) !== list(dragged)) return;
  event.preventDefault();
  if (over === dragged) return;
  const items = [...list(over).children];
  if (items.indexOf(dragged) < items.indexOf(over)) over.after(dragged);
  else over.before(dragged);
});

document.addEventListener('drop', (event) => {
  if (dragged) event.preventDefault();
});

document.addEventListener('dragend', () => {
  if (!dragged) return;
  const items = list(dragged);
  delete dragged.dataset.dragged;
  dragged = undefined;
  const form = document.getElementById(items.dataset.sortable);
  for (const field of form.querySelectorAll('input[name="order"]')) field.remove();
  for (const item of items.children) {
    const field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'order';
    field.value = item.dataset.id;
    form.append(field);
  }
  form.requestSubmit();
});

function reveal() {
  for (const grip of document.querySelectorAll('[data-sortable] [data-grip]')) grip.classList.remove('hidden');
}

document.addEventListener('htmx:after:swap', reveal);
reveal();
