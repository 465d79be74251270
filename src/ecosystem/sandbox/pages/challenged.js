"use strict";
// Tells the embedding page how the challenge ended, or goes back to the shop when this is a page of its own.
(() => {
  const { embedder, result, intent, return: back } = document.documentElement.dataset;
  if (window.parent !== window) {
    if (embedder) window.parent.postMessage({ source: "ecosystem-cards", type: "challenge", result, intent }, embedder);
  } else if (back) {
    window.location.replace(back);
  }
})();
