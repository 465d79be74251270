// Frames of the card processor, from its own origin: each side hears the other's messages from that origin alone.

/** The theme the page is drawn in, for a frame to be drawn alike. */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Load the frame in a box with `data-origin` and `data-address`. */
export function load(box) {
  const address = new URL(box.dataset.address);
  address.searchParams.set('theme', theme());
  address.searchParams.set('embedder', location.origin);
  box.querySelector('iframe').src = address.href;
}

/** Say something to the frame in that box. */
export function tell(box, message) {
  box.querySelector('iframe').contentWindow?.postMessage(message, box.dataset.origin);
}

/** Hear what the frame in `box()` says; the box may be another one each time. */
export function hear(box, heard) {
  addEventListener('message', (event) => {
    const now = box();
    const frame = now?.querySelector('iframe');
    if (!frame || event.source !== frame.contentWindow || event.origin !== now.dataset.origin) return;
    if (event.data && typeof event.data === 'object') heard(event.data, now);
  });
}
