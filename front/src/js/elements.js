// The card fields where the processor's own script mounts them: in frames of its origin, within this page.

/** Fields in a box with `data-key`. They say what the processor's frame says: ready, change, card, problem. */
export function mounted(box, heard) {
  const problem = box.querySelector('[data-card-problem]');
  let processor;
  let card;

  function say(text) {
    problem.textContent = text ?? '';
    problem.hidden = !text;
  }

  function style() {
    const { color, fontFamily } = getComputedStyle(box);
    return { base: { color, iconColor: color, fontFamily, fontSize: '16px' } };
  }

  function mount() {
    processor ??= window.Stripe(box.dataset.key);
    card?.destroy();
    card = processor.elements().create('card', { style: style() });
    card.on('ready', () => heard.ready());
    card.on('change', ({ error }) => {
      say(error?.message);
      heard.change();
    });
    card.mount(box.querySelector('[data-card-mount]'));
  }

  return {
    begin(again) {
      if (window.Stripe) mount();
      else if (again) location.reload();
      else document.querySelector('[data-card-script]').addEventListener('load', mount, { once: true });
    },
    async ask(name, email) {
      const details = Object.fromEntries(Object.entries({ name, email }).filter(([, value]) => value));
      const { paymentMethod, error } = await processor.createPaymentMethod({ type: 'card', card, billing_details: details });
      say(error?.message);
      if (error) heard.problem();
      else heard.card(paymentMethod);
    },
    recolour: () => card?.update({ style: style() }),
  };
}
