// The wall keeps itself in step, dims by the center's clocks even while nobody answers, and says in large letters when
// what it shows is old. Once a day it loads itself anew, so that it takes over what an update brought.

import { follow, replace } from "./follow.js";

const DAY = 24 * 3600 * 1000;
const SAID_AFTER = 20; // s; a stream that is opened anew is no reason to cry
const { zone, dimFrom, dimUntil, signIn } = document.body.dataset;
const stale = document.getElementById("stale");
const since = Date.now();

function dim() {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date()).split(":");
  const minute = (Number(parts[0]) % 24) * 60 + Number(parts[1]);
  document.body.classList.toggle("is-night", minute >= Number(dimFrom) || minute < Number(dimUntil));
}

follow({
  isTimed: () => true,
  take(text) {
    replace(text);
    if (Date.now() - since > DAY) location.reload();
  },
  fresh(isLive, seconds) {
    stale.hidden = isLive || seconds < SAID_AFTER;
    const said = stale.dataset.say.replace("{time}", document.querySelector("main").dataset.clock).replace("{minutes}", Math.floor(seconds / 60));
    if (!stale.hidden && stale.textContent !== said) stale.textContent = said;
  },
});

// Nothing stays to be read on a screen that may not show it any more.
document.addEventListener("signed-out", () => location.assign(`${signIn}?next=${encodeURIComponent(location.pathname)}`));
setInterval(dim, 15000);
