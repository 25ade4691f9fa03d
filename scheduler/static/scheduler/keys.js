// Keys of the desk (GUIDE, "Behaviour"): a control with data-key is pressed by its key, "G" then a letter goes places.
// Not inside fields, not with Ctrl, Alt or Meta. Everything works without this file.

const OFF = "scheduler-keys-off"; // a person may switch keys off, in the overlay that "?" opens
const help = document.getElementById("key-table");
const isOn = document.getElementById("keys-on");
let going = false;

function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, [contenteditable]") !== null;
}

function press(control) {
  if (control.matches("input")) {
    control.focus();
    control.select();
  } else {
    control.click();
  }
}

function find(attribute, key) {
  return [...document.querySelectorAll(`[${attribute}]`)].find(
    (control) => control.getAttribute(attribute).toLowerCase() === key && control.getClientRects().length > 0,
  );
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || help?.open) return;
  // The way to this table is always open.
  if (help && event.key === help.querySelector("[data-does=help]").dataset.shortcut && !isTyping(event.target)) {
    event.preventDefault();
    help.showModal(); // focus goes in, and back to where it was
    return;
  }
  if (localStorage.getItem(OFF)) return;
  if (event.key === "Escape") {
    const open = document.activeElement.closest("details[open]") ?? document.querySelector("details[open]:not(.more)");
    if (open) {
      open.removeAttribute("open");
      open.querySelector("summary").focus();
      return;
    }
  }
  if (isTyping(event.target)) return;
  const key = event.key.toLowerCase();
  const control = going ? find("data-go", key) : find("data-key", key);
  going = !going && key === "g" && !control;
  document.body.classList.toggle("is-going", going); // the board's own keys wait meanwhile
  if (control) {
    event.preventDefault();
    press(control);
  }
});

// A tap sent twice is one tap: a form that is on its way is not sent again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
});

// A menu closes when the work goes on elsewhere.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.account[open], details.pick-day[open], details.popover[open]")) {
    if (!open.contains(event.target)) open.removeAttribute("open");
  }
});

if (isOn) {
  isOn.checked = !localStorage.getItem(OFF);
  isOn.addEventListener("change", () => (isOn.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
}
help?.querySelector("[data-closes-keys]").addEventListener("click", () => help.close());
for (const opener of document.querySelectorAll("[data-opens-keys]")) {
  opener.hidden = false;
  opener.addEventListener("click", () => help.showModal());
}
