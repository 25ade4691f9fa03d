"""All addresses of the service, read from its URL configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    view: Callable[..., Any]


def all_routes() -> list[Route]:
    return list(_walk(get_resolver(), ""))


def of_web() -> list[Route]:
    return [route for route in all_routes() if not route.path.startswith(("admin/", "api/"))]


def of_api() -> list[Route]:
    return [route for route in all_routes() if route.path.startswith("api/")]


def _walk(resolver: URLResolver, before: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield Route(path, entry.callback)
        else:
            yield from _walk(entry, path)
