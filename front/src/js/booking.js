// What checkout and bookings need beside every page's script: the processor's frames, and the printer.
import './cards.js';
import './challenge.js';
import './print.js';
