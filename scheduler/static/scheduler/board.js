// The open board: hears when the day has changed and takes over the changed parts; moves the now-line; arrows walk from
// visit to visit; "find" lights up a patient. Reading, booking and moving by forms work without this file.

import { isBusy as isCarrying } from "./carry.js";
import { board, desk, takeOver, tell } from "./desk.js";
import { follow, parse } from "./follow.js";

function isBusy() {
  // A form in use is never overwritten, and nothing moves under a finger.
  const active = document.activeElement;
  const isTyping = active?.matches("input, select, textarea") && !active.closest("#booking, .spot");
  return Boolean(isCarrying() || isTyping || document.querySelector(".panel-ask, main details[open], .subbar details[open]"));
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
  // Timers on the blocks count minutes, so a new minute is a change too.
  const take = (text) => { takeOver(parse(text)); light(); };
  const refresh = follow({ take, isBusy, isTimed: () => document.querySelector("[data-now]") });
  document.addEventListener("board-stale", refresh);
  document.addEventListener("keydown", walk);
  const picked = document.querySelector(".panel");
  if (picked && !picked.querySelector("[autofocus]") && !picked.contains(document.activeElement)) {
    picked.tabIndex = -1;
    picked.focus({ preventScroll: true });
  }
}
