// A page that is only read keeps its <main data-version data-live data-stream> in step with its day, says when it is
// offline and how old it is, and comes back by itself. Everything works without this file.

import { PATIENCE, watch } from "./live.js";

const EVERY_MINUTE = 60000; // ms

// `shown()` runs after another <main> was taken over; `fresh(isLive, seconds)` whenever it is known how old the page is.
// `isTimed`: minutes run on the page, so that it is asked for again each minute.
export function follow({ shown = () => {}, fresh = () => {}, isTimed = false } = {}) {
  const main = () => document.querySelector("main[data-live]");
  const live = document.querySelector(".live");
  let heardAt = Date.now();
  let minute = Math.floor(heardAt / EVERY_MINUTE);

  function say(isLive) {
    if (isLive) heardAt = Date.now();
    const seconds = Math.round((Date.now() - heardAt) / 1000);
    live.classList.toggle("is-stale", !isLive);
    live.textContent = isLive ? live.dataset.live : live.dataset.stale.replace("{seconds}", seconds);
    fresh(isLive, seconds);
  }

  async function load(url) {
    const answer = await fetch(url, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.redirected) {
      document.dispatchEvent(new Event("signed-out"));
      return null;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  }

  async function ask() {
    try {
      const answer = await load(main().dataset.live);
      if (!answer) return false;
      const { version } = await answer.json();
      const present = Math.floor(Date.now() / EVERY_MINUTE);
      if (String(version) !== main().dataset.version || (isTimed && present !== minute)) {
        const page = await load(location.pathname);
        if (!page) return false;
        const now = new DOMParser().parseFromString(await page.text(), "text/html").querySelector("main[data-live]");
        minute = present;
        if (now) {
          main().replaceWith(document.adoptNode(now));
          shown();
        }
      }
      say(true);
      return false;
    } catch {
      say(false);
      return true;
    }
  }

  watch(() => main().dataset.stream, ask, () => say(true));
}
