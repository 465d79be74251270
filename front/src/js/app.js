// The script of every page. Each module adds to markup that already works without it.
import './hypertext.js';
import './theme.js';
import './zone.js';
import './menus.js';
import './dialogs.js';
import './toasts.js';
import './forms.js';
import './calendar.js';
import './clock.js';
import './copy.js';
import './locate.js';
import './sortable.js';
