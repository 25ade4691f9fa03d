"""Which door answers which address."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing about database, broker or jobs: `/readyz` does."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("admin/", admin.site.urls),
]
if find_spec("scheduler.api") and find_spec("scheduler.api.urls"):
    urlpatterns.append(path("api/v1/", include("scheduler.api.urls")))
if find_spec("scheduler.web") and find_spec("scheduler.web.urls"):
    urlpatterns.append(path("", include("scheduler.web.urls")))
