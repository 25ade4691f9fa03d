// The open board: hears when the day has changed and takes over the changed parts; moves the now-line; arrows walk from
// visit to visit. Everything works without this file.

import { PATIENCE, watch } from "./live.js";

const desk = document.querySelector("main[data-live]");
const live = document.querySelector(".live");
let changedAt = Date.now();

function say(isLive) {
  if (!live) return;
  live.hidden = false;
  live.classList.toggle("is-stale", !isLive);
  if (isLive) {
    changedAt = Date.now();
    live.textContent = live.dataset.live;
  } else {
    live.textContent = live.dataset.stale.replace("{seconds}", Math.round((Date.now() - changedAt) / 1000));
  }
}

function isBusy() {
  // A form in use is never overwritten, and nothing moves under a finger.
  const active = document.activeElement;
  return Boolean(document.querySelector(".panel-ask, details[open]") || (active && active.matches("input, select, textarea")));
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(String(answer.status));
  if (answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.dataset?.visit;
  for (const selector of ["#board", "#panel", ".subbar", ".nav"]) {
    const old = document.querySelector(selector);
    const now = fresh.querySelector(selector);
    if (old && now && old.innerHTML !== now.innerHTML) old.replaceWith(document.adoptNode(now));
  }
  desk.dataset.version = fresh.querySelector("main[data-live]").dataset.version;
  if (focused) document.querySelector(`[data-visit="${focused}"]`)?.focus();
}

let lastMinute = Math.floor(Date.now() / 60000);

async function ask() {
  try {
    // Nobody is there because of this: the header says so, and the session's idle time goes on.
    const answer = await fetch(desk.dataset.live, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.redirected) {
      document.dispatchEvent(new Event("signed-out")); // session.js covers the page; what was typed stays
      return false;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const { version } = await answer.json();
    // Timers on the blocks count minutes, so a new minute is a change too.
    const minute = Math.floor(Date.now() / 60000);
    const isDue = String(version) !== desk.dataset.version || (minute !== lastMinute && document.querySelector("[data-now]"));
    if (isDue && !isBusy()) {
      await refresh();
      lastMinute = minute;
    }
    say(true);
    return isDue && isBusy();
  } catch {
    say(false);
    return true;
  }
}

function walk(event) {
  const here = event.target.closest?.(".appt-hit");
  if (!here || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const lane = here.closest(".lane");
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const row = [...lane.querySelectorAll(".appt-hit")].sort((a, b) => a.getBoundingClientRect().x - b.getBoundingClientRect().x);
    row[row.indexOf(here) + (event.key === "ArrowRight" ? 1 : -1)]?.focus();
    return;
  }
  const x = here.getBoundingClientRect().x;
  let next = lane;
  do {
    next = event.key === "ArrowDown" ? next.nextElementSibling : next.previousElementSibling;
  } while (next && !next.querySelector(".appt-hit"));
  const row = next ? [...next.querySelectorAll(".appt-hit")] : [];
  row.sort((a, b) => Math.abs(a.getBoundingClientRect().x - x) - Math.abs(b.getBoundingClientRect().x - x))[0]?.focus();
}

if (desk) {
  document.addEventListener("keydown", walk);
  watch(() => desk.dataset.stream, ask, () => say(true));
  say(true);
  const picked = document.querySelector(".panel");
  if (picked && !picked.querySelector("[autofocus]") && !picked.contains(document.activeElement)) {
    picked.tabIndex = -1;
    picked.focus({ preventScroll: true });
  }
}
