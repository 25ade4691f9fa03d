"""Takes the pictures of this folder: every page and state of tests/browser/every/table.py, in four sizes.

    .venv/bin/python docs/screenshots/take.py [--into DIRECTORY] [--data DIRECTORY] [--unchecked] [name ...]

The demo clinic stands on its Tuesday in a directory of its own (kept with --data, so that a second run is quicker).
Each state is looked at as a test would: axe, the console, sideways scrolling, targets under 24 px. What was found is
listed, and the exit code is 1. With Pillow there (`pip install pillow`), pictures are brought down to 256 colours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOUSE = HERE.parent.parent
SIZES: dict[str, dict[str, Any]] = {
    "": {"size": (1440, 900), "scheme": "light"},
    "-tablet": {"size": (1024, 768), "scheme": "light"},
    "-dark": {"size": (1440, 900), "scheme": "dark"},
}
HEAD = """# Every page and state

`take.py` takes them from the demo clinic on Tue 24 Nov 2026 at 10:42: wide (1440x900), tablet (1024x768), dark
(1440x900) and print (the width of A4 landscape), and looks at each as a test would. The table of states is
tests/browser/every/table.py; tests/browser/test_every_page.py opens all of them. The smaller states are kept wide only.

| state | page | who | pictures |
|---|---|---|---|
"""
# Of the others the folder keeps the wide picture only; with --into, all of all.
MAIN = """
board board-visit board-full board-night board-refusal board-swap board-why board-keys board-book book-places
course-preview course-conflict course course-pause worklist worklist-snooze waitlist close close-chair close-nurse
capacity capacity-month figures messages wording-edit imports import-columns import-dry-run patients-found patient
patient-new-wrong patient-merge-both floor floor-visit floor-night assign assign-suggested handover sheet people
account second-factor record outbox sign-in answer-confirm answer-offer
"""
IN_EVERY_SIZE = frozenset(MAIN.split())
A4_WIDE = (1047, 720)  # CSS pixels inside the margins of A4 landscape


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("names", nargs="*", metavar="name", help="which states; all without one")
    asked.add_argument("--into", type=Path, default=HERE, help="where the pictures go")
    asked.add_argument("--data", type=Path, help="where the clinic is kept for the next time")
    asked.add_argument("--paper", action="store_true", help="also a PDF of each page that is printed")
    asked.add_argument("--unchecked", action="store_true", help="only the pictures, which is quicker")
    options = asked.parse_args()
    data = options.data or Path(tempfile.mkdtemp())
    data.mkdir(parents=True, exist_ok=True)
    options.into.mkdir(parents=True, exist_ok=True)
    try:
        with clinic(data) as (base, things, passwords):
            return take(base, things, passwords, options)
    finally:
        if options.data is None:
            shutil.rmtree(data)


@contextmanager
def clinic(data: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """The service on a port of its own, on the demo's Tuesday."""
    os.environ.update(DEBUG="1", DATA_DIR=str(data), DJANGO_SETTINGS_MODULE="infusion_center.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the browser's loop runs in this thread
    sys.path.insert(0, str(HOUSE))
    import django

    django.setup()

    import time_machine
    from django.conf import settings
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    from scheduler.management.demo_accounts import demo_password
    from tests.browser.conftest import _Quiet, _Server
    from tests.browser.every import stage
    from tests.browser.every.table import PAGES

    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["127.0.0.1"]  # the pages that everybody sees
    call_command("migrate", verbosity=0)
    kept = data / "things.json"
    with time_machine.travel(stage.NOW, tick=True):
        if not kept.exists():
            kept.write_text(json.dumps(stage.set_the_stage(), default=str))
        things = json.loads(kept.read_text())
        server = _Server(("127.0.0.1", 0), _Quiet)
        server.set_app(StaticFilesHandler(get_wsgi_application()))  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        own = {"operator": things["password"]}
        demo = demo_password()
        passwords = {shown.who: own.get(shown.who, demo) for shown in PAGES if shown.who}
        yield f"http://127.0.0.1:{server.server_port}", things, passwords
        server.shutdown()
        server.server_close()


def take(base: str, things: dict[str, Any], passwords: dict[str, str], options: argparse.Namespace) -> int:
    from django.template.loader import render_to_string
    from playwright.sync_api import Browser, Page, Route, sync_playwright

    from tests.browser.every import look
    from tests.browser.every.shown import go, sign_in
    from tests.browser.every.table import PAGES

    failed: list[str] = []
    said: list[str] = []
    rooms: dict[str, Page] = {}

    def broken(route: Route) -> None:
        route.fulfill(status=500, content_type="text/html", body=render_to_string("500.html"))

    def room(browser: Browser, who: str) -> Page:
        """The window of that role; a new one each time for who is signed out."""
        if who in rooms:
            return rooms[who]
        page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.route("**/broken/", broken)
        if who:
            sign_in(page, base, who, passwords[who])
            rooms[who] = page
        return page

    chosen = [shown for shown in PAGES if not options.names or shown.name in options.names]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for shown in chosen:
            said.clear()
            found: list[str] = []
            page = room(browser, shown.who)
            page.emulate_media(color_scheme="light", media="screen")
            page.set_viewport_size({"width": 1440, "height": 900})
            try:
                for suffix, how in SIZES.items():
                    if shown.is_wide and suffix == "-tablet":
                        continue
                    page.emulate_media(color_scheme=how["scheme"])
                    page.set_viewport_size({"width": how["size"][0], "height": how["size"][1]})
                    if not suffix or (shown.steps is not None and shown.who):  # what lies at a place lies elsewhere now
                        status = go(page, base, shown, things)
                        if status != shown.says:
                            found.append(f"answered {status}, not {shown.says}")
                    if not suffix or options.into != HERE or shown.name in IN_EVERY_SIZE:
                        _picture(page, options.into / f"{shown.name}{suffix}.png")
                    if options.unchecked:
                        continue
                    if suffix != "-tablet":
                        found += look.accessible(page, look.COLOURS if suffix else look.RULES)
                    found += look.fits(page)
                if shown.prints:
                    _print(page, options, shown.name)
            except Exception as problem:  # noqa: BLE001 - one page that breaks leaves the others to be looked at
                found.append(str(problem).splitlines()[0])
            found += [each for each in said if not shown.may_say(each)]
            failed += [f"{shown.name}: {each}" for each in dict.fromkeys(found)]
            if not shown.who:
                page.context.close()
        browser.close()
    _write_index(options.into)
    print("\n".join(failed) or f"{len(chosen)} states, nothing found.")  # noqa: T201
    return 1 if failed else 0


def _picture(page: Any, path: Path) -> None:
    page.screenshot(path=path)
    _slim(path)


def _print(page: Any, options: argparse.Namespace, name: str) -> None:
    """As on paper: the print styles at the width of A4 landscape."""
    page.emulate_media(media="print", color_scheme="light")
    page.set_viewport_size({"width": A4_WIDE[0], "height": A4_WIDE[1]})
    _picture_of_paper(page, options.into / f"{name}-print.png")
    if options.paper:
        page.pdf(path=options.into / f"{name}.pdf", prefer_css_page_size=True, format="A4", landscape=True)
    page.emulate_media(media="screen")


def _picture_of_paper(page: Any, path: Path) -> None:
    """Two sheets at most: the rest looks the same."""
    tall = min(page.evaluate("document.documentElement.scrollHeight"), 2 * A4_WIDE[1])
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": A4_WIDE[0], "height": tall})
    _slim(path)


def _write_index(into: Path) -> None:
    """README.md: what there is of each state, as the files say, and what other tests have left here."""
    from tests.browser.every.table import PAGES

    there = {path.stem for path in into.glob("*.png")}
    suffixes = {"": "wide", "-tablet": "tablet", "-dark": "dark", "-print": "print"}
    lines = [HEAD]
    for shown in PAGES:
        found = [(word, shown.name + suffix) for suffix, word in suffixes.items() if shown.name + suffix in there]
        there -= {name for _word, name in found}
        links = ", ".join(f"[{word}]({name}.png)" for word, name in found)
        who = shown.who or "nobody"
        lines.append(f"| {shown.name} | `{shown.path.split('?')[0]}` | {who} | {links or 'taken, not kept'} |\n")
    if there:
        lines.append("\nOn phones, in mails and in the middle of something, left by the tests of tests/browser:\n\n")
        lines += [f"- [{name}]({name}.png)\n" for name in sorted(there)]
    (into / "README.md").write_text("".join(lines), encoding="utf-8")


def _slim(path: Path) -> None:
    try:
        from PIL import Image
    except ImportError:  # larger files, the same pictures
        return
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
