"""Text that a spreadsheet program opens: it must stay text."""

from __future__ import annotations

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(cell: str) -> str:
    """The cell as it is, or with an apostrophe before it where a spreadsheet would calculate it (OWASP, "CSV
    injection"). A phone number such as +1 212 555 0199 gets one, too: shown, it looks the same."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA_BEGINS) else cell
