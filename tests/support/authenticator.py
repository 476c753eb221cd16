"""A passkey in software: it makes keys and signs as phones do (WebAuthn §6), and says whatever a test wants it to say."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from tests.support.proving import ISSUER

SITE = ISSUER.partition("://")[2]
PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass
class Authenticator:
    """One passkey of one person."""

    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    id: bytes = field(default_factory=lambda: token_bytes(32))
    handle: bytes | None = None

    def make(self, options: str, **says: Any) -> str:
        """Make the key for what a page asks, and say so."""
        asked = json.loads(options)
        self.handle = bytes_of(asked["user"]["id"])
        data = self._data(WITH_KEY, **says) + b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: says.get("algorithm", -7), -1: 1}
        cose |= {-2: public.x.to_bytes(32, "big"), -3: says.get("y", public.y.to_bytes(32, "big"))}
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(cose)})
        client = self._client("webauthn.create", asked, **says)
        return self._said({"clientDataJSON": text_of(client), "attestationObject": text_of(attested)}, **says)

    def sign(self, options: str, **says: Any) -> str:
        """Sign what a page asks, and say so."""
        asked = json.loads(options)
        data, client = self._data(0, **says), self._client("webauthn.get", asked, **says)
        key: EllipticCurvePrivateKey = says.get("key", self.key)
        signature = key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        handle = says.get("handle", self.handle)
        response = {
            "clientDataJSON": text_of(client),
            "authenticatorData": text_of(data),
            "signature": text_of(signature),
        }
        return self._said(response | ({"userHandle": text_of(handle)} if handle else {}), **says)

    def _data(self, flags: int, **says: Any) -> bytes:
        flags |= PRESENT * says.get("present", True) | VERIFIED * says.get("verified", True)
        site = sha256(says.get("site", SITE).encode()).digest()
        return site + bytes([flags]) + int(says.get("count", 0)).to_bytes(4, "big")

    def _client(self, usual: str, asked: dict[str, Any], **says: Any) -> bytes:
        said = {
            "type": says.get("kind", usual),
            "challenge": says.get("challenge", asked["challenge"]),
            "origin": says.get("origin", ISSUER),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _said(self, response: dict[str, Any], **says: Any) -> str:
        ident = text_of(says.get("id", self.id))
        transports = {"transports": ["internal", "a new one"]} if "attestationObject" in response else {}
        return json.dumps(
            {"id": ident, "rawId": ident, "type": "public-key", "response": response | transports}
        )
