"""In which media type a client is answered."""

import time

import pytest

from pat_server.asked import Asked
from pat_server.media import GRAPHQL_JSON, JSON, REMEMBERED, MediaType, is_json, negotiate, reads_pages


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/json, */*;q=0.1", JSON),
        ("application/json, */*", JSON),
        ("application/json;q=1, application/graphql-response+json;q=0.9", JSON),
        ("text/html, */*;q=0.8", JSON),
        ("application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json; charset=utf-8", GRAPHQL_JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_JSON),
        ("application/json, application/graphql-response+json", GRAPHQL_JSON),
        ("application/graphql-response+json;q=0.001", GRAPHQL_JSON),
        ("application/graphql-response+json, */*", GRAPHQL_JSON),
        ("application/json;q=0, */*", GRAPHQL_JSON),
        ("*/*, application/json;q=0.2", GRAPHQL_JSON),
        ("text/html", None),
        ("text/event-stream, multipart/mixed", None),
        ("application/json;q=0", None),
        ("application/json;q=2", None),
        ("application/json;q=much", None),
        ("application/json; charset=utf-16", None),
        ("json", None),
        (",", None),
        (";q=1", None),
    ],
)
def test_of_what_a_client_reads_the_best_is_sent(accept: str, answered: str | None) -> None:
    assert negotiate(accept) == answered


@pytest.mark.parametrize(
    ("text", "is_utf8"), [("a/b", True), ('a/b; charset="UTF-8"', True), ("a/b;charset=x", False)]
)
def test_what_names_no_charset_is_in_utf8(text: str, is_utf8: bool) -> None:
    assert MediaType.parse(text).is_utf8 is is_utf8


def test_no_header_is_read_or_remembered_beyond_what_any_client_sends() -> None:
    # Whoever sends it has not signed in, and everybody else waits meanwhile.
    began = time.thread_time()
    for number in range(REMEMBERED):
        long = f"a/{number}" + ",;q=1" * 20_000
        assert negotiate(long) is None
        assert not is_json(long)
        assert not reads_pages(long)
    assert time.thread_time() - began < 3


def test_a_hundred_thousand_headers_are_not_copied_for_each_other() -> None:
    headers = [(b"accept", b""), *[(b"accept", b"x" * 10)] * 100_000]
    began = time.thread_time()
    asked = Asked({"type": "http", "method": "POST", "headers": headers}, receive=None)  # type: ignore[arg-type]
    assert len(asked.header(b"accept")) == 1_100_000
    assert time.thread_time() - began < 1
