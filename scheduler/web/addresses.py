"""Where a request comes from. Only the connection's own address counts: uvicorn has put the client's there where the
connection came from one of TRUSTED_PROXIES, and nothing here ever reads a forwarding header."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

_HOUSEHOLD = 64  # bits of an IPv6 address that one customer is given; the rest is hers to change at will


def of(request: HttpRequest) -> str | None:
    """The client's address, or None where the server knows none (a socket file)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR") or ""))
    except ValueError:
        return None


def for_lock(request: HttpRequest) -> str | None:
    """What counts as one address when tries are counted: an IPv4 address, or a whole IPv6 /64."""
    address = of(request)
    if address is None or ipaddress.ip_address(address).version == 4:
        return address
    return str(ipaddress.ip_network(f"{address}/{_HOUSEHOLD}", strict=False).network_address)


def for_log(*_: object) -> str:
    """How axes names a client in the log: not at all."""
    return "a client"
