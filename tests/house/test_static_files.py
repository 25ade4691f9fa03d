"""Static files straight from the sources, with DEBUG off and nothing collected."""

from __future__ import annotations

from django.test import Client

SHEET = "/static/scheduler/app.css"


def test_a_stylesheet_is_served_whole(client: Client) -> None:
    answer = client.get(SHEET)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/css")
    assert not answer.streaming  # under ASGI a streamed one costs a warning each
    assert int(answer["Content-Length"]) == len(answer.content) > 1000
    assert "Access-Control-Allow-Origin" not in answer


def test_an_unchanged_stylesheet_is_not_sent_again(client: Client) -> None:
    tag = client.get(SHEET)["ETag"]
    answer = client.get(SHEET, headers={"If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.content == b""


def test_asking_for_the_head_sends_no_body(client: Client) -> None:
    answer = client.head(SHEET)
    assert answer.status_code == 200
    assert answer.content == b""


def test_every_answer_has_the_strict_policy(client: Client) -> None:
    for address in (SHEET, "/healthz"):
        policy = client.get(address)["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
