// What changes while the sheet is looked at shows up on it. A version that went to paper stays what it was there: its
// address is left, so that what is on the screen is the next one.

import { follow, replace } from "./follow.js";

// Of this nurse, if it is hers; the next one, not the printed one.
function where() {
  const at = new URL(location.href);
  at.searchParams.delete("printed");
  return at.href;
}

follow({
  where,
  take(text) {
    if (!replace(text)) return;
    history.replaceState(null, "", where());
    const button = document.querySelector(".paper-bar .is-primary");
    const number = document.querySelector("main").dataset.number;
    button.textContent = button.dataset.print.replace("{number}", number);
  },
});
