"""With what somebody proved who she is."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """One way of proving it. Browsers and codes hold these names."""

    PASSWORD = "PASSWORD"  # noqa: S105  # it names a method
    OTP = "OTP"
    """A one-time code of her generator."""
    RECOVERY = "RECOVERY"
    """A code that she wrote down for the day on which her generator is lost."""
    PASSKEY = "PASSKEY"
    PIN = "PIN"
    UPSTREAM = "UPSTREAM"
    """What her organisation's own provider says."""


SECOND = frozenset({Method.OTP, Method.RECOVERY, Method.PASSKEY})
"""What proves that she holds something, beside what she knows."""


class Purpose(StrEnum):
    """What a passkey is asked for."""

    SIGN_IN = "SIGN_IN"
    """Proving all there is to prove, by somebody whom nobody knows yet."""
    SECOND = "SECOND"
    """Proving a second factor after a password."""
    REGISTER = "REGISTER"
