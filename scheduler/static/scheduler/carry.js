// A visit is carried to another place: with a mouse, a finger (held for a moment first) or by keys. The service decides;
// where it would refuse is shaded meanwhile. Without a visit the same keys point at a cell and ask "why not here?".

import { board, cellAt, clock, desk, isTyping, keyOf, lanes, mark, moment, named, send, tell } from "./desk.js";
import * as quick from "./quick.js";
import * as spot from "./spot.js";

const HELD_FOR = 350; // ms until a finger lifts
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };
let held = null; // what is carried
let pressed = null; // what a pointer is down on
let isDone = false; // a drag ends with a click that is none

export const isBusy = () => held !== null;

function lift(hit, { slots = 3, lane, minute, isRange = false } = {}) {
  spot.close();
  const item = hit?.closest(".appt");
  const at = Number(item?.className.match(/\bat-(\d+)/)[1]);
  held = { hit, item, isRange, slots, lane, minute, lead: 0, marks: [], fits: null };
  if (item) {
    const start = Number(hit.dataset.start);
    Object.assign(held, { lane: item.closest(".lane"), minute: start, lead: start - at * 5, slots: Number(item.className.match(/\bfor-(\d+)/)[1]) });
    held.from = { lane: held.lane, minute: start };
    item.classList.add("is-lifted");
    shade(held, hit.dataset.visit);
  }
  draw();
}

async function shade(mine, appointment) {
  const came = await send(desk.dataset.fits, { appointment });
  if (!came?.data || held !== mine) return;
  const count = Number(board().dataset.slots);
  mine.fits = new Set();
  for (const lane of lanes()) {
    const free = new Uint8Array(count + 1);
    for (const each of came.data.chairs[lane.dataset.chair] ?? []) {
      const start = each - board().dataset.from;
      mine.fits.add(`${lane.dataset.chair} ${start}`);
      const first = Math.max(Math.floor((start - mine.lead) / 5), 0);
      free.fill(1, first, Math.min(first + mine.slots, count));
    }
    for (let at = 0; at < count; at++) {
      if (free[at]) continue;
      const end = free.indexOf(1, at);
      mine.marks.push(mark(lane, "nofit", at, (end < 0 ? count : end) - at));
      at = end < 0 ? count : end;
    }
  }
  draw();
}

function draw() {
  const { lane, minute, lead, slots, fits, item } = held;
  held.ghost?.remove();
  const isNo = fits && minute % 5 === 0 && !fits.has(`${lane.dataset.chair} ${minute}`);
  const at = Math.round((minute - lead) / 5);
  held.ghost = mark(lane, `ghost${isNo ? " is-no" : ""}`, at, Math.min(slots, board().dataset.slots - at));
  const time = held.isRange ? `${clock(minute)}–${clock(minute + slots * 5)}` : clock(minute);
  held.ghost.textContent = `${isNo ? "× " : ""}${time}`;
  tell(`${named(lane)}, ${time}${isNo ? `: ${desk.dataset.no}` : ""}`);
  held.name = item?.querySelector(".appt-name").textContent;
}

function move(lane, minute) {
  const last = board().dataset.slots * 5 - 5;
  Object.assign(held, { lane: lane ?? held.lane, minute: Math.min(Math.max(minute, held.lead), last) });
  draw();
}

function letGo() {
  for (const node of [held.ghost, ...held.marks]) node?.remove();
  held.item?.classList.remove("is-lifted");
  const was = held;
  held = null;
  tell("");
  return was;
}

const rowOf = (lane, ghost) => {
  const { top, bottom } = lane.getBoundingClientRect();
  return { top, bottom, x: ghost?.getBoundingClientRect().x ?? 200 };
};

async function drop(other) {
  const row = rowOf(held.lane, held.ghost);
  const { hit, lane, minute, from } = letGo();
  const { visit, version } = hit.dataset;
  hit.focus();
  if (other && other !== hit) return swap(visit, row, other.dataset.visit);
  if (lane === from.lane && minute === from.minute) return;
  const next = location.pathname + location.search;
  const slot = `${lane.dataset.chair}@${moment(minute).toISOString()}`;
  hit.classList.add("is-going");
  const came = await send(desk.dataset.move.replace("/0/", `/${visit}/`), { slot, version, next });
  hit.classList.remove("is-going");
  spot.shown(came, row, visit);
}

async function swap(visit, row, other) {
  const query = other ? `?with=${other}` : "";
  spot.shown(await send(desk.dataset.swap.replace("/0/", `/${visit}/`) + query), row, visit);
}

async function why(lane, minute, visit, ghost, back = visit) {
  const row = rowOf(lane, ghost);
  const fields = { chair: lane.dataset.chair, at: moment(minute).toISOString() };
  if (visit) fields.what = `appointment:${visit}`;
  spot.shown(await send(desk.dataset.why, fields), row, back);
}

function under() {
  const start = held.minute;
  return [...held.lane.querySelectorAll(".appt-hit[data-version]")].find((each) => {
    const [, at, slots] = each.closest(".appt").className.match(/\bat-(\d+) for-(\d+)/);
    return each !== held.hit && at * 5 <= start && start < at * 5 + slots * 5;
  });
}

