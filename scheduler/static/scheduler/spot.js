// What the service has to say about a place, at the place: why not, what would work, what follows, which two to swap.

import { arrived, board, desk, lanes, mark, send } from "./desk.js";

let box = null;
let back = null;
let pins = [];

export function close() {
  if (!box) return false;
  box.remove();
  for (const pin of pins) pin.remove();
  box = null;
  pins = [];
  document.querySelector(`[data-visit="${back}"]`)?.focus();
  return true;
}

// `row` is what must stay in sight: the box opens below it, or above where there is more room. `visit` gets the focus back.
export function open(part, row, visit) {
  close();
  back = visit;
  box = document.createElement("section");
  box.className = "spot";
  box.setAttribute("role", "alertdialog");
  box.setAttribute("aria-label", part.dataset.said);
  box.tabIndex = -1;
  for (const each of part.querySelectorAll(".not-at-spot")) each.remove();
  const shut = Object.assign(document.createElement("button"), { className: "close", type: "button", textContent: "×" });
  shut.setAttribute("aria-label", desk.dataset.close);
  shut.addEventListener("click", close);
  box.append(shut, ...part.childNodes);
  document.body.append(box);
  const { top, bottom, x } = row;
  const below = innerHeight - bottom > top;
  box.style.maxHeight = `${(below ? innerHeight - bottom : top) - 14}px`;
  box.style.left = `${Math.min(Math.max(x, 8), innerWidth - box.offsetWidth - 8)}px`;
  box.style.top = `${below ? bottom + 6 : top - 6 - box.offsetHeight}px`;
  pinUp();
  box.focus();
}

// The numbers of the ways out stand on the board too.
function pinUp() {
  if (!box) return;
  pins = [];
  for (const [index, option] of [...box.querySelectorAll(".option")].entries()) {
    const [chair, at] = (option.value || option.dataset.place || "").split("@");
    const lane = lanes().find((each) => each.dataset.chair === chair);
    const slot = (new Date(at) / 60000 - board().dataset.from) / 5;
    if (lane && slot >= 0 && slot < board().dataset.slots) {
      const pin = mark(lane, "pin", Math.round(slot), 3);
      pin.textContent = index + 1;
      pins.push(pin);
    }
  }
}
document.addEventListener("board-fresh", pinUp);

// Shows what came back; a refusal may mean that the board is older than thought.
export function shown(came, row, visit) {
  if (!came) {
    const part = document.createElement("div");
    part.dataset.said = part.textContent = desk.dataset.offline;
    open(part, row, visit);
  } else if (came.page && arrived(came)) {
    back = visit;
    if (!close()) document.querySelector(`[data-visit="${visit}"]`)?.focus();
  } else {
    const part = came.page?.querySelector("[data-said]");
    if (!part) return location.assign(came.answer.url);
    open(part, row, visit);
    if (came.answer.status === 409) document.dispatchEvent(new Event("board-stale"));
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!box?.contains(form)) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  const fields = new FormData(form, event.submitter);
  const rect = box.getBoundingClientRect();
  const row = { x: rect.x, top: rect.top - 6, bottom: rect.top - 6 };
  if (!form.hasAttribute("data-ask")) fields.set("next", location.pathname + location.search);
  const isGet = form.method === "get";
  const came = await send(isGet ? `${form.action}?${new URLSearchParams(fields)}` : form.action, isGet ? undefined : fields);
  delete form.dataset.sent;
  shown(came, row, back);
}, true);
document.addEventListener("change", (event) => {
  const form = event.target.closest(".spot [data-ask]");
  if (form) form.requestSubmit();
});
