"""Which browser on which system, as people name them, from a User-Agent line. Only good for telling one's own sessions
apart: the line says whatever its sender likes."""

from __future__ import annotations

# The first that matches wins: Edge and Opera also call themselves Chrome, and nearly all call themselves Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def named(line: str) -> tuple[str, str]:
    """("Firefox", "Windows"); an empty text for what isn't known."""
    return _first(_BROWSERS, line), _first(_SYSTEMS, line)


def _first(known: tuple[tuple[str, str], ...], line: str) -> str:
    return next((name for sign, name in known if sign in line), "")
