"""The log: events, not prose, and no word about a person.

An event has a name and values under keys. Only the keys in ``SHAPES`` are written, each only in its shape: a value that might
be a sentence, a name, a number to call or a token is withheld. What other libraries log is reduced to where in their code it
happened, and an exception to its type and the places it passed: their messages quote what they worked on.

Outside of :func:`configured`, events go to the standard library's ``pat`` logger, one JSON object each.
"""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import orjson

from pat_platform.observation import current_request_id

Shape = Callable[[Any], bool]
Event = MutableMapping[str, Any]
Destination = Callable[[bytes, bool], None]
"""(line, whether it is urgent): where lines go."""

LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
WITHHELD = "withheld"
MOST_FRAMES = 40

_WORD = re.compile(r"[A-Za-z_][A-Za-z_.:/-]{0,63}[0-9]{0,3}")
_CODE = re.compile(r"[A-Za-z0-9]{1,8}")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})")
_LOGIN = re.compile(r"(?:org_[0-9a-f]{32}|pat)_[a-z_]{1,40}")
_PLACE = re.compile(r"[\w./<>-]{1,120}:[0-9]{1,6}( [\w.<>]{1,80})?")
_WARNED = re.compile(r"(.*?):(\d+): (\w+): ")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _matches(pattern: re.Pattern[str]) -> Shape:
    found = pattern.fullmatch
    return lambda value: isinstance(value, str) and found(value) is not None


