// Minutes since and minutes left go on counting between two answers of the service, by its clock: also while it can't be
// reached, and at once when the tablet wakes up.

let ahead = 0; // ms by which this device's clock is ahead of the service's

const main = () => document.querySelector("main[data-now]");

function length(seconds) {
  const minutes = Math.max(Math.floor(seconds / 60), 0);
  const hours = Math.floor(minutes / 60);
  const rest = String(minutes % 60).padStart(2, "0");
  return hours ? main().dataset.hours.replace("{h}", hours).replace("{m}", rest) : main().dataset.minutes.replace("{n}", minutes);
}

function count(timer, now) {
  const { runs, after } = timer.dataset;
  const left = Number(timer.dataset.at) - now;
  const isOver = runs === "down" && left <= 0;
  const text = `${isOver ? "+" : ""}${length(Math.abs(left))}`;
  if (timer.firstChild.data !== text) timer.firstChild.data = text;
  timer.classList.toggle("is-over", isOver);
  if (isOver) timer.querySelector("small").textContent = after;
}

export function countAll() {
  if (!main()) return;
  const now = (Date.now() - ahead) / 1000;
  for (const timer of document.querySelectorAll(".timer[data-runs]")) count(timer, now);
}

// To be called with what the service has just sent.
export function setClock(moment) {
  ahead = Date.now() - Number(moment) * 1000;
  countAll();
}

setInterval(countAll, 5000);
for (const name of ["pageshow", "focus"]) window.addEventListener(name, countAll);
document.addEventListener("visibilitychange", countAll);
