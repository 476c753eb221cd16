"""A server has its port before it begins, is ready when it answers so, and ends for a reason that it tells."""

import asyncio
import os
import signal
import socket
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pat_server.commands.ports import reserved
from pat_server.commands.serving import ReadyServer, url_of
from pat_server.commands.signals import run_stoppable, stoppable
from pat_server.commands.trouble import Trouble
from pat_server.stopping import Stopping

HOST = "127.0.0.1"


def app(status: int) -> Starlette:
    """An app that is ready, or is not."""
    return Starlette(routes=[Route("/readyz", lambda _: PlainTextResponse("so it is", status))])


def send(number: signal.Signals) -> None:
    """Let a signal reach this process."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_once_that_it_is_ready_and_a_signal_ends_it_as_an_exit(number: signal.Signals) -> None:
    told = []

    def on_ready() -> None:
        told.append("ready")
        send(number)

    with pytest.raises(SystemExit) as end, stoppable(), reserved(HOST, 0) as bound:
        ReadyServer(app(200), bound, on_ready=on_ready).serve_until_stopped()
    assert end.value.code == 128 + number
    assert told == ["ready"]


def test_it_stays_when_its_reader_has_gone() -> None:
    def on_ready() -> None:
        threading.Timer(1.5, send, [signal.SIGTERM]).start()
        raise BrokenPipeError

    with pytest.raises(SystemExit), stoppable(), reserved(HOST, 0) as bound:
        ReadyServer(app(200), bound, on_ready=on_ready).serve_until_stopped()


def test_a_server_that_does_not_become_ready_ends_with_what_it_answered() -> None:
    with reserved(HOST, 0) as bound:
        server = ReadyServer(app(503), bound, on_ready=pytest.fail, patience_seconds=0.2)
        with pytest.raises(Trouble, match="did not become ready; /readyz says: 503 so it is"):
            server.serve_until_stopped()


def test_a_failure_beside_it_ends_it() -> None:
    with reserved(HOST, 0) as bound:
        server = ReadyServer(app(200), bound, on_ready=lambda: None, failure=lambda: "The roof is gone.")
        with pytest.raises(Trouble, match="The roof is gone"):
            server.serve_until_stopped()


def test_after_a_sigterm_it_serves_until_proxies_have_noticed() -> None:
    stopping, told, drain = Stopping(), [], 1.0

    def on_ready() -> None:
        told.append(("ready", time.monotonic()))
        send(signal.SIGTERM)
        time.sleep(drain / 2)
        with socket.create_connection(bound.getsockname()):
            told.append(("connected", time.monotonic()))

    stopping.when_begun(lambda: told.append(("told", time.monotonic())))
    with pytest.raises(SystemExit), stoppable(), reserved(HOST, 0) as bound:
        ReadyServer(
            app(200), bound, on_ready=on_ready, stopping=stopping, drain_seconds=drain
        ).serve_until_stopped()
    (_, ready), (_, farewell), _ = told
    assert [what for what, _ in told] == ["ready", "told", "connected"]
    assert farewell - ready < drain / 2
    assert time.monotonic() - ready >= drain


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_ctrl_c_and_a_second_signal_do_not_wait_for_proxies(numbers: list[signal.Signals]) -> None:
    def on_ready() -> None:
        for number in numbers:
            send(number)
            time.sleep(0.2)

    begun = time.monotonic()
    with pytest.raises(SystemExit) as end, stoppable(), reserved(HOST, 0) as bound:
        ReadyServer(app(200), bound, on_ready=on_ready, drain_seconds=30).serve_until_stopped()
    assert end.value.code == 128 + numbers[-1]
    assert time.monotonic() - begun < 15


def test_a_reserved_port_lets_nobody_in_yet() -> None:
    with reserved(HOST, 0) as bound, socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(bound.getsockname())


def test_a_port_that_is_taken_later_is_told_too() -> None:
    with reserved(HOST, 0) as bound, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(bound.getsockname())
        other.listen()
        with pytest.raises(Trouble, match="is taken by another program"):
            ReadyServer(app(200), bound, on_ready=pytest.fail).serve_until_stopped()


def test_a_host_that_is_none_is_told() -> None:
    with pytest.raises(Trouble, match="cannot be used"), reserved("nowhere.invalid", 8000):
        pass


def test_an_address_of_version_six_is_bracketed() -> None:
    assert url_of("::1", 80) == "http://[::1]:80"


def test_a_signal_lets_a_coroutine_clean_up_before_the_exit() -> None:
    seen = []

    async def work() -> None:
        try:
            asyncio.get_running_loop().call_soon(send, signal.SIGTERM)
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)
            seen.append("clean")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        run_stoppable(work())
    assert (end.value.code, seen) == (128 + signal.SIGTERM, ["clean"])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_comes_too_late_to_cancel_is_not_lost() -> None:
    async def work() -> None:
        send(signal.SIGINT)

    with pytest.raises(SystemExit):
        run_stoppable(work())


def test_a_cancellation_that_nobody_asked_for_is_passed_on() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_stoppable(work())