def is_id(value: Any) -> bool:
    """Whether this is a UUID, or one written in its canonical form."""
    return isinstance(value, UUID) or (isinstance(value, str) and _ID.fullmatch(value) is not None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_trace(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and _PLACE.fullmatch(each) for each in value)


_is_word, _is_code = _matches(_WORD), _matches(_CODE)

SHAPES: Mapping[str, Shape] = {
    # Every event.
    "at": _matches(_MOMENT),
    "level": _is_word,
    "event": _is_word,
    "logger": _is_word,
    "request_id": is_id,
    # A request.
    "operation": _matches(_DIGEST),
    "kind": _is_word,
    "organisation": is_id,
    "role": _is_word,
    "client": lambda value: _is_word(value) or is_id(value),
    "status": _is_number,
    "code": _is_word,
    "cost": _is_number,
    "ms": _is_number,
    "database_ms": _is_number,
    "round_trips": _is_number,
    # What went wrong.
    "reference": is_id,
    "error": _is_word,
    "causes": lambda value: isinstance(value, list) and all(map(_is_word, value)),
    "sqlstate": _is_code,
    "constraint": _is_word,
    "trace": _is_trace,
    "place": _matches(_PLACE),
    # The process.
    "login": _matches(_LOGIN),
    "provider": _is_word,
    "signal": _is_word,
    "port": _is_number,
    "count": _is_number,
    "seconds": _is_number,
    "version": _matches(re.compile(r"[0-9]+(\.[0-9a-z]+){1,3}")),
}
"""Every key that may be written, and what its values look like."""

SAID_BY_OTHERS: Mapping[str, str] = {
    "Invalid HTTP request received.": "http.invalid_request",
    "Cancel %s running task(s), timeout graceful shutdown exceeded": "server.requests_cancelled",
    "Exception in ASGI application\n": "server.request_failed",
    "ASGI callable returned without completing response.": "server.request_unanswered",
    "Unsupported upgrade request.": "http.upgrade_refused",
}
"""Messages of other libraries that are worth an event of their own."""


class Log:
    """A module's log. The library behind it is imported with the first event: most commands have none."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bound: Any = None

    def info(self, event: str, **values: Any) -> None:
        """Something that is as it should be."""
        self._logger().info(event, **values)

    def warning(self, event: str, **values: Any) -> None:
        """Something that an operator should look at."""
        self._logger().warning(event, **values)

    def error(self, event: str, **values: Any) -> None:
        """A mistake, or something that does not work."""
        self._logger().error(event, **values)

    def written(self, members: str) -> None:
        """Write the members of a JSON object whose values are known to have their shapes: the one line that every request costs."""
        line = f'{{{members},"logger":"{self._name}","level":"info","at":"{_moment(time.time())}"}}'.encode()
        if _state.render is not as_json:
            line = _state.render("info", orjson.loads(line))
        _state.write(line, logging.INFO)

    def _logger(self) -> Any:
        if self._bound is None:
            import structlog

            self._bound = structlog.wrap_logger(
                _Out(),
                processors=[_complete, allow, _render],
                wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            ).bind(logger=self._name)
        return self._bound


def get_logger(name: str) -> Log:
    """The log of a module; ``name`` is its ``__name__``."""
    return Log(name)


# From an event to a line.


def _complete(_: Any, level: str, event: Event) -> Event:
    """Add when it was, how serious it is and the request under way; take an exception apart."""
    mistake = event.pop("exc_info", None)
    if isinstance(mistake, BaseException):
        event.update(told(mistake))
    request_id = current_request_id()
    if request_id:
        event.setdefault("request_id", request_id)
    event["level"] = level
    event["at"] = _moment(time.time())
    return event


def _moment(now: float) -> str:
    second = int(now)
    if _state.second != second:
        # A busy server has thousands of events in a second.
        _state.second, _state.text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{_state.text}.{int((now - second) * 1000):03d}Z"


def allow(_: Any, __: str, event: Event) -> Event:
    """Keep what :data:`SHAPES` allows. A value in another shape is withheld; keys that are not listed are dropped and counted."""
    kept: Event = {}
    dropped = 0
    for key, value in event.items():
        shape = SHAPES.get(key)
        if shape is None:
            dropped += 1
        elif value is not None:
            kept[key] = value if shape(value) else WITHHELD
    if dropped:
        kept["dropped"] = dropped
    return kept


def _render(_: Any, level: str, event: Event) -> bytes:
    return _state.render(level, event)


def as_json(_: str, event: Event) -> bytes:
    """One JSON object."""
    return orjson.dumps(event)


def as_text(level: str, event: Event) -> bytes:
    """A line for a person: ``pat: warning: database.login_failed error=OperationalError``."""
    hidden = ("event", "level", "at", "logger")
    rest = "".join(
        f" {key}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for key, value in event.items()
        if key not in hidden
    )
    return f"pat: {level}: {event['event']}{rest}".encode()


class _Out:
    """What structlog calls with a rendered line."""

    def info(self, line: bytes) -> None:
        _state.write(line, logging.INFO)

    def warning(self, line: bytes) -> None:
        _state.write(line, logging.WARNING)

    def error(self, line: bytes) -> None:
        _state.write(line, logging.ERROR)


# Exceptions, without what they say.


def told(mistake: BaseException) -> dict[str, Any]:
    """What the log may know of an exception: its type, those behind it, PostgreSQL's code, the places that it passed."""
    event: dict[str, Any] = {"error": type(mistake).__name__, "trace": trace(mistake.__traceback__)}
    behind = _behind(mistake)
    causes: list[str] = []
    while behind is not None and len(causes) < 5:
        causes.append(type(behind).__name__)
        behind = _behind(behind)
    if causes:
        event["causes"] = causes
    for name in ("sqlstate", "constraint"):
        value = getattr(mistake, name, None)
        if isinstance(value, str):
            event[name] = value
    return event


def _behind(mistake: BaseException) -> BaseException | None:
    return mistake.__cause__ or (None if mistake.__suppress_context__ else mistake.__context__)


def trace(traceback: TracebackType | None) -> list[str]:
    """``file:line function`` of each frame, the outermost first: neither source lines nor values."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{_short(code.co_filename)}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames[-MOST_FRAMES:]


def _short(path: str) -> str:
    """The last folder and the file: what lies above is the machine's."""
    return re.sub(r"[^\w./<>-]", "_", "/".join(Path(path).parts[-2:]))


# What other libraries log.


class Foreign(logging.Handler):
    """Reduces the standard library's records to events of ours: who, how serious, where in the code."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._log = Log("other")

    def emit(self, record: logging.LogRecord) -> None:
        """Log where it happened, and what exception it was, but not what was said."""
        event = SAID_BY_OTHERS.get(str(record.msg), "other.message")
        values: dict[str, Any] = {"logger": record.name, **_place(record)}
        if record.exc_info and record.exc_info[1] is not None:
            values["exc_info"] = record.exc_info[1]
        tell = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        try:
            tell(event, **values)
        except Exception:
            # The log must never be what breaks the service; handleError would print the record itself.
            _state.failures += 1


def _place(record: logging.LogRecord) -> dict[str, str]:
    """Where in the code a record was made; of a warning of Python's, where it warned, and of what kind."""
    warned = _WARNED.match(record.getMessage()) if record.name == "py.warnings" else None
    if warned is not None:
        return {"place": f"{_short(warned[1])}:{warned[2]}", "error": warned[3]}
    return {"place": f"{_short(record.pathname)}:{record.lineno} {record.funcName}"}


# Where lines go.


class _State:
    """What :func:`configured` has decided."""

    def __init__(self) -> None:
        self.destination: Destination | None = None
        self.render: Callable[[str, Event], bytes] = as_json
        self.least = logging.INFO
        self.failures = 0
        self.second = 0
        self.text = ""

    def write(self, line: bytes, level: int) -> None:
        if self.destination is None:
            logging.getLogger("pat").log(level, "%s", line.decode())
        elif level >= self.least:
            self.destination(line, level >= logging.WARNING)


_state = _State()


@contextmanager
def configured(destination: Destination, *, level: str = "info", plain: bool = False) -> Iterator[None]:
    """Send every event of this process, and what other libraries log, to ``destination`` as long as the block lasts.

    ``level`` is a key of ``LEVELS``; ``plain`` writes lines for a person instead of JSON.
    """
    root = logging.getLogger()
    handlers = list(root.handlers)
    before = root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    _state.destination, _state.render = destination, as_text if plain else as_json
    _state.least = LEVELS[level]
    root.handlers[:] = [Foreign()]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _ended
    threading.excepthook = lambda args: _ended(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = _ignored
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        level_before, sys.excepthook, threading.excepthook, sys.unraisablehook = before
        root.setLevel(level_before)
        _state.destination, _state.render, _state.least = None, as_json, logging.INFO


def is_written(level: str) -> bool:
    """Whether events of this level are written at all."""
    return LEVELS[level] >= _state.least


def _ended(_: type[BaseException], mistake: BaseException | None, __: TracebackType | None) -> None:
    """Log what ended a thread or the process, in place of Python's own report, which quotes the exception."""
    if isinstance(mistake, SystemExit | KeyboardInterrupt):
        return
    Log("process").error("process.failed", exc_info=mistake)


def _ignored(report: "sys.UnraisableHookArgs") -> None:
    """Log what was raised where nobody can catch it, as in a finaliser, in place of Python's own report."""
    Log("process").error("process.mistake_ignored", exc_info=report.exc_value)
