// Who is looked for shows while she types. Searches are posts, so that no name stands in an address or a log. Enter and
// the button work without this file.

const form = document.querySelector(".find-large");
const field = form?.elements.q;
let waiting = 0;
let asked = 0;

async function look() {
  const mine = ++asked;
  const body = new FormData(form);
  body.set("typing", "1"); // one alone is shown, not gone to: she may not have finished
  let page = null;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" } });
    if (answer.ok && !answer.redirected) page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return; // Enter says what is the matter
  }
  const now = page?.getElementById("found");
  if (!now || mine !== asked) return;
  now.querySelector("[autofocus]")?.removeAttribute("autofocus"); // she is typing
  document.getElementById("found").replaceWith(document.adoptNode(now));
  document.getElementById("found-said").textContent = now.dataset.said;
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, 200);
});

// From the field down into the list, and through it.
document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const places = [field, ...document.querySelectorAll("#found .person")];
  const here = places.indexOf(document.activeElement);
  if (!step || here < 0 || !places[here + step]) return;
  event.preventDefault();
  places[here + step].focus();
});
