// Who watches whom: a card is dragged with mouse or finger, or lifted and carried by keys, and its own form is sent.
// Without this file the forms and the suggestion work all the same.

import { call, follow, parse, say as sayLive } from "./follow.js";

const main = () => document.querySelector("main[data-live]");
let lifted = null; // { card, grip, target } while keys carry one
let drag = null; // { card, grip, x, y, pointer } while a finger or the mouse does

function say(text) {
  main().querySelector("[data-said]").textContent = text;
}

function prepare() {
  for (const grip of document.querySelectorAll(".grip")) grip.hidden = false;
}

function takeOver(text) {
  const now = parse(text).querySelector("main[data-live]");
  if (!now) return false;
  const left = document.querySelector(".columns")?.scrollLeft ?? 0;
  const focused = document.activeElement?.closest?.("[data-appointment]")?.dataset.appointment;
  main().replaceWith(document.adoptNode(now));
  prepare();
  const columns = document.querySelector(".columns");
  if (columns) columns.scrollLeft = left;
  if (focused) document.querySelector(`[data-appointment="${focused}"] .grip`)?.focus();
  return true;
}

function target(column) {
  for (const each of document.querySelectorAll(".column.is-target")) each.classList.remove("is-target");
  column?.classList.add("is-target");
}

async function give(card, column) {
  const form = card.querySelector(".give form");
  const body = new FormData(form);
  body.set("nurse", column.dataset.nurse);
  card.querySelector(".grip").focus();
  try {
    const answer = await call(form.action, { method: "POST", body });
    if (!takeOver(await answer.text())) throw new Error(String(answer.status));
    say(`${card.dataset.patient}: ${column.dataset.name}`);
  } catch {
    sayLive(false);
    say(main().dataset.offline);
    let note = main().querySelector("[data-not-done]");
    if (!note) {
      note = document.createElement("p");
      note.className = "note is-late";
      note.dataset.notDone = "";
      main().querySelector(".sharing-head").after(note);
    }
    note.textContent = main().dataset.offline;
  }
}

// By keys: Enter or Space lifts, arrows choose the nurse, Enter gives, Escape leaves all as it was.

function columnsOf() {
  return [...document.querySelectorAll(".column")];
}

function put() {
  if (!lifted) return;
  lifted.grip.setAttribute("aria-pressed", "false");
  target(null);
  lifted = null;
}

function aim(column) {
  lifted.target = column;
  target(column);
  column.scrollIntoView({ block: "nearest", inline: "nearest" });
  say(main().dataset.to.replace("{patient}", lifted.card.dataset.patient).replace("{nurse}", column.dataset.name));
}

document.addEventListener("keydown", (event) => {
  const grip = event.target.closest?.(".grip");
  if (!grip) return;
  if (!lifted) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const card = grip.closest(".who-card");
    lifted = { card, grip, target: null };
    grip.setAttribute("aria-pressed", "true");
    aim(card.closest(".column"));
    return;
  }
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) {
    const columns = columnsOf();
    aim(columns[(columns.indexOf(lifted.target) + step + columns.length) % columns.length]);
  } else if (event.key === "Escape") {
    put();
    say(main().dataset.left);
  } else if (event.key === "Enter" || event.key === " ") {
    const { card, target: column } = lifted;
    put();
    if (column !== card.closest(".column")) give(card, column);
    else say(main().dataset.left);
  } else {
    if (event.key === "Tab") put();
    return;
  }
  event.preventDefault();
});

// By mouse and finger.

function over(event) {
  return document.elementFromPoint(event.clientX, event.clientY)?.closest(".column");
}

function drop() {
  drag.card.classList.remove("is-held");
  drag.card.style.transform = "";
  target(null);
  drag = null;
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.(".grip");
  if (!grip || event.button !== 0 || drag) return;
  put();
  drag = { card: grip.closest(".who-card"), grip, x: event.clientX, y: event.clientY, pointer: event.pointerId };
  grip.setPointerCapture(event.pointerId);
});

document.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.pointer) return;
  drag.card.classList.add("is-held");
  drag.card.style.transform = `translate(${event.clientX - drag.x}px, ${event.clientY - drag.y}px)`;
  target(over(event));
});

document.addEventListener("pointerup", (event) => {
  if (!drag || event.pointerId !== drag.pointer) return;
  const { card } = drag;
  const column = card.classList.contains("is-held") ? over(event) : null;
  drop();
  if (column && column !== card.closest(".column")) give(card, column);
});

document.addEventListener("pointercancel", (event) => {
  if (drag && event.pointerId === drag.pointer) drop();
});

// Live: what changed is taken over, but never under a hand or a form in use.

function isBusy() {
  const active = document.activeElement;
  return Boolean(lifted || drag || document.querySelector("details[open], .suggestion") || (active && active.matches("input, select")));
}

prepare();
follow({ take: takeOver, isBusy });
