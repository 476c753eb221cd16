"""What an operator sees of a process that serves: its log, and its metrics on a port of their own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from starlette.applications import Starlette

from pat_platform.log_sink import Sink
from pat_platform.logging import configured, get_logger
from pat_platform.settings import Settings
from pat_server.commands.trouble import Trouble
from pat_server.metrics import Collected

log = get_logger("pat.process")


@contextmanager
def logged(*, level: str = "info", plain: bool = False) -> Iterator[Sink]:
    """Write the log of this process to stderr as long as the block lasts. A mistake of ours ends the process, and is logged."""
    with Sink(sys.stderr.buffer) as sink, configured(sink, level=level, plain=plain):
        try:
            yield sink
        except Exception as mistake:
            if is_expected(mistake):
                raise
            log.error("process.failed", exc_info=mistake)
            # Python's own report would quote the exception.
            sys.exit(1)


def is_expected(error: Exception) -> bool:
    """Whether a sentence tells what is wrong."""
    from pat_server.commands.plain_words import in_plain_words

    return isinstance(error, click.ClickException) or in_plain_words(error) is not None


@contextmanager
def measured(app: Starlette, settings: Settings, sink: Sink) -> Iterator[None]:
    """Tell Prometheus the numbers of this app as long as the block lasts, if a port is set. Raises Trouble if it is taken."""
    if settings.metrics_port is None:
        yield
        return
    from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, start_http_server

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    parts = app.state.parts
    registry.register(Collected(parts.measures, parts.engine, parts.database.pool, lambda: sink.dropped))
    address = settings.metrics_host, settings.metrics_port
    try:
        server, thread = start_http_server(address[1], address[0], registry)
    except OSError as error:
        raise Trouble(
            f"PAT_METRICS_PORT {address[1]} on {address[0]} cannot be used: {error.strerror}. Set another."
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
