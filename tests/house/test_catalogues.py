"""What patients read is there in Spanish, all of it, and needs no GNU tool."""

from __future__ import annotations

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation

from scheduler.services import catalogues

ROOT = Path(settings.BASE_DIR) / "scheduler"
TEMPLATES = ROOT / "templates" / "scheduler"
PAGES = [
    *(path for path in sorted((TEMPLATES / "mail").iterdir()) if path.name != "account.txt"),
    *(TEMPLATES / name for name in ("answer.html", "_answer.html", "_answer_when.html")),
]
SOURCES = [
    ROOT / "services" / name
    for name in ("mail.py", "offer_mail.py", "calendar_file.py", "text_message.py", "wording.py")
]
CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"


def sentences() -> set[str]:
    found: set[str] = set()
    for page in PAGES:
        text = page.read_text()
        found |= set(re.findall(r'{% translate "([^"]*)"', text))
        for block in re.findall(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}", text, re.DOTALL):
            found.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", block))
    for source in SOURCES:
        found |= set(re.findall(r'\b_\(\s*"([^"]*)"', source.read_text()))
    return found


def test_every_sentence_of_the_mails_and_of_the_pages_behind_links_is_there_in_spanish():
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE)) if entry.msgstr and not entry.fuzzy}
    wanted = sentences()
    assert len(wanted) > 70
    assert sorted(wanted - known) == []


def test_no_spanish_sentence_is_left_of_a_page_that_says_something_else_now():
    aside = {"That time has just been taken. These are still free."}  # of queries/own_times.py
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE))}
    assert sorted(known - sentences() - aside) == []


def test_both_languages_have_the_same_placeholders():
    names = re.compile(r"%\(\w+\)s|<[^>]+>")
    for entry in polib.pofile(str(CATALOGUE)):
        assert sorted(names.findall(entry.msgid)) == sorted(names.findall(entry.msgstr)), entry.msgid


def test_the_running_process_speaks_spanish():
    with translation.override("es"):
        assert translation.gettext("Your visit") == "Su visita"


@pytest.mark.parametrize(
    ("wanted", "spoken"),
    [(("es",), "es"), (("es-MX", "en"), "es"), (("", "es"), "es"), (("fr", "es"), "es"), (("fr",), "en"), ((), "en")],
)
def test_a_language_that_is_not_spoken_here_is_english(wanted, spoken):
    assert catalogues.spoken(*wanted) == spoken


def test_a_catalogue_is_compiled_when_it_is_newer_and_not_again(tmp_path):
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_bytes(CATALOGUE.read_bytes())
    assert catalogues.make_ready([tmp_path]) == [folder / "django.mo"]
    assert catalogues.make_ready([tmp_path]) == []
    assert {entry.msgid for entry in polib.mofile(str(folder / "django.mo"))} >= {"Your visit"}
    assert [path.name for path in sorted(folder.iterdir())] == ["django.mo", "django.po"]
