// An open list keeps itself in step, but never under a hand: not while a form in it is open, in use or on its way.

import { follow, parse } from "./follow.js";

const main = () => document.getElementById("main");
let isTouched = false; // something was typed or chosen here and not sent

function isBusy() {
  return isTouched || Boolean(main().querySelector("details[open], form[data-sent], input:focus, select:focus, textarea:focus"));
}

// The same link, or the button that does the same to the same thing.
function nameOf(control) {
  if (!control.form) return control.href ?? control.textContent;
  const fields = [...new FormData(control.form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  return `${control.form.action} ${control.value} ${fields}`;
}

function take(text) {
  const fresh = parse(text);
  if (!fresh.querySelector("main[data-live]")) return;
  const focused = main().contains(document.activeElement) ? nameOf(document.activeElement) : null;
  for (const selector of ["#main", ".nav"]) {
    const now = fresh.querySelector(selector);
    now?.querySelector("[autofocus]")?.removeAttribute("autofocus"); // only a page that was just opened chooses the focus
    if (now) document.querySelector(selector)?.replaceWith(document.adoptNode(now));
  }
  if (focused) [...main().querySelectorAll("a, button, summary")].find((each) => nameOf(each) === focused)?.focus();
}

document.addEventListener("input", (event) => { isTouched ||= main().contains(event.target); });
follow({ take, isBusy });
