// The operator's script, beside the page's own: the command palette.
import './palette.js';
