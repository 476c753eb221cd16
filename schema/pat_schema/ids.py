"""Global ids in inputs: base64 of ``TypeName:uuid``, opaque to clients."""

from __future__ import annotations

import binascii
from base64 import b64decode
from uuid import UUID

from pat_platform.errors import Fault


def uuid_of(global_id: str, type_name: str) -> UUID:
    """The key in a global id. An id of another type is a random one that nothing has, so that it is answered like an unknown one.

    Raises Fault BAD_INPUT when it is no id at all.
    """
    try:
        name, _, key = b64decode(global_id, validate=True).decode().partition(":")
        uuid = UUID(key)
    except (binascii.Error, ValueError):
        raise Fault("BAD_INPUT", "This is not an id that this server gave out.") from None
    return uuid if name == type_name else NOBODY


NOBODY = UUID(int=0)
