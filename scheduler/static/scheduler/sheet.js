// What changes while the sheet is looked at shows up on it. A version that went to paper stays what it was there: its
// address is left, so that what is on the screen is the next one.

import { follow } from "./follow.js";

follow({
  shown() {
    history.replaceState(null, "", location.pathname);
    const button = document.querySelector(".paper-bar .is-primary");
    const number = document.querySelector("main").dataset.number;
    button.textContent = button.dataset.print.replace("{number}", number);
  },
});
