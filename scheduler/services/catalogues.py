"""The words in other languages, made ready when a process starts.

Only the `.po` files are kept in the repository. Django reads `.mo` files, and GNU msgfmt isn't everywhere: Python
compiles them, once, into the folder that they are read from. An image that is built has them already.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import polib

# The languages that patients are written to in; another one is written to in the first.
SPOKEN = ("en", "es")


def spoken(*wanted: str) -> str:
    """The first of these that is spoken here, by its first two letters (`es-MX` is `es`); English where none is."""
    for language in wanted:
        if language[:2].lower() in SPOKEN:
            return language[:2].lower()
    return SPOKEN[0]


def make_ready(folders: Iterable[Path]) -> list[Path]:
    """Compile each catalogue that is newer than what was compiled of it. Returns those. Safe in many processes at
    once. Raises OSError where one has to be written and can't."""
    made = []
    for folder in folders:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            # Written aside and renamed: another process never reads half of it.
            draft = target.with_name(f".{target.name}.{os.getpid()}")
            draft.write_bytes(polib.pofile(str(source)).to_binary())
            os.replace(draft, target)
            made.append(target)
    return made
