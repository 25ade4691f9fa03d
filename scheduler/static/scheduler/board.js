// The open board: hears when the day has changed and takes over the changed parts; moves the now-line; arrows walk from
// visit to visit; "find" lights up a patient. Reading, booking and moving by forms work without this file.

import { isBusy as isCarrying } from "./carry.js";
import { board, desk, takeOver, tell } from "./desk.js";
import { PATIENCE, watch } from "./live.js";

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
  const isTyping = active?.matches("input, select, textarea") && !active.closest("#booking, .spot");
  return Boolean(isCarrying() || isTyping || document.querySelector(".panel-ask, main details[open], .subbar details[open]"));
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw new Error(String(answer.status));
  if (answer.redirected) return;
  const text = await answer.text();
  if (isBusy()) return; // picked up meanwhile
  takeOver(new DOMParser().parseFromString(text, "text/html"));
  light();
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

// Who is looked for stands out; Enter goes from one to the next, Escape to where she was.
const find = document.getElementById("find-here");
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
let turn = -1;

function light() {
  const words = plain(find?.value ?? "").split(/[\s,]+/).filter(Boolean);
  board().classList.toggle("is-finding", words.length > 0);
  return [...board().querySelectorAll(".appt-hit")].filter((hit) => {
    const whole = hit.closest(".lane").querySelector(".stay-say b")?.textContent ?? "";
    const name = plain(`${hit.querySelector(".appt-name").textContent} ${whole}`).split(/[\s,]+/);
    const isFound = words.length > 0 && words.every((word) => name.some((part) => part.startsWith(word)));
    hit.closest(".appt").classList.toggle("is-found", isFound);
    return isFound;
  });
}

function look() {
  turn = -1;
  const found = light();
  tell(find.value ? find.dataset.found.replace("{count}", found.length) : "");
  found[0]?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

if (find) {
  find.form.hidden = false;
  find.addEventListener("input", look);
  find.form.addEventListener("submit", (event) => {
    const found = light();
    if (!found.length) return; // the form looks among all patients
    event.preventDefault();
    event.stopPropagation();
    found[++turn % found.length].focus();
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    find.value = "";
    look();
    find.blur();
  });
}

if (desk) {
  document.addEventListener("board-stale", () => refresh().catch(() => say(false)));
  document.addEventListener("keydown", walk);
  watch(() => desk.dataset.stream, ask, () => say(true));
  say(true);
  const picked = document.querySelector(".panel");
  if (picked && !picked.querySelector("[autofocus]") && !picked.contains(document.activeElement)) {
    picked.tabIndex = -1;
    picked.focus({ preventScroll: true });
  }
}
