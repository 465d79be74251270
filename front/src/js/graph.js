// Where a drawing is wider than its frame, what matters in it is moved into view: the chosen state, else where the
// execution stands, else the start.
const MATTERS = ['[aria-current]', "[data-outcome='asked']", "[data-outcome='running']", "[data-outcome='failed']", '[data-start]'];

function show(graph) {
  if (graph.scrollWidth <= graph.clientWidth || graph.scrollLeft > 0) return;
  const found = MATTERS.map((selector) => graph.querySelector(selector)).find(Boolean);
  if (!found) return;
  const place = found.getBoundingClientRect();
  const frame = graph.getBoundingClientRect();
  graph.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
}

for (const graph of document.querySelectorAll('.graph')) show(graph);
