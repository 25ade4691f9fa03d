// A page keeps its <main data-version data-live data-stream> in step with its day, says when it is offline and how old
// it is, and comes back by itself. Everything works without this file.

import { PATIENCE, watch } from "./live.js";

const main = () => document.querySelector("main[data-live]");
const live = document.querySelector(".live");
const thisMinute = () => Math.floor(Date.now() / 60000);
let heardAt = Date.now();

// Nobody is there because of this: the header says so, and the session's idle time goes on.
export const call = (url, options) =>
  fetch(url, { cache: "no-store", headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(PATIENCE), ...options });

export const parse = (text) => new DOMParser().parseFromString(text, "text/html");

// Says whether the service can be reached; seconds since it last could.
export function say(isLive) {
  if (isLive) heardAt = Date.now();
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  live.hidden = false;
  live.classList.toggle("is-stale", !isLive);
  live.textContent = isLive ? live.dataset.live : live.dataset.stale.replace("{seconds}", seconds);
  return seconds;
}

async function load(url) {
  const answer = await call(url);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.redirected ? null : answer;
}

// `take(text)` takes over the page as it is now, `part(text)` what may change while the page is in use: never a form
// under a hand. `where()` is the page's address. `isTimed()`: minutes run on the page, so that it is asked for anew each
// minute. `fresh(isLive, seconds)` runs whenever it is known how old the page is.
export function follow({ take, part, isBusy = () => false, where = () => location.href, isTimed = () => false, fresh = () => {} }) {
  let minute = thisMinute();
  let partly = ""; // what `part` was given
  const stands = () => `${where()} ${main().dataset.version}`;
  const tell = (isLive) => fresh(isLive, say(isLive));

  // True: something is left to take over.
  async function read(isDue = true, now = "") {
    if (!isDue) return false;
    if (isBusy() && (!part || now === partly)) return true;
    const before = stands();
    const present = thisMinute();
    const answer = await load(where());
    if (!answer) return false;
    const text = await answer.text();
    // Something was done here meanwhile, and its answer stands: this text may be older.
    if (before !== stands()) return true;
    if (!isBusy()) {
      minute = present;
      take(text);
      return false;
    }
    partly = now;
    part?.(text);
    return true;
  }

  async function ask() {
    try {
      const answer = await load(main().dataset.live);
      if (!answer) {
        document.dispatchEvent(new Event("signed-out")); // session.js covers the page; what was typed stays
        return false;
      }
      const { version } = await answer.json();
      const isDue = String(version) !== main().dataset.version || (thisMinute() !== minute && isTimed());
      const isOwed = await read(isDue, `${version} ${thisMinute()}`);
      tell(true);
      return isOwed;
    } catch {
      tell(false);
      return true;
    }
  }

  watch(() => main().dataset.stream, ask, () => tell(true));
  tell(true);
  return () => read().catch(() => tell(false));
}

// For pages that are read: the whole of <main>.
export function replace(text) {
  const now = parse(text).querySelector("main[data-live]");
  if (now) main().replaceWith(document.adoptNode(now));
  return Boolean(now);
}
