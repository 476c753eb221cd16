"""The log holds events in listed shapes, and nothing that somebody else said."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any
from uuid import uuid4

import orjson
import pytest
from tests.observability.calls import ROOT, logging_calls

from pat_platform.database.failures import DatabaseError
from pat_platform.errors import Refused
from pat_platform.log_sink import MOST_LINES, Sink
from pat_platform.logging import SHAPES, WITHHELD, configured, get_logger, is_written
from pat_platform.observation import Observation, begin

SECRET = "Quillonvara lives at 17 Vexilloway"
log = get_logger("pat.test")


class Lines(list[bytes]):
    """Keeps what is logged."""

    def __call__(self, line: bytes, urgent: bool) -> None:
        self.append(line)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self]

    @property
    def text(self) -> str:
        return b"\n".join(self).decode()


@pytest.fixture
def lines() -> Iterator[Lines]:
    kept = Lines()
    with configured(kept):
        yield kept


def test_an_event_says_what_when_and_where(lines: Lines) -> None:
    log.warning("database.login_failed", error="OperationalError", count=3)
    (event,) = lines.events
    assert SHAPES["at"](event.pop("at"))
    assert event == {
        "event": "database.login_failed",
        "level": "warning",
        "logger": "pat.test",
        "error": "OperationalError",
        "count": 3,
    }


def test_a_key_that_is_not_listed_is_dropped_and_counted(lines: Lines) -> None:
    log.info("person.seen", name=SECRET, phone="+91 51234 56789", count=1)
    (event,) = lines.events
    assert (event["dropped"], event["count"]) == (2, 1)
    assert not {"name", "phone"} & set(event)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("error", SECRET),
        ("code", "+91 51234 56789"),
        ("code", "919830099887"),
        ("client", "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjgw.abc"),
        ("role", "manager@cbo-a.example"),
        ("operation", "query Names { cases { id } }"),
        ("request_id", "not an id"),
        ("organisation", SECRET),
        ("login", "org_Quillonvara_case_manager"),
        ("trace", [SECRET]),
        ("trace", SECRET),
        ("causes", [SECRET]),
        ("place", SECRET),
        ("sqlstate", "22P02: invalid input"),
        ("ms", SECRET),
        ("version", SECRET),
        ("role", ["a", "list"]),
    ],
)
def test_a_value_in_another_shape_is_withheld(lines: Lines, key: str, value: Any) -> None:
    log.error("test.event", **{key: value})
    (event,) = lines.events
    assert event[key] == WITHHELD


def test_values_in_their_shapes_are_written_and_none_is_left_out(lines: Lines) -> None:
    organisation = uuid4()
    values = {
        "organisation": organisation,
        "login": f"org_{organisation.hex}_case_manager",
        "operation": "0123456789abcdef",
        "client": str(uuid4()),
        "sqlstate": "22P02",
        "place": "pat_server/app.py:12 create_app",
        "version": "0.1.0",
        "ms": 1.5,
    }
    log.info("test.event", **values, role=None)
    (event,) = lines.events
    assert {key: event[key] for key in values} == {**values, "organisation": str(organisation)}
    assert "role" not in event


def test_the_request_under_way_is_named(lines: Lines) -> None:
    observation = Observation(str(uuid4()))

    def ask() -> None:
        begin(observation)
        log.info("test.event")

    copy_context().run(ask)
    assert lines.events[0]["request_id"] == observation.request_id


def _raise() -> None:
    victim = SECRET
    try:
        raise ValueError(victim)
    except ValueError as error:
        raise DatabaseError("23505", f"Key (name)=({victim}) exists", "ux_people_email") from error


def test_an_exception_is_its_type_and_the_places_it_passed(lines: Lines) -> None:
    try:
        _raise()
    except DatabaseError as error:
        log.error("request.failed", exc_info=error)
    (event,) = lines.events
    assert (event["error"], event["causes"]) == ("DatabaseError", ["ValueError"])
    assert (event["sqlstate"], event["constraint"]) == ("23505", "ux_people_email")
    assert [place.split()[-1] for place in event["trace"]] == [
        "test_an_exception_is_its_type_and_the_places_it_passed",
        "_raise",
    ]
    assert "Quillonvara" not in lines.text


def test_a_cause_that_was_put_away_stays_away(lines: Lines) -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError:
            raise Refused("NOT_VALID", SECRET) from None
    except Refused as error:
        log.error("request.failed", exc_info=error)
    assert "causes" not in lines.events[0]
    assert "Quillonvara" not in lines.text


def _warn() -> None:
    logging.getLogger("sqlalchemy.engine").warning("SELECT * FROM people WHERE name = '%s'", SECRET)


def _raise_elsewhere() -> None:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")


def _end_a_thread() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


class _Doomed:
    def __del__(self) -> None:
        raise RuntimeError(SECRET)


def _fail_in_a_finaliser() -> None:
    _Doomed()


@pytest.mark.parametrize(
    ("happens", "event", "level"),
    [
        (_warn, "other.message", "warning"),
        (_raise_elsewhere, "server.request_failed", "error"),
        (_end_a_thread, "process.failed", "error"),
        (_fail_in_a_finaliser, "process.mistake_ignored", "error"),
    ],
)
def test_what_others_say_is_reduced_to_where_they_said_it(
    lines: Lines, happens: Callable[[], None], event: str, level: str
) -> None:
    happens()
    (told,) = lines.events
    assert (told["event"], told["level"]) == (event, level)
    assert "test_log.py" in str(told.get("place", told.get("trace")))
    assert "Quillonvara" not in lines.text


def test_a_warning_of_python_is_reduced_too(lines: Lines) -> None:
    # pytest listens to warnings itself: this is what Python calls where nobody does.
    logging._showwarning(SECRET, UserWarning, "pat_x/cases.py", 12)  # type: ignore[attr-defined]
    (event,) = lines.events
    assert (event["event"], event["error"], event["place"]) == (
        "other.message",
        "UserWarning",
        "pat_x/cases.py:12",
    )
    assert "Quillonvara" not in lines.text


def test_what_others_merely_mention_is_not_logged(lines: Lines) -> None:
    logging.getLogger("urllib3").info("GET %s", SECRET)
    assert lines == []


def test_the_end_of_a_thread_that_was_meant_is_not_logged(lines: Lines) -> None:
    thread = threading.Thread(target=lambda: exec("raise SystemExit"))
    thread.start()
    thread.join()
    assert lines == []


def test_a_line_for_a_person() -> None:
    lines = Lines()
    with configured(lines, plain=True):
        log.warning("database.login_failed", error="OperationalError", causes=["A", "B"])
    assert lines == [b"pat: warning: database.login_failed error=OperationalError causes=A,B"]


def test_what_is_not_serious_enough_is_not_written() -> None:
    lines = Lines()
    with configured(lines, level="warning"):
        log.info("test.event")
        log.warning("test.other")
        assert (is_written("info"), is_written("warning")) == (False, True)
    assert [event["event"] for event in lines.events] == ["test.other"]


def test_outside_of_a_server_events_go_to_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    log.error("test.event", count=1)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("pat", "ERROR")
    assert orjson.loads(record.getMessage())["event"] == "test.event"


def test_a_log_that_cannot_be_written_breaks_nothing() -> None:
    def broken(line: bytes, urgent: bool) -> None:
        raise RuntimeError

    with configured(broken):
        logging.getLogger("uvicorn.error").error("Something")


def test_every_event_and_key_that_the_code_logs_has_its_shape() -> None:
    calls = list(logging_calls())
    assert len(calls) > 5
    for event, keys in calls:
        assert SHAPES["event"](event), event
        assert keys <= {*SHAPES, "exc_info"}, event


def test_nobody_logs_past_the_list() -> None:
    # The issuer tells Authlib not to log what it hands out.
    allowed = {ROOT / "platform/pat_platform/logging.py", ROOT / "auth/pat_auth/issuer/server.py"}
    past = [
        str(source.relative_to(ROOT))
        for source in ROOT.glob("*/pat_*/**/*.py")
        if source not in allowed and "getLogger" in source.read_text()
    ]
    assert past == []


class Stream:
    """What a sink writes to, slowly or not at all."""

    def __init__(self) -> None:
        self.written = b""
        self.may_write = threading.Event()
        self.may_write.set()
        self.is_broken = False

    def write(self, text: bytes) -> int:
        self.may_write.wait()
        if self.is_broken:
            raise BrokenPipeError
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass


def sink_to(stream: Stream) -> Sink:
    return Sink(stream)  # type: ignore[arg-type]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_lines_are_written_in_order_and_the_last_ones_at_the_end() -> None:
    stream = Stream()
    with sink_to(stream) as sink:
        sink(b"one", False)
        wait_until(lambda: stream.written == b"one\n")
        sink(b"two", False)
        sink(b"three", True)
        wait_until(lambda: stream.written == b"one\ntwo\nthree\n")
        sink(b"four", False)
    assert stream.written == b"one\ntwo\nthree\nfour\n"
    sink(b"five", False)
    assert stream.written.endswith(b"four\nfive\n")


def test_a_reader_that_is_slow_holds_nobody_up() -> None:
    stream = Stream()
    with sink_to(stream) as sink:
        stream.may_write.clear()
        for _ in range(MOST_LINES * 2 + 1):
            sink(b"x", False)
        assert sink.dropped > 0
        stream.may_write.set()
    assert stream.written.count(b"\n") + sink.dropped == MOST_LINES * 2 + 1


def test_a_reader_that_has_gone_ends_nothing() -> None:
    stream = Stream()
    stream.is_broken = True
    with sink_to(stream) as sink:
        sink(b"x", True)
    assert sink.dropped == 1
