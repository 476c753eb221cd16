"""The way out to a provider: where it may lead, how much comes back, and how long it may take."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from time import monotonic, sleep

import pytest
import requests

from pat_auth.issuer import upstreams_http
from pat_auth.issuer.upstreams import Trouble
from pat_auth.issuer.upstreams_http import Way, check_address, is_outside, session_for

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """Somebody who listens on this machine and answers one connection; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                serve(connection)

        thread = Thread(target=answer)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def get(url: str, *, may_be_inside: bool = False, allows_loopback: bool = True) -> requests.Response:
    way = Way(may_be_inside=may_be_inside, allows_loopback=allows_loopback)
    with session_for(requests.Session(), way) as session:
        return session.get(url)


def refused(url: str, **values: bool) -> str:
    with pytest.raises(Trouble) as trouble:
        get(url, **values)
    return trouble.value.code


def says(text: str) -> Serve:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text.encode())

    return serve


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::8.8.8.8", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("2002:a00:1::", False),
        ("somewhere", False),
    ],
)
def test_an_address_is_outside_or_it_is_not(address: str, expected: bool) -> None:
    assert is_outside(address) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1@login.example.org",
        "https://me:secret@login.example.org",
        "https://login.example.org/#here",
        "https://login.example.org:port",
        "https://[login.example.org",
        "https://",
        "https://login example.org",
        "https://lógin.example.org",
        "ftp://login.example.org",
        "login.example.org",
        "",
        None,
        7,
    ],
)
def test_what_is_no_address_of_a_provider_is_refused(url: object) -> None:
    with pytest.raises(Trouble):
        check_address(url, allows_loopback=True)


def test_this_machine_is_asked_without_tls_where_that_is_allowed() -> None:
    for url in ("http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:8080"):
        assert check_address(url, allows_loopback=True) == url
        with pytest.raises(Trouble):
            check_address(url, allows_loopback=False)


def test_what_is_answered_is_read_whole() -> None:
    with listening(says("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + "x" * 50_000)) as port:
        assert get(f"http://127.0.0.1:{port}").text == "x" * 50_000


def test_an_address_inside_is_told_nothing_unless_it_may_be_there() -> None:
    heard: list[bytes] = []
    for may_be_inside, code in ((False, "INSIDE"), (True, "")):
        with listening(lambda connection: heard.append(connection.recv(4096))) as port:
            url = f"https://127.0.0.1:{port}"
            if code:
                assert refused(url, may_be_inside=may_be_inside) == code
            else:
                with pytest.raises(requests.exceptions.ConnectionError):
                    get(url, may_be_inside=may_be_inside)
    assert heard[0] == b""
    assert heard[1] != b""


def test_an_address_outside_is_spoken_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstreams_http, "is_outside", lambda _: True)
    heard: list[bytes] = []
    with (
        listening(lambda connection: heard.append(connection.recv(4096))) as port,
        pytest.raises(requests.exceptions.ConnectionError),
    ):
        get(f"https://127.0.0.1:{port}")
    assert heard != [b""]


@pytest.mark.parametrize("status", ["201 Created", "302 Found\r\nlocation: /", "404 Not Found", "500 Oh"])
def test_what_is_no_plain_success_is_refused(status: str) -> None:
    with listening(says(f"HTTP/1.1 {status}\r\nconnection: close\r\n\r\n")) as port:
        assert refused(f"http://127.0.0.1:{port}") == "STATUS"


def test_what_is_too_long_compressed_or_too_slow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = "HTTP/1.1 200 OK\r\nconnection: close\r\n"
    with listening(says(f"{begun}content-encoding: gzip\r\n\r\nx")) as port:
        assert refused(f"http://127.0.0.1:{port}") == "COMPRESSED"
    monkeypatch.setattr(upstreams_http, "MOST_BYTES", 10)
    with listening(says(f"{begun}\r\n" + "x" * 11)) as port:
        assert refused(f"http://127.0.0.1:{port}") == "TOO_LONG"
    monkeypatch.setattr(upstreams_http, "WHOLE_SECONDS", 0)
    with listening(says(f"{begun}\r\nx")) as port:
        assert refused(f"http://127.0.0.1:{port}") == "TOO_SLOW"


@pytest.mark.parametrize(
    "begun", ["HTTP/1.1 200 OK\r\nx: ", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]
)
def test_what_drips_is_over_in_time_in_the_middle_of_a_line_too(
    monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    monkeypatch.setattr(upstreams_http, "WHOLE_SECONDS", 0.3)

    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        with suppress(OSError):
            connection.sendall(begun.encode())
            for _ in range(20):
                sleep(0.1)
                connection.sendall(b"0")

    began = monotonic()
    with listening(drip) as port:
        assert refused(f"http://127.0.0.1:{port}") == "TOO_SLOW"
        assert monotonic() - began < 1


def test_a_handshake_that_does_not_end_is_over_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstreams_http, "WHOLE_SECONDS", 0.3)

    def wait(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    began = monotonic()
    with listening(wait) as port:
        assert refused(f"https://127.0.0.1:{port}", may_be_inside=True) == "TOO_SLOW"
        assert monotonic() - began < 1


def test_no_proxy_and_no_password_is_taken_from_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with listening(says("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nx")) as port:
        assert get(f"http://127.0.0.1:{port}").text == "x"
