// The operator's script, beside the page's own: the command palette, and drawings.
import './graph.js';
import './palette.js';
import './watching.js';
