// Tells the server which zone this device is in, so that the next page can speak of its times.
import { remember, remembered } from './cookie.js';

const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
if (timeZone && remembered('zone') !== timeZone) remember('zone', timeZone);
