"""`manage.py serve`: web, worker, beat and an embedded broker in the foreground, on one machine, for one site."""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings
from django.core.management import BaseCommand, call_command
from django.db import connections
from django.db.utils import OperationalError as DatabaseError
from kombu.exceptions import OperationalError
from redis import RedisError

from scheduler.management.demo_accounts import demo_sign_ins
from scheduler.management.embedded import environment
from scheduler.management.embedded.broker import EmbeddedBroker
from scheduler.management.embedded.supervisor import Supervisor
from scheduler.models import Center

BASE_DIR = environment.BASE_DIR
GRACEFUL = 3  # seconds open requests and live pages get when the web server stops


class _Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


def _stop(*_: object) -> None:
    raise _Stopped


def _follow(parent: int) -> None:
    """`make run` killed outright must not leave the service behind, though nothing tells us but our parent's id."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


class Command(BaseCommand):
    help = "Run the whole service in the foreground: web, worker, beat and embedded broker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        environment.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        # manage.py called environment.prepare before settings were read: port and data directory stand in them.
        data = Path(settings.DATA_DIR)
        held = environment.hold_data_dir(data)
        if not environment.port_is_free(settings.PORT):
            environment.refuse(f"PORT: 127.0.0.1:{settings.PORT} is taken by another program.")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stop)
        if options["follow_parent"]:
            threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
        supervisor = Supervisor(BASE_DIR, held)
        code = 0
        try:
            code = self._run(supervisor, data, demo=not options["no_demo"])
        except _Stopped:
            print("Stopping.", file=sys.stderr, flush=True)
        finally:
            # A second Ctrl-C doesn't wait for anybody.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: supervisor.kill())
            supervisor.stop(first=("beat", "worker", "web"))
        raise SystemExit(code)

    def _run(self, supervisor: Supervisor, data: Path, *, demo: bool) -> int:
        if not os.environ.get("REDIS_URL"):
            broker = EmbeddedBroker(data / "broker")
            broker.prepare()
            settings.REDIS_URL = broker.url
            supervisor.start("broker", broker.command)
        self._database(demo=demo)
        supervisor.start("web", self._web())
        celery = [sys.executable, "-m", "celery", "--quiet", "--app", "infusion_center"]
        level = ["--loglevel", "WARNING"]
        supervisor.start(
            "worker",
            [*celery, "worker", *level, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        )
        supervisor.start("beat", [*celery, "beat", *level, "--pidfile=", "--schedule", str(data / "beat-schedule")])
        for ready in (self._web_answers, self._worker_answers):
            if child := supervisor.wait_until(ready):
                print(f"{child.name} doesn't start; the lines above say why.", file=sys.stderr)
                return 1
        self._greet(demo=demo)
        supervisor.wait_until(lambda: False, crashes=sys.maxsize)
        return 0

    def _database(self, *, demo: bool) -> None:
        # This process asks once. A pool would only retry in the background before it tells that nobody is there.
        settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            os.environ.pop("MIGRATION_DATABASE_URL", None)  # nothing that is started from here on may be the owner
        except DatabaseError as problem:
            reason = str(problem).strip().splitlines()[0]
            environment.refuse(f"DATABASE_URL: the database can't be used ({reason}).")
        if demo and not Center.objects.exists():
            call_command("load_demo")
        connections.close_all()  # children have their own

    def _web(self) -> list[str]:
        return [
            sys.executable, "-m", "uvicorn", "infusion_center.asgi:application",
            "--host", "127.0.0.1", "--port", str(settings.PORT), "--workers", str(settings.WEB_CONCURRENCY),
            "--lifespan", "off", "--no-access-log", "--log-level", "warning", "--no-server-header",
            "--timeout-graceful-shutdown", str(GRACEFUL),
            "--proxy-headers", "--forwarded-allow-ips", ",".join(settings.TRUSTED_PROXIES),
        ]  # fmt: skip

    def _web_answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", settings.PORT, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):  # not listening yet
            return False
        finally:
            connection.close()

    def _worker_answers(self) -> bool:
        options = {"socket_timeout": 2, "socket_connect_timeout": 2}
        try:
            with Celery(broker=settings.REDIS_URL) as app:
                app.conf.broker_transport_options = options
                return bool(app.control.ping(timeout=0.5, limit=1))
        except (OperationalError, RedisError):  # not up yet
            return False

    def _greet(self, *, demo: bool) -> None:
        self.stdout.write(f"Ready: http://127.0.0.1:{settings.PORT}")
        if demo and Center.objects.filter(code="demo").exists():
            self.stdout.write("Sign in to the demo clinic as:")
            for name, role, password in demo_sign_ins():
                self.stdout.write(f"  {name:12} password {password}   ({role})")
        self.stdout.flush()
        connections.close_all()
