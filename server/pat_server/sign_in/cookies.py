"""The cookies: the secret that a browser is known by, the language that was chosen in it, the token of a link, and who it knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pat_server.sign_in.languages import LANGUAGES

LANGUAGE = "pat-language"
EXIT = "pat-exit"
INVITATION, RESET = "invitation", "reset"
_DAY = 24 * 3600
_YEAR = 365 * _DAY
_LONGEST_SECRET = 100
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def _is_secure(issuer: str) -> bool:
    return issuer.startswith("https:")


def name_of(issuer: str) -> str:
    """What the secret's cookie is called. Under https no neighbouring host can set one of this name (RFC 6265bis, ``__Host-``)."""
    return "__Host-pat" if _is_secure(issuer) else "pat-sign-in"


def secret_in(cookies: Mapping[str, str], issuer: str) -> str | None:
    """The secret that a browser sent, if it may be one."""
    secret = cookies.get(name_of(issuer), "")
    return secret if 0 < len(secret) <= _LONGEST_SECRET and secret.isascii() else None


def with_secret(secret: str, issuer: str) -> tuple[str, str]:
    """The header that gives a browser its secret, for as long as it is open. Clients send people here from elsewhere: Lax."""
    secure = "; Secure" if _is_secure(issuer) else ""
    return "set-cookie", f"{name_of(issuer)}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}"


def without_secret(issuer: str) -> tuple[str, str]:
    """The header that makes a browser forget its secret."""
    name, value = with_secret("", issuer)
    return name, f"{value}; Max-Age=0"


def language_in(cookies: Mapping[str, str]) -> str | None:
    """The language that was chosen in a browser."""
    language = cookies.get(LANGUAGE, "")
    return language if language in LANGUAGES else None


def with_language(language: str, issuer: str) -> tuple[str, str]:
    """The header that makes a browser remember a language for a year."""
    secure = "; Secure" if _is_secure(issuer) else ""
    return "set-cookie", f"{LANGUAGE}={language}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax{secure}"


def has_exit(cookies: Mapping[str, str]) -> bool:
    """Whether a browser was at a page that has the quick way out."""
    return cookies.get(EXIT) == "1"


def with_exit(issuer: str) -> tuple[str, str]:
    """The header by which all pages have it from now on, as long as the browser is open."""
    secure = "; Secure" if _is_secure(issuer) else ""
    return "set-cookie", f"{EXIT}=1; Path=/; HttpOnly; SameSite=Lax{secure}"


def known_in(cookies: Mapping[str, str], issuer: str) -> str:
    """By what a browser says that it is known; empty if by nothing. It may be anything."""
    return cookies.get(_name_of_known(issuer), "")


def with_known(known_by: str, issuer: str, *, days: int) -> tuple[str, str]:
    """The header that gives a browser what it is known by."""
    secure = "; Secure" if _is_secure(issuer) else ""
    age = days * _DAY
    name = _name_of_known(issuer)
    return "set-cookie", f"{name}={known_by}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def token_in(cookies: Mapping[str, str], issuer: str, *, of: str = INVITATION) -> str | None:
    """The token of the link that a browser has followed, if it may be one: ``of`` an invitation, or of what else."""
    token = cookies.get(_name_of_token(issuer, of), "")
    return token if 0 < len(token) <= _LONGEST_SECRET and token.isascii() else None


def with_token(token: str, issuer: str, *, of: str = INVITATION) -> tuple[str, str]:
    """The header that gives a browser the token of a link. What is no token is left out: it could be another header."""
    secure = "; Secure" if _is_secure(issuer) else ""
    plain = token if _TOKEN.fullmatch(token) else ""
    return "set-cookie", f"{_name_of_token(issuer, of)}={plain}; Path=/; HttpOnly; SameSite=Lax{secure}"


def without_token(issuer: str, *, of: str = INVITATION) -> tuple[str, str]:
    """The header that makes a browser forget it."""
    name, value = with_token("", issuer, of=of)
    return name, f"{value}; Max-Age=0"


def _name_of_token(issuer: str, of: str) -> str:
    return f"{name_of(issuer)}-{of}"


def _name_of_known(issuer: str) -> str:
    return f"{name_of(issuer)}-known"
