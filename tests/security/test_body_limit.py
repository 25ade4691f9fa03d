"""How much may be sent at once, through the real web server: 413, and never a 500."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from scheduler.domain.permissions import Actor
from scheduler.services import api_keys
from tests import factories as make
from tests.factories import NOW

MOST = 1024 * 1024


def send(port: int, path: str, body: bytes | Iterator[bytes], **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body=body, headers=headers, encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/patients/", "/admin/login/", "/no/such/page/"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(web_server, path):
    server = web_server()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(200 * MOST))  # announced, and never sent
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == 413
    if path.startswith("/api/"):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(body)["code"] == "too_large"
    assert "1 MiB" in body
    assert server.output() == ""


def test_a_body_of_unknown_length_is_cut_off_when_it_has_been_enough(web_server):
    server = web_server()
    chunks = (b"x" * 65536 for _ in range(17))
    status, _kind, body = send(server.port, "/sign-in/", chunks, **{"Transfer-Encoding": "chunked"})
    assert (status, "1 MiB" in body) == (413, True)
    assert server.output() == ""


def test_the_largest_body_that_may_be_is_taken(web_server):
    key = api_keys.issue(
        actor=Actor.job("test"), name="Test", center_code=make.make_center().code, role="front-desk", now=NOW
    )
    server = web_server()
    padding = b" " * (MOST - len(b'{"query": "ana"}'))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    status, _kind, _body = send(server.port, "/api/v1/patients/search/", b'{"query": "ana"}' + padding, **headers)
    assert status == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "form", [{"username": "x" * (MOST + 1)}, {f"field-{number}": "x" for number in range(1001)}], ids=["long", "many"]
)
def test_forms_beyond_the_limits_are_400_without_internals(form):
    client = Client(raise_request_exception=False)
    answer = client.post("/sign-in/", urlencode(form), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "could not be read" in page
    assert "DATA_UPLOAD" not in page
    assert "Traceback" not in page


@pytest.mark.django_db
def test_files_are_taken_nowhere_but_where_managers_import():
    client = Client(raise_request_exception=False)
    answer = client.post("/sign-in/", {"username": "x", "file": SimpleUploadedFile("x.txt", b"x")})
    assert answer.status_code == 400


@pytest.mark.django_db
def test_a_file_for_an_import_is_no_reason_to_keep_it_on_the_disk(settings):
    assert settings.FILE_UPLOAD_HANDLERS == ["scheduler.web.uploads.OnlyImports"]
    client = Client(raise_request_exception=False)
    answer = client.post("/imports/", {"file": SimpleUploadedFile("x.txt", b"x")})
    assert answer["Location"].startswith("/sign-in/")