function carryByKey(event) {
  const key = event.key.toLowerCase();
  if (event.key === "Escape") letGo().hit?.focus();
  else if (event.key in STEPS) {
    const step = STEPS[event.key];
    if (event.key.endsWith("p") || event.key.endsWith("n")) move(lanes()[lanes().indexOf(held.lane) + step], held.minute);
    else move(null, held.minute + step * (event.shiftKey ? 5 : 15));
  } else if (key === keyOf("why") || (!held.hit && event.key === "Enter")) {
    const { lane, minute, hit, ghost, near } = held;
    why(lane, minute, hit?.dataset.visit, ghost, near);
    letGo();
  } else if (!held.hit && key === keyOf("book")) {
    const { lane, minute } = letGo();
    quick.open({ chair: lane.dataset.chair, at: moment(minute).toISOString() });
  } else if (held.hit && event.key === "Enter") drop();
  else if (held.hit && key === keyOf("swap") && under()) drop(under());
  else if (event.key !== "Tab") return event.preventDefault();
  else return letGo();
  event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (held) return carryByKey(event);
  if (event.key === "Escape" && (spot.close() || quick.close())) return stop(event);
  if (isTyping() || document.body.matches(".is-going") || localStorage.getItem("scheduler-keys-off")) return;
  const key = event.key.toLowerCase();
  const hit = document.activeElement.closest(".appt-hit") ?? board().querySelector(".is-picked .appt-hit");
  if (key === keyOf("move") && hit?.dataset.version) lift(hit);
  else if (key === keyOf("swap") && hit?.dataset.version && !document.querySelector("button[data-key=s]")) swap(hit.dataset.visit, rowOf(hit.closest(".lane"), hit));
  else if (key === keyOf("why")) {
    const { x, y } = (hit ?? board().querySelector("a.free") ?? lanes()[0]).getBoundingClientRect();
    const { lane, minute } = cellAt(x + 1, y + 1);
    lift(null, { lane, minute: Math.max(Math.round(minute / 15) * 15, 0) });
    held.near = hit?.dataset.visit; // gets the focus back
  } else return;
  stop(event);
}, true);

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}

function begin(event) {
  const { hit, x, y } = pressed;
  const { lane, minute } = cellAt(x, y);
  if (hit) {
    lift(hit);
    held.grab = minute - held.minute;
  } else lift(null, { lane, minute: Math.floor(minute / 15) * 15, isRange: true });
  held.isPointer = true;
  follow(event);
}

function follow(event) {
  const { lane, minute } = cellAt(event.clientX, event.clientY);
  if (!held.isRange) return move(lane, Math.round((minute - held.grab) / 15) * 15);
  held.slots = Math.max(Math.ceil((minute - held.minute) / 15), 1) * 3;
  draw();
}

document.addEventListener("pointerdown", (event) => {
  const hit = event.target.closest(".appt-hit[data-version]");
  const free = event.target.closest("#board a.free");
  if (event.button || held || !(hit || (free && event.pointerType !== "touch"))) return;
  pressed = { hit, x: event.clientX, y: event.clientY };
  if (event.pointerType === "touch") pressed.timer = setTimeout(() => begin(event), HELD_FOR);
});
document.addEventListener("pointermove", (event) => {
  if (held?.isPointer) follow(event);
  else if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 5) {
    if (event.pointerType === "touch") release();
    else begin(event);
  }
});
function release() {
  clearTimeout(pressed?.timer);
  pressed = null;
}
document.addEventListener("pointerup", (event) => {
  release();
  if (!held?.isPointer) return;
  isDone = true;
  setTimeout(() => { isDone = false; });
  if (held.isRange) {
    const { lane, minute, slots } = letGo();
    quick.open({ chair: lane.dataset.chair, at: moment(minute).toISOString(), minutes: slots * 5 });
  } else {
    held.ghost.hidden = true;
    drop(document.elementFromPoint(event.clientX, event.clientY)?.closest(".appt-hit[data-version]"));
  }
});
document.addEventListener("pointercancel", () => {
  release();
  if (held?.isPointer) letGo();
});
document.addEventListener("click", (event) => {
  if (isDone) return stop(event);
  const free = event.target.closest("#board a.free");
  if (!free || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  stop(event);
  const { lane, minute } = cellAt(event.clientX, event.clientY);
  const isByKey = event.detail === 0;
  const at = isByKey ? new URL(free.href).searchParams.get("at") : moment(Math.floor(minute / 15) * 15).toISOString();
  quick.open({ chair: (isByKey ? free.closest(".lane") : lane).dataset.chair, at });
}, true);
document.addEventListener("contextmenu", (event) => {
  if (held || pressed) return event.preventDefault();
  if (!event.target.closest("#board .lane")) return;
  const { lane, minute } = cellAt(event.clientX, event.clientY);
  if (!lane || minute < 0 || event.shiftKey) return;
  event.preventDefault();
  const picked = board().querySelector(".is-picked .appt-hit[data-version]")?.dataset.visit;
  why(lane, Math.floor(minute / 15) * 15, picked, { getBoundingClientRect: () => ({ x: event.clientX }) });
});
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#board")) event.preventDefault(); });
document.addEventListener("touchmove", (event) => { if (held?.isPointer) event.preventDefault(); }, { passive: false });
