"""Which door answers which address."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from scheduler.web import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
if find_spec("scheduler.api") and find_spec("scheduler.api.urls"):
    urlpatterns.append(path("api/v1/", include("scheduler.api.urls")))
if find_spec("scheduler.web") and find_spec("scheduler.web.urls"):
    urlpatterns.append(path("", include("scheduler.web.urls")))
