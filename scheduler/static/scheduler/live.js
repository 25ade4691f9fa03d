// Keeps an open page in step with its day: a stream says "changed", and while it is broken or silent the page asks by
// itself every few seconds, until a stream works again.

export const PATIENCE = 6000; // ms; a question that hangs longer is a service that can't be reached

const SILENT_AFTER = 12000; // ms; the stream beats every 5 s
const AGAIN_AFTER = 10000; // ms between two tries to open one
const ASKED_EVERY = 2000; // ms

// `url()` is the stream of the day that the page shows. `ask()` looks at the version, takes over what changed and says
// whether the page is up to date; true: something is left to take over. `heard()`: the stream is alive.
export function watch(url, ask, heard) {
  let source = null;
  let heardAt = 0;
  let triedAt = 0;
  let isOwed = false;
  let isAsking = false;
  let minute = Math.floor(Date.now() / 60000);

  async function look() {
    isOwed = true;
    if (isAsking) return;
    isAsking = true;
    isOwed = false;
    try {
      if (await ask()) isOwed = true;
    } finally {
      isAsking = false;
    }
  }

  function close() {
    source?.close();
    source = null;
  }

  function open() {
    triedAt = heardAt = Date.now();
    source = new EventSource(url());
    const here = () => { heardAt = Date.now(); };
    // What changed before it was open is looked at once.
    source.addEventListener("open", () => { here(); look(); });
    source.addEventListener("message", () => { here(); look(); });
    source.addEventListener("beat", () => { here(); heard(); });
  }

  function tick() {
    if (document.hidden) {
      close(); // a browser keeps only six connections to one server
      return;
    }
    const moved = source && !source.url.endsWith(url());
    if (source && (moved || source.readyState === EventSource.CLOSED || Date.now() - heardAt > SILENT_AFTER)) close();
    if (!source && (moved || Date.now() - triedAt > AGAIN_AFTER)) open();
    const present = Math.floor(Date.now() / 60000);
    if (isOwed || source?.readyState !== EventSource.OPEN || present !== minute) {
      minute = present;
      look();
    }
  }

  setInterval(tick, ASKED_EVERY);
  document.addEventListener("visibilitychange", () => { triedAt = 0; tick(); });
  tick();
}
