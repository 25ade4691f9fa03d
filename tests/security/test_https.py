"""Behind TLS: everything is sent to https, cookies are Secure, browsers are told to stay. Through the real web server
behind a proxy that it trusts."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message

import pytest

from tests.support.processes import WebServer

HOST = "scheduler.example.org"
TLS = {"Host": HOST, "X-Forwarded-Proto": "https"}


@pytest.fixture
def server(web_server: Callable[..., WebServer]) -> WebServer:
    return web_server(environment={"BASE_URL": f"https://{HOST}", "EMAIL_URL": "smtp://127.0.0.1:1"})


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    page: str

    @property
    def is_csrf_refusal(self) -> bool:
        return self.status == 403 and "form was too old" in self.page


def ask(server: WebServer, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, headers=headers, body=b"" if method == "POST" else None)
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    return Answer(answer.status, answer.headers, page)


def test_without_tls_every_page_leads_to_it(server: WebServer) -> None:
    for path in ("/sign-in/", "/api/v1/units/", "/admin/", "/no/such/"):
        answer = ask(server, path, Host=HOST)
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}{path}")


def test_over_tls_browsers_are_told_to_stay_and_cookies_are_secure(server: WebServer) -> None:
    answer = ask(server, "/sign-in/", **TLS)
    assert answer.status == 200
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    cookies = answer.headers.get_all("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert "Secure" in cookie
        assert "SameSite=" in cookie


@pytest.mark.parametrize(
    "origin",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Referer": "https://evil.example/"}, {}],
    ids=["another origin", "no origin", "another referer", "nothing"],
)
def test_a_form_from_elsewhere_is_refused_whatever_it_carries(server: WebServer, origin: dict[str, str]) -> None:
    token = "x" * 32
    answer = ask(server, "/sign-in/", "POST", **TLS | origin | {"Cookie": f"csrftoken={token}", "X-CSRFToken": token})
    assert answer.is_csrf_refusal


def test_the_same_form_from_our_own_page_is_taken(server: WebServer) -> None:
    token = "x" * 32
    own = {"Origin": f"https://{HOST}", "Cookie": f"csrftoken={token}", "X-CSRFToken": token}
    answer = ask(server, "/sign-in/", "POST", **TLS | own)
    assert not answer.is_csrf_refusal
    assert "Name and password, both" in answer.page


def test_a_host_that_is_not_ours_is_refused(server: WebServer) -> None:
    assert ask(server, "/sign-in/", **TLS | {"Host": "evil.example"}).status == 400


def test_methods_that_nobody_needs_are_refused(server: WebServer) -> None:
    for method in ("TRACE", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/patients/", method, **TLS).status in (302, 403, 405), method
        assert ask(server, "/sign-in/", method, **TLS).status in (403, 405), method
