// The arrow keys on the worklist: from one thing to the next. Tab works without this file.

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.defaultPrevented) return;
  if (event.target.closest("input, select, textarea, dialog") || localStorage.getItem("scheduler-keys-off")) return;
  const lines = [...document.querySelectorAll(".work")];
  const here = lines.findIndex((each) => each.contains(document.activeElement));
  const next = lines[here < 0 ? 0 : here + step];
  if (!next) return;
  event.preventDefault();
  next.querySelector("a, button").focus();
});
