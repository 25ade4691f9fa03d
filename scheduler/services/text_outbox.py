"""Texts without a provider: each becomes one `.json` file beside the demo's mails, and is read in the outbox."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path

from django.conf import settings


class Outbox:
    """A provider (services/text_provider.py). File names sort by the time of sending, as those of mails do."""

    def send(self, to: str, text: str, stable_id: str) -> str:
        """Write the text; its id is the file's name. Raises OSError where the directory can't be written."""
        folder = Path(settings.MAIL_DIR)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        # Written aside and renamed: a reader never sees half a text.
        draft = folder / f".{name}.part"
        draft.write_text(json.dumps({"to": to, "text": text, "id": stable_id}))
        os.replace(draft, folder / f"{name}.json")
        return name
