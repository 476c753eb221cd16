"""The way out to an organisation's OpenID provider: to where it says it is, and nowhere else, for no more than we bargained for.

Whoever registers a provider names an address that this server will ask. It must not become a way into our own network, nor keep us
waiting, nor fill our memory: https alone, no redirect followed, no address inside unless it was allowed, a limit of bytes and of time.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from pat_auth.issuer.upstreams import Trouble

MOST_BYTES = 256 * 1024
CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
WHOLE_SECONDS = 10.0
_CHUNK = 16 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What stands for an address of IPv4 is as far inside as that one (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")


def check_address(url: object, *, allows_loopback: bool) -> str:
    """The address, if it is one that may be asked: https, or http on this machine where that is allowed. Raises Trouble."""
    if not isinstance(url, str) or not url.isascii() or any(each.isspace() for each in url):
        raise Trouble("ADDRESS")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Trouble("ADDRESS") from None
    is_here = parts.netloc.rpartition(":")[0] in _LOOPBACK or parts.netloc in _LOOPBACK
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_here and allows_loopback)
    if not host or not is_safe or "@" in parts.netloc or parts.fragment:
        raise Trouble("ADDRESS")
    return url


def is_outside(address: str) -> bool:
    """Whether an address is one of the whole Internet's, and not of this machine, this network, or no single host's."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or _behind(found)
    return found.is_global and not found.is_multicast


def _behind(address: IPv6Address) -> IPv4Address | IPv6Address:
    return IPv4Address(address.packed[-4:]) if address in _TRANSLATED else address


class Way(HTTPAdapter):
    """How requests go out. ``may_be_inside`` lets them go to addresses of this network, ``allows_loopback`` to this machine without TLS."""

    def __init__(self, *, may_be_inside: bool, allows_loopback: bool) -> None:
        self._may_be_inside = may_be_inside
        self._allows_loopback = allows_loopback
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **values: Any) -> None:
        """Let connections end in time, and look at whom they have reached."""
        super().init_poolmanager(*arguments, **values)
        # Without TLS nobody but this machine is asked.
        https = _Pool if self._may_be_inside else _OutsidePool
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": https}

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """The whole answer, which is a success. Raises Trouble for any other, and what the libraries raise."""
        check_address(request.url, allows_loopback=self._allows_loopback)
        # What is compressed could grow beyond all bounds.
        request.headers["Accept-Encoding"] = "identity"
        deadline = _Deadline(WHOLE_SECONDS)
        _DEADLINE.set(deadline)
        try:
            return self._answered(request, deadline)
        except (RequestException, HTTPError, OSError):
            if deadline.is_over:
                raise Trouble("TOO_SLOW") from None
            raise
        finally:
            deadline.release()

    def _answered(self, request: PreparedRequest, deadline: _Deadline) -> Response:
        response = super().send(request, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), verify=True)
        try:
            if response.status_code != 200:
                # A redirect too: it is followed nowhere.
                raise Trouble("STATUS")
            # Where requests keeps what was read.
            response._content = _whole(response, deadline)
            response._content_consumed = True
        finally:
            response.close()
        return response


def session_for(session: Session, way: Way) -> Session:
    """The session, with this way out and no other: it takes no proxy and no password from its surroundings."""
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", way)
    session.mount("http://", way)
    return session


class _Deadline:
    """When a request is over. Its connection ends then, wherever it is: within a handshake or a line of the head, too."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._held: socket.socket | None = None
        self._timer: Timer | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._until

    def hold(self, connected: socket.socket) -> None:
        """End this connection in time. It is held by another number: TLS takes the first one to itself."""
        self._held = connected.dup()
        self._timer = Timer(max(self._until - time.monotonic(), 0), self._end, (self._held,))
        self._timer.daemon = True
        self._timer.start()

    @staticmethod
    def _end(held: socket.socket) -> None:
        with suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        if self._timer is not None and self._held is not None:
            self._timer.cancel()
            self._timer.join()
            self._held.close()


_DEADLINE: ContextVar[_Deadline] = ContextVar("deadline")


def _whole(response: Response, deadline: _Deadline) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Trouble("COMPRESSED")
    body = bytearray()
    while True:
        chunk = response.raw.read1(_CHUNK)
        # What was cut off in time looks as if it were the end.
        if deadline.is_over:
            raise Trouble("TOO_SLOW")
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > MOST_BYTES:
            raise Trouble("TOO_LONG")


def _timed(connected: socket.socket) -> socket.socket:
    _DEADLINE.get().hold(connected)
    return connected


def _reached(connected: socket.socket) -> socket.socket:
    """The connection, if it is to somebody outside. What a name stands for may change: looked at here, where nothing was sent yet."""
    if is_outside(connected.getpeername()[0]):
        return connected
    connected.close()
    raise Trouble("INSIDE")


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _timed(super()._new_conn())


class _Anywhere(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _timed(super()._new_conn())


class _Outside(_Anywhere):
    def _new_conn(self) -> socket.socket:
        return _reached(super()._new_conn())


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Anywhere


class _OutsidePool(HTTPSConnectionPool):
    ConnectionCls = _Outside
