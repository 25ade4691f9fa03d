"""Streams for open pages, which say only that something changed; the page then asks for what it shows.

A page opens /live/<unit>/<date>/, or /live/ for all of its center, or /live/patients/<id>/. It is answered as any page
is, by a thread of the WSGI application with its session and permissions; that answer names what is watched in a header,
and `Live` keeps it open on the event loop. So no stream has a thread or a connection to the database. One poller per
process reads the versions of all that is watched once a second, and keeps no connection between two.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, connection
from django.http import Http404, HttpResponse, JsonResponse

from scheduler.queries import people, stands
from scheduler.web.body_limit import App, Message, Receive, Send
from scheduler.web.door import Desk, door

logger = logging.getLogger(__name__)

ASKED_EVERY = 1.0  # s, between two looks at the versions
BEAT_EVERY = 5.0  # s; a page that hears nothing for longer says how old it is
FRESH = 4.0  # s; versions read longer ago are no sign of life
LASTS = 240.0  # s; then the page opens a new one, whose session is looked at anew
HEADER = "X-Watched"
CHANGED = b"data: changed\n\n"
BEAT = b": here\n\nevent: beat\ndata:\n\n"  # the comment is for proxies; pages hear only events

Versions = dict[str, int]  # by the keys of queries.stands


@door("view-wall")
def live(desk: Desk, *, unit: str, date: date) -> HttpResponse:
    """How a stream begins: the page may see that day, and this is the version at that moment."""
    if not 1900 < date.year < 2200:
        raise Http404
    return _stream(stands.key_of_day(desk.unit(unit).pk, date))


@door("view-schedule")
def center(desk: Desk) -> HttpResponse:
    return _stream(stands.key_of_center(desk.center.pk))


@door("view-schedule")
def center_version(desk: Desk) -> HttpResponse:
    return JsonResponse({"version": stands.of(stands.key_of_center(desk.center.pk))})


@door("view-patients")
def patient(desk: Desk, *, pk: int) -> HttpResponse:
    return _stream(stands.key_of_patient(people.patient(center=desk.center, pk=pk).pk))


@door("view-patients")
def patient_version(desk: Desk, *, pk: int) -> HttpResponse:
    return JsonResponse({"version": stands.of(stands.key_of_patient(people.patient(center=desk.center, pk=pk).pk))})


def _stream(key: str) -> HttpResponse:
    response = HttpResponse("retry: 2000\n\n", content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would wait for more
    response[HEADER] = f"{key} {stands.of(key)}"
    return response


def versions(watched: Iterable[str]) -> Versions:
    """Of all that has ever changed. Closes its connection."""
    try:
        return stands.versions(watched)
    finally:
        connection.close()


@dataclass(eq=False)
class Stream:
    """One open page. `seen` is the version that it was told about, or began with."""

    watched: str
    seen: int
    woken: asyncio.Event
    is_over: bool = False


class Poller:
    """Looks while anybody watches. When the database can't be asked every stream ends: the pages ask by themselves,
    and say how old they are until they are answered."""

    def __init__(self, read: Callable[[Iterable[str]], Versions] = versions) -> None:
        self._read = read
        self._streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None
        self._read_at = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")

    def add(self, stream: Stream) -> None:
        self._streams.add(stream)
        if self._task is None or self._task.done():
            self._read_at = asyncio.get_running_loop().time()
            self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def is_fresh(self) -> bool:
        """Whether the versions were read just now: a database that hangs must not look like a quiet day."""
        return asyncio.get_running_loop().time() - self._read_at < FRESH

    def remove(self, stream: Stream) -> None:
        self._streams.discard(stream)

    async def _run(self) -> None:
        while self._streams:
            await asyncio.sleep(ASKED_EVERY)
            watched = {stream.watched for stream in self._streams}
            if not watched:
                return
            try:
                found = await asyncio.get_running_loop().run_in_executor(self._thread, self._read, watched)
            except DatabaseError:
                logger.warning("The open pages' streams end: the database can't be asked.")
                for stream in self._streams:
                    stream.is_over = True
                    stream.woken.set()
                self._streams.clear()
                return
            self._read_at = asyncio.get_running_loop().time()
            for stream in self._streams:
                version = found.get(stream.watched, 0)
                if version != stream.seen and stream.watched in watched:
                    stream.seen = version
                    stream.woken.set()


class Live:
    """An ASGI application around `pages`, which answer whether a stream may begin. Any other answer passes as it is."""

    def __init__(self, pages: App, poller: Poller | None = None) -> None:
        self._pages = pages
        self._poller = poller or Poller()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        stream: Stream | None = None

        async def begin(message: Message) -> None:
            nonlocal stream
            if message["type"] == "http.response.start":
                said = _header(message)
                if said and scope["method"] == "GET":
                    watched, _, version = said.rpartition(" ")
                    stream = Stream(watched, int(version), asyncio.Event())
                    message = {**message, "headers": _open_ended(message)}
            elif stream is not None:
                message = {**message, "more_body": True}
            await send(message)

        await self._pages(scope, receive, begin)
        if stream is not None:
            await self._keep(stream, receive, send)

    async def _keep(self, stream: Stream, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_until_gone(receive))
        self._poller.add(stream)
        try:
            ends = asyncio.get_running_loop().time() + LASTS
            while not gone.done() and asyncio.get_running_loop().time() < ends:
                woken = asyncio.ensure_future(stream.woken.wait())
                await asyncio.wait({woken, gone}, timeout=BEAT_EVERY, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                if stream.is_over or gone.done():
                    break
                if stream.woken.is_set() or self._poller.is_fresh:
                    said = CHANGED if stream.woken.is_set() else BEAT
                    stream.woken.clear()
                    await send({"type": "http.response.body", "body": said, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._poller.remove(stream)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _header(message: Message) -> str:
    name = HEADER.lower().encode()
    return next((value.decode() for key, value in message["headers"] if key.lower() == name), "")


def _open_ended(message: Message) -> list[tuple[bytes, bytes]]:
    """Without the header that is only for us, and without a length."""
    left_out = {HEADER.lower().encode(), b"content-length"}
    return [(key, value) for key, value in message["headers"] if key.lower() not in left_out]
