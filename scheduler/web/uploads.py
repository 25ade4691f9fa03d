"""Files are taken at one address only, whole in memory and nowhere on the disk: they name patients."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import MemoryFileUploadHandler

IMPORTS = "/imports/"


class OnlyImports(MemoryFileUploadHandler):
    """Django's, except that a file which comes anywhere else is answered 400."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.request is None or self.request.path != IMPORTS:
            raise TooManyFilesSent
        super().new_file(*args, **kwargs)
