"""The port that a server listens on: bound early, so that a taken one is told at once."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from pat_server.commands.trouble import Trouble

LAST_PORT = 65535


@contextmanager
def reserved(host: str, port: int) -> Iterator[socket.socket]:
    """Bind the port, so that a taken one is found before any work is done. Nobody can connect yet.

    Raises Trouble, with the next free port if this one is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = _bind(family, host, port)
    except OSError as error:
        raise Trouble(refused(family, host, port, error)) from None
    with bound:
        yield bound


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """A socket on this port that does not listen yet. Raises OSError."""
    for is_trial in (True, False):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # A port that is merely cooling down counts as free.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
            if not is_trial:
                return bound
            # Another process may have bound it as we do: only listening tells.
            bound.listen()
        except BaseException:
            bound.close()
            raise
        bound.close()
    raise AssertionError


def refused(family: socket.AddressFamily, host: str, port: int, error: OSError) -> str:
    """Why the port cannot be had, and which one can."""
    if error.errno != errno.EADDRINUSE:
        return f"Port {port} on {host} cannot be used: {error.strerror}."
    free = next((other for other in range(port + 1, LAST_PORT + 1) if _is_free(family, host, other)), None)
    advice = f" Try --port {free}." if free else ""
    return f"Port {port} is taken by another program.{advice}"


def _is_free(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        _bind(family, host, port).close()
    except OSError:
        return False
    return True
