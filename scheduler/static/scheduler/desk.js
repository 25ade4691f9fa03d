// What the board's modules share: a page's parts taken over, where on the grid a point lies, how a form is sent.

import { PATIENCE } from "./live.js";

export const desk = document.querySelector("main[data-fits]");
export const board = () => document.getElementById("board");
export const lanes = () => [...board().querySelectorAll(".lane[data-chair]")];
export const keyOf = (does) => document.querySelector(`#key-table [data-does="${does}"]`)?.dataset.shortcut;
export const isTyping = () => document.activeElement?.matches("input, select, textarea") ?? false;

// The changed parts of a freshly read board.
export function takeOver(fresh) {
  const focused = document.activeElement?.dataset?.visit;
  for (const selector of ["#board", ".subbar", ".nav"]) {
    const old = document.querySelector(selector);
    const now = fresh.querySelector(selector);
    const find = old?.querySelector(".find-here");
    if (find) now?.querySelector(".find-here")?.replaceWith(find.cloneNode(true)); // so that only what changed differs
    if (old && now && old.innerHTML !== now.innerHTML) {
      old.replaceWith(document.adoptNode(now));
      if (find) now.querySelector(".find-here")?.replaceWith(find); // the one that is in use
    }
  }
  const old = document.getElementById("panel");
  const now = fresh.getElementById("panel");
  if (!now) old?.remove();
  else if (!old) desk.append(document.adoptNode(now));
  else if (old.innerHTML !== now.innerHTML) old.replaceWith(document.adoptNode(now));
  desk.classList.toggle("has-panel", Boolean(document.querySelector("#panel, #booking")));
  desk.dataset.version = fresh.querySelector("main[data-live]").dataset.version;
  if (focused) document.querySelector(`[data-visit="${focused}"]`)?.focus();
  document.dispatchEvent(new Event("board-fresh"));
}

// Minutes after the first shown one at a point of the screen, and the chair's row there.
export function cellAt(x, y) {
  const slots = Number(board().dataset.slots);
  const all = lanes();
  const probe = all[0].appendChild(Object.assign(document.createElement("i"), { className: `at-0 for-${slots}` }));
  const { left, width } = probe.getBoundingClientRect();
  probe.remove();
  const lane = all.find((each) => { const row = each.getBoundingClientRect(); return y >= row.top && y < row.bottom; });
  return { lane, minute: ((x - left) / width) * slots * 5 };
}

export const moment = (minute) => new Date((Number(board().dataset.from) + minute) * 60000);
export const clock = (minute) =>
  moment(minute).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: board().dataset.zone });
export const named = (lane) => lane.querySelector(".chair").textContent.trim();

// A node of the grid: `slots` of five minutes from slot `at`, in a chair's row.
export function mark(lane, css, at, slots) {
  const node = document.createElement("i");
  node.className = `${css} at-${Math.max(at, 0)} for-${Math.max(slots, 1)}`;
  node.setAttribute("aria-hidden", "true");
  lane.append(node);
  return node;
}

// What is posted by hand; the answer and its page. `null`: the service could not be reached.
export async function send(url, fields) {
  const body = fields instanceof FormData ? fields : new FormData();
  if (body !== fields) for (const [name, value] of Object.entries(fields ?? {})) body.append(name, value);
  if (!body.has("csrfmiddlewaretoken")) body.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  try {
    const answer = await fetch(url, fields ? { method: "POST", body, signal: AbortSignal.timeout(PATIENCE * 2) } : {});
    const type = answer.headers.get("Content-Type") ?? "";
    if (type.includes("json")) return { answer, data: await answer.json() };
    return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  } catch {
    return null;
  }
}

// A board as the answer: taken over here if it shows this day, else gone to. True where it was one.
export function arrived({ answer, page }) {
  const main = page.querySelector("main[data-fits]");
  if (!main) return false;
  if (main.dataset.fits !== desk.dataset.fits) location.assign(answer.url);
  else {
    history.replaceState(null, "", answer.url);
    takeOver(page);
  }
  return true;
}

const told = document.body.appendChild(Object.assign(document.createElement("p"), { className: "vh" }));
told.setAttribute("role", "status");
export function tell(text) {
  told.textContent = text;
}
