// The open floor: hears when the day has changed and takes over the changed parts; a tap is sent once, and one that did
// not reach the service says so. Everything works without this file.

import { PATIENCE, watch } from "./live.js";

const main = () => document.querySelector("main[data-live]");
const live = document.querySelector(".live");
let heardAt = Date.now();
let minute = Math.floor(Date.now() / 60000);

function say(isLive) {
  live.classList.toggle("is-stale", !isLive);
  if (isLive) {
    heardAt = Date.now();
    live.textContent = live.dataset.live;
  } else {
    live.textContent = live.dataset.stale.replace("{seconds}", Math.round((Date.now() - heardAt) / 1000));
  }
}

function isBusy() {
  // A form in use is never overwritten, and nothing moves under a finger.
  const active = document.activeElement;
  return Boolean(document.querySelector("details[open], form[data-sending]") || (active && active.matches("input, select, textarea")));
}

function takeOver(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const now = fresh.querySelector("main[data-live]");
  if (!now) return false;
  const old = main();
  const scrolled = [".floor-list", ".floor-scroll"].map((selector) => [selector, old.querySelector(selector)?.scrollTop ?? 0]);
  const focused = document.activeElement?.dataset?.seat;
  old.replaceWith(document.adoptNode(now));
  for (const [selector, top] of scrolled) {
    const part = main().querySelector(selector);
    if (part) part.scrollTop = top;
  }
  const clock = fresh.querySelector(".clock");
  if (clock) document.querySelector(".clock").textContent = clock.textContent;
  if (focused) document.querySelector(`[data-seat="${focused}"]`)?.focus();
  return true;
}

async function ask() {
  try {
    const answer = await fetch(main().dataset.live, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.redirected) {
      document.dispatchEvent(new Event("signed-out"));
      return false;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const { version } = await answer.json();
    const present = Math.floor(Date.now() / 60000);
    const isDue = String(version) !== main().dataset.version || present !== minute;
    if (isDue && !isBusy()) {
      const page = await fetch(location.href, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
      if (!page.ok) throw new Error(String(page.status));
      minute = present;
      if (!page.redirected) takeOver(await page.text());
    }
    say(true);
    return isDue && isBusy();
  } catch {
    say(false);
    return true;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.closest("main.floor")) return;
  event.preventDefault();
  if (form.dataset.sending) return; // a tap sent twice is one tap
  form.dataset.sending = "1";
  const body = new FormData(form, event.submitter);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
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
    const note = document.createElement("section");
    note.className = "note is-late floor-note";
    note.setAttribute("role", "alert");
    note.append(Object.assign(document.createElement("p"), { textContent: main().dataset.offline }));
    document.querySelector(".floor-note")?.remove();
    form.closest("section").prepend(note);
  }
});

watch(() => main().dataset.stream, ask, () => say(true));
