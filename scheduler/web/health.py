"""For machines: does the process answer, can the service do its work, and some counts. Nothing personal."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scheduler.queries import health


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Says nothing about database, broker or jobs: `/readyz` does."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where every part is well, else 503; each part by name."""
    checks = health.checks(now=timezone.now())
    ready = all(check.ok for check in checks)
    body = {
        "ready": ready,
        "checks": {check.name: {"ok": check.ok, "detail": check.detail} for check in checks},
    }
    return JsonResponse(body, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format."""
    lines: list[str] = []
    described: set[str] = set()
    try:
        for name, says, labels, value in health.metrics(now=timezone.now()):
            if name not in described:
                described.add(name)
                lines += [f"# HELP {name} {says}", f"# TYPE {name} gauge"]
            lines.append(f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}")
    except DatabaseError:
        return HttpResponse("# the database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
