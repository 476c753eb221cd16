"""A stand-in for Vault's transit engine: the documented endpoints that we use, over HTTP on this machine, with real keys.

It answers as Vault does where that matters: one item of a batch that fails makes the status 400 with all results in the
body; a key that is used with the right to create is made by using it; only what can neither open nor wrap is trimmed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.a-token-for-tests"


@dataclass
class Key:
    """One named key with its versions."""

    derived: bool
    versions: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    made_at: dict[int, int] = field(default_factory=lambda: {1: int(time.time())})
    min_decryption: int = 1
    min_encryption: int = 0
    min_available: int = 0

    @property
    def latest(self) -> int:
        return max(self.versions)

    def rotate(self) -> None:
        number = self.latest + 1
        self.versions[number], self.made_at[number] = os.urandom(32), int(time.time())

    def material(self, number: int, context: str | None) -> AESGCM:
        secret = self.versions[number]
        if self.derived:
            if not context:
                raise Refusal("missing 'context' for key derivation; the key was created using a derived key")
            secret = hmac.digest(secret, base64.b64decode(context), hashlib.sha256)
        return AESGCM(secret)


class Refusal(Exception):
    """What Vault refuses: status 400 unless another is said."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Transit:
    """The engine, and what a test does to it."""

    port: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=lambda: {TOKEN: float("inf")})
    """Until when each token is valid."""
    lease: float = 3600.0
    may_create: bool = False
    is_sealed: bool = False
    delay: float = 0.0
    instead: tuple[int, Any] | None = None
    """What it answers to everything, whatever is asked."""
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        """The status and the JSON that answer a request."""
        self.requests.append(f"{method} {path}")
        time.sleep(self.delay)
        if self.instead:
            return self.instead
        if self.is_sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if self.tokens.get(token, 0.0) <= time.time():
            return 403, {"errors": ["permission denied"]}
        try:
            return self._route(method, path, token, body)
        except Refusal as refusal:
            return refusal.status, {"errors": [str(refusal)] if str(refusal) else []}

    def _route(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path.startswith("/v1/auth/token/"):
            return self._token(path.rpartition("/")[2], token)
        if not path.startswith("/v1/transit/"):
            raise Refusal("", 404)
        verb, name, *rest = path.removeprefix("/v1/transit/").split("/")
        if verb == "keys":
            return self._keys(method, name, rest, body)
        if verb == "encrypt" and name not in self.keys and self.may_create:
            self.keys[name] = Key(derived=True)
        if name not in self.keys:
            raise Refusal("encryption key not found")
        if verb == "hmac":
            return self._hmac(self.keys[name], body, rest)
        work: Callable[[Key, dict[str, str]], dict[str, str]] = {
            "encrypt": _encrypt,
            "decrypt": _decrypt,
            "rewrap": _rewrap,
        }[verb]
        return _batch(self.keys[name], body["batch_input"], work)

    def _token(self, verb: str, token: str) -> tuple[int, Any]:
        if verb == "lookup-self":
            ttl = 0 if self.tokens[token] == float("inf") else int(self.tokens[token] - time.time()) + 1
            return 200, {"data": {"renewable": ttl > 0, "ttl": ttl}}
        self.tokens[token] = time.time() + self.lease
        return 200, {"auth": {"client_token": token, "lease_duration": self.lease, "renewable": True}}

    def _keys(self, method: str, name: str, rest: list[str], body: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            if name not in self.keys:
                raise Refusal("", 404)
            key = self.keys[name]
            return 200, {
                "data": {
                    "keys": {str(number): moment for number, moment in key.made_at.items()},
                    "latest_version": key.latest,
                    "min_decryption_version": key.min_decryption,
                    "min_available_version": key.min_available,
                }
            }
        if not rest:
            self.keys.setdefault(name, Key(derived=bool(body.get("derived"))))
            return 200, {"data": {"name": name}}
        key = self.keys[name]
        if rest == ["rotate"]:
            key.rotate()
        elif rest == ["config"]:
            opening = body.get("min_decryption_version", key.min_decryption)
            wrapping = body.get("min_encryption_version", key.min_encryption)
            if (wrapping and wrapping < opening) or max(opening, wrapping) > key.latest:
                raise Refusal("cannot set min encryption/decryption values")
            key.min_decryption, key.min_encryption = opening, wrapping
        elif rest == ["trim"]:
            wanted = body["min_available_version"]
            if not key.min_encryption or wanted > min(key.min_decryption, key.min_encryption):
                raise Refusal("cannot trim what may still be used")
            key.min_available = wanted
            for number in [number for number in key.versions if number < wanted]:
                del key.versions[number], key.made_at[number]
        return 204, None

    def _hmac(self, key: Key, body: dict[str, Any], rest: list[str]) -> tuple[int, Any]:
        number = body.get("key_version") or key.latest
        digest = hmac.digest(key.versions[number], base64.b64decode(body["input"]), hashlib.sha256)
        assert body.get("algorithm", *rest) == "sha2-256"
        return 200, {"data": {"hmac": f"vault:v{number}:{base64.b64encode(digest).decode()}"}}


def _batch(
    key: Key, items: list[dict[str, str]], work: Callable[[Key, dict[str, str]], dict[str, str]]
) -> tuple[int, Any]:
    results = []
    for item in items:
        try:
            results.append(work(key, item))
        except Refusal as refusal:
            results.append({"error": str(refusal)})
    status = 400 if any("error" in result for result in results) else 200
    return status, {"data": {"batch_results": results}}


def _encrypt(key: Key, item: dict[str, str]) -> dict[str, str]:
    nonce = os.urandom(12)
    sealed = key.material(key.latest, item.get("context")).encrypt(
        nonce, base64.b64decode(item["plaintext"]), None
    )
    return {"ciphertext": f"vault:v{key.latest}:{base64.b64encode(nonce + sealed).decode()}"}


def _decrypt(key: Key, item: dict[str, str]) -> dict[str, str]:
    try:
        _, version, text = item["ciphertext"].split(":")
        number, sealed = int(version[1:]), base64.b64decode(text, validate=True)
    except ValueError:
        raise Refusal("invalid ciphertext: could not be decoded") from None
    if number < key.min_decryption:
        raise Refusal("ciphertext or signature version is disallowed by policy (too old)")
    if number not in key.versions:
        raise Refusal("invalid ciphertext: version is too new")
    try:
        opened = key.material(number, item.get("context")).decrypt(sealed[:12], sealed[12:], None)
    except (InvalidTag, ValueError):
        raise Refusal("invalid ciphertext: unable to decrypt") from None
    return {"plaintext": base64.b64encode(opened).decode()}


def _rewrap(key: Key, item: dict[str, str]) -> dict[str, str]:
    return _encrypt(key, {**item, **_decrypt(key, item)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    transit: Transit

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.transit.bodies.append(content)
        token = self.headers.get("x-vault-token", "")
        method = "GET" if self.command == "GET" else "POST"
        status, answer = self.transit.answer(method, self.path, token, json.loads(content or b"{}"))
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Ends the connections that clients keep open when it ends itself."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.append(request)
        super().process_request(request, client_address)

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving_transit(port: int = 0) -> Iterator[Transit]:
    """An engine that answers on a port of this machine for as long as the block lasts."""
    transit = Transit()
    handler = type("Handler", (_Handler,), {"transit": transit})
    server = _Server(("127.0.0.1", port), handler)
    transit.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield transit
    finally:
        server.end()
        thread.join()
