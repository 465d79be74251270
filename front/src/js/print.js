// A paper that is to be kept: <button data-print>.
document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-print]')) window.print();
});
