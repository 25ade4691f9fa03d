// The open floor: hears when the day has changed and takes over the changed parts; a tap is sent once, and one that did
// not reach the service says so. Everything works without this file.

import { call, follow, parse, say } from "./follow.js";
import { setClock } from "./timers.js";

const main = () => document.querySelector("main[data-live]");
function isBusy() {
  // A form in use is never overwritten, and nothing moves under a finger.
  const active = document.activeElement;
  return Boolean(document.querySelector("details[open], form[data-sending]") || (active && active.matches("input, select, textarea")));
}

// While a form of the card is in use the list goes on all the same.
function takeOverList(text) {
  if (document.querySelector("form[data-sending]")) return;
  const fresh = parse(text);
  const now = fresh.querySelector(".floor-list");
  const old = document.querySelector(".floor-list");
  if (!now || !old) return;
  const top = old.scrollTop;
  old.replaceWith(document.adoptNode(now));
  document.querySelector(".floor-list").scrollTop = top;
  setClock(fresh.querySelector("main[data-now]").dataset.now);
}

function takeOver(text) {
  const fresh = parse(text);
  const now = fresh.querySelector("main[data-live]");
  if (!now) return false;
  const old = main();
  const scrolled = [".floor-list", ".floor-scroll"].map((selector) => [selector, old.querySelector(selector)?.scrollTop ?? 0]);
  const focused = document.activeElement?.dataset?.seat;
  const wasOnCard = Boolean(document.activeElement?.closest(".floor-visit"));
  old.replaceWith(document.adoptNode(now));
  for (const [selector, top] of scrolled) {
    const part = main().querySelector(selector);
    if (part) part.scrollTop = top;
  }
  const clock = fresh.querySelector(".clock");
  if (clock) document.querySelector(".clock").textContent = clock.textContent;
  if (focused) document.querySelector(`[data-seat="${focused}"]`)?.focus();
  if (wasOnCard) document.querySelector(".floor-foot .is-primary")?.focus();
  setClock(main().dataset.now);
  return true;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.closest("main.floor")) return;
  event.preventDefault();
  if (form.dataset.sending) return; // a tap sent twice is one tap
  form.dataset.sending = "1";
  event.submitter?.classList.remove("is-undone");
  const body = new FormData(form, event.submitter);
  try {
    const answer = await call(form.action, { method: "POST", body });
    const text = await answer.text();
    delete form.dataset.sending;
    if (answer.redirected && takeOver(text)) {
      history.replaceState(null, "", answer.url);
      say(true);
    } else if (!takeOver(text)) {
      location.assign(answer.url); // signed out, or a page of its own
    }
  } catch {
    delete form.dataset.sending;
    say(false);
    event.submitter?.classList.add("is-undone");
    const note = document.createElement("section");
    note.className = "note is-late floor-note";
    note.setAttribute("role", "alert");
    note.append(Object.assign(document.createElement("p"), { textContent: main().dataset.offline }));
    document.querySelector(".floor-note")?.remove();
    form.closest(".floor-visit").prepend(note);
  }
});

setClock(main().dataset.now);
follow({ take: takeOver, part: takeOverList, isBusy, isTimed: () => true });
