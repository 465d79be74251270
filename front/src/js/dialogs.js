// <button commandfor="id" command="show-modal"> where the browser does not know it yet, and a click beside a dialog.
const native = 'commandForElement' in HTMLButtonElement.prototype;

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('button[commandfor]');
  if (button && !native) {
    const dialog = document.getElementById(button.getAttribute('commandfor'));
    const command = button.getAttribute('command');
    if (command === 'show-modal') dialog?.showModal();
    if (command === 'close' || command === 'request-close') dialog?.close();
  }
  if (event.target.matches?.('dialog[closedby="any"]') && beside(event, event.target)) event.target.close();
});

// A dialog's own box may be the backdrop (Basecoat) or the panel: only a click outside of every child closes it.
function beside(event, dialog) {
  const boxes = dialog.classList.contains('dialog') ? [...dialog.children] : [dialog];
  return boxes.every((child) => {
    const box = child.getBoundingClientRect();
    const within = event.clientX >= box.left && event.clientX <= box.right;
    return !(within && event.clientY >= box.top && event.clientY <= box.bottom);
  });
}

// A dialog that a fragment brings opens itself.
document.addEventListener('htmx:after:swap', () => {
  for (const dialog of document.querySelectorAll('dialog[data-open-now]')) {
    dialog.removeAttribute('data-open-now');
    dialog.showModal();
  }
});
