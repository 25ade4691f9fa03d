// The session's clock in an open page: says gently when it is about to end, and covers the page once it has, so that
// nobody reads on and nothing typed is lost. The server decides; everything works without this file.

const WARN_AT = 120; // seconds before the end
const TOLD_EVERY = 60000; // ms between two times the server hears that somebody is at work
const LOOK_EVERY = 5000; // ms
const bar = document.getElementById("session-warning");
const cover = document.getElementById("session-cover");

// Kept over a sign-in, a form goes on its way by itself.
for (const form of document.querySelectorAll("form[data-send-now]")) form.requestSubmit();

function token() {
  return document.querySelector("input[name=csrfmiddlewaretoken]").value;
}

let endsAt = 0;
let isFinal = false;
let toldAt = Date.now();
let isActive = false;
let isAsking = false;

async function hear(method) {
  if (isAsking) return;
  isAsking = true;
  try {
    const headers = { "X-Requested-With": "fetch", "X-CSRFToken": token() };
    const answer = await fetch(bar.dataset.session, { method, headers, cache: "no-store" });
    if (!answer.ok) return; // the server is busy; the page's own clock goes on
    const { left, is_final: final } = await answer.json();
    endsAt = Date.now() + left * 1000;
    isFinal = final;
    if (method === "POST") toldAt = Date.now();
  } catch {
    // offline: nothing is known, and nothing can be saved either
  } finally {
    isAsking = false;
  }
  show();
}

function show() {
  const left = (endsAt - Date.now()) / 1000;
  if (left <= 0) {
    close();
    return;
  }
  bar.hidden = left > WARN_AT || cover.open;
  if (bar.hidden) return;
  const minutes = Math.floor(left / 60);
  const said = isFinal ? bar.dataset.final : minutes ? bar.dataset.idle : bar.dataset.idleLast;
  const text = said.replace("{minutes}", Math.max(1, minutes));
  const line = bar.querySelector("span");
  if (line.textContent !== text) line.textContent = text; // said once a minute, not every few seconds
  bar.querySelector("button").hidden = isFinal;
}

// The page is covered. It stays as it is underneath.
function close() {
  bar.hidden = true;
  if (cover.open) return;
  cover.showModal();
  cover.querySelector("#cover-password").focus();
}

async function tick() {
  if (cover.open) return;
  const left = (endsAt - Date.now()) / 1000;
  if (isActive && Date.now() - toldAt > TOLD_EVERY) {
    isActive = false;
    await hear("POST");
  } else if (left <= WARN_AT && left > 0 && bar.hidden) {
    await hear("GET"); // another window may have been in use
  } else if (left <= 0) {
    await hear("GET");
  } else {
    show();
  }
}

async function signIn(event) {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  const otp = form.elements.otp;
  const asksCode = !otp.closest("p").hidden;
  const wrong = form.querySelector(".field-error");
  wrong.hidden = true;
  let said = {};
  try {
    const answer = await fetch(asksCode ? form.dataset.code : form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json", "X-CSRFToken": token() },
    });
    said = answer.redirected ? {} : await answer.json();
  } catch {
    said = {};
  }
  if (said.done) {
    form.elements.password.value = otp.value = "";
    otp.closest("p").hidden = true;
    form.elements.password.closest("p").hidden = false;
    cover.close();
    await hear("POST");
  } else if (said.next === "code") {
    otp.closest("p").hidden = false;
    form.elements.password.closest("p").hidden = true;
    otp.focus();
  } else {
    wrong.textContent = said.say || "";
    wrong.hidden = !said.say;
    (asksCode ? otp : form.elements.password).select();
  }
}

if (bar && cover) {
  endsAt = Date.now() + Number(bar.dataset.left) * 1000;
  for (const sign of ["pointerdown", "keydown", "wheel"]) {
    addEventListener(sign, () => { isActive = true; }, { passive: true, capture: true });
  }
  bar.querySelector("button").addEventListener("click", () => hear("POST"));
  cover.addEventListener("cancel", (event) => event.preventDefault()); // Escape doesn't uncover
  cover.addEventListener("close", () => { if (endsAt <= Date.now() && !isAsking) hear("GET"); });
  cover.querySelector("form").addEventListener("submit", signIn, true);
  document.addEventListener("signed-out", () => { endsAt = 0; hear("GET"); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
  addEventListener("pageshow", (event) => { if (event.persisted) hear("GET"); });
  setInterval(tick, LOOK_EVERY);
}
