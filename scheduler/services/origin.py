"""Where the request that runs now came from, for the record. The one thing that is not handed from call to call: every
service writes events, and none of them has anything else to do with it. Jobs and commands come from nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_address: ContextVar[str | None] = ContextVar("address", default=None)


@contextmanager
def of(address: str | None) -> Iterator[None]:
    """What is written inside came from `address`, an IPv4 or IPv6 address."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


def address() -> str | None:
    return _address.get()
