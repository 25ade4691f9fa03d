// Booking beside the board: the form's own pages, while the place is held.

import { arrived, desk, send } from "./desk.js";
import * as spot from "./spot.js";

let aside = null;
let timer = 0;
let typed = 0;
let until = 0; // on this browser's own clock, whatever time it thinks it is

export const isOpen = () => aside !== null;

export async function open(fields) {
  close();
  spot.close();
  document.getElementById("panel")?.remove();
  history.replaceState(null, "", location.pathname);
  aside = Object.assign(document.createElement("aside"), { id: "booking", className: "panel", tabIndex: -1 });
  aside.setAttribute("aria-label", desk.dataset.booking);
  desk.append(aside);
  desk.classList.add("has-panel");
  show(await send(desk.dataset.book, fields));
}

function show(came) {
  if (!aside) return;
  if (came?.page && arrived(came)) return end();
  const part = came?.page.querySelector("[data-book], [data-said]");
  if (came && !part) return location.assign(came.answer.url);
  for (const each of part?.querySelectorAll(".not-in-panel") ?? []) each.remove();
  const first = part?.querySelector("[autofocus]");
  first?.removeAttribute("autofocus"); // browsers grumble about a second
  const shut = Object.assign(document.createElement("button"), { className: "close", type: "button", textContent: "×" });
  shut.setAttribute("aria-label", desk.dataset.close);
  shut.addEventListener("click", close);
  aside.replaceChildren(shut, ...(part?.childNodes ?? [desk.dataset.offline]));
  (first ?? aside.querySelector("[data-found] button") ?? aside.querySelector(".option, .is-primary") ?? aside).focus();
  clearInterval(timer);
  until = performance.now() + aside.querySelector("[data-left]")?.dataset.left * 1000;
  timer = setInterval(count, 1000);
}

function count() {
  const chip = aside.querySelector("[data-left]");
  if (!chip) return;
  const left = Math.round((until - performance.now()) / 1000);
  if (left > 0) chip.querySelector("b").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  else {
    chip.textContent = chip.dataset.over;
    chip.removeAttribute("data-left");
  }
}

function end() {
  clearInterval(timer);
  aside?.remove();
  aside = null;
  desk.classList.toggle("has-panel", Boolean(document.getElementById("panel")));
}

// The place is given back.
export function close() {
  if (!aside) return false;
  const hold = aside.querySelector("[name=hold]")?.value;
  if (hold) send(desk.dataset.book, { hold, do: "release" });
  end();
  return true;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!aside?.contains(form)) return;
  event.preventDefault();
  const first = form.querySelector("#q") && aside.querySelector("[data-found] button");
  if (first) return first.click();
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const came = await send(form.action, new FormData(form, event.submitter));
  delete form.dataset.sent;
  show(came);
}, true);

// What is chosen says how long the place is kept.
document.addEventListener("change", async ({ target }) => {
  const { id, form, value } = target;
  if (!aside?.contains(form) || !/^what$|minutes/.test(id)) return;
  const came = await send(form.action, new FormData(form));
  if (!came || !form.isConnected || form.dataset.sent || target.value !== value) return;
  show(came);
  document.getElementById(id)?.focus();
});

const found = (page) => page?.querySelector("[data-found]")?.closest("form");

// Three letters are enough to look, while she goes on typing.
document.addEventListener("input", (event) => {
  if (event.target.id !== "q" || !aside?.contains(event.target)) return;
  clearTimeout(typed);
  const { value, form } = event.target;
  found(aside)?.remove();
  if (value.trim().length < 3) return;
  typed = setTimeout(async () => {
    const came = await send(form.action, new FormData(form));
    if (!aside?.contains(form) || form.querySelector("#q").value !== value) return;
    found(aside)?.remove();
    form.after(found(came?.page) ?? "");
  }, 200);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest(".spot a[data-quick]");
  if (!link) return;
  event.preventDefault();
  open(Object.fromEntries(new URL(link.href).searchParams));
});
