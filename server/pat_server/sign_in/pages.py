"""Pages: rendered here, small, without a script but for passkeys, and kept by nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from pat_auth.issuer.asked import Answer, Asked
from pat_server.sign_in.cookies import has_exit, language_in, with_language
from pat_server.sign_in.languages import LANGUAGES, choose_language, translator
from pat_server.sign_in.wording import ROLES, Notice

if TYPE_CHECKING:
    from jinja2 import Environment

STYLE = Path(__file__).parent / "static" / "sign_in.css"
STYLE_PATH = "/sign-in/style.css"
SCRIPT = Path(__file__).parent / "static" / "passkeys.js"
SCRIPT_PATH = "/sign-in/passkeys.js"
EXIT_SCRIPT = Path(__file__).parent / "static" / "exit.js"
EXIT_SCRIPT_PATH = "/sign-in/exit.js"
EXIT = "https://www.wikipedia.org/"
"""Where the quick way out leads, unless the settings say otherwise: everybody may be seen there."""
WITH_EXIT = ("/sign-in/pin", "/sign-in/start")
"""Pages that have it from the first; others have it in a browser that has been there."""
TEMPLATES = Path(__file__).parent / "templates"

# What may stand in a policy without ending or widening it: a host as CSP writes it, or a scheme of one's own.
_SOURCE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_WEB = ("http", "https")

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """A form that a browser answers with a passkey. It is hidden where no script runs: the page does without it."""

    action: str
    token: str = field(repr=False)
    options: str = field(repr=False)
    """What the browser is asked, as JSON."""
    is_new: bool = False
    """Whether a passkey is to be made."""


class Pages:
    """Makes pages. They bear the deployment's ``product`` name, if it has one."""

    def __init__(self, product: str, issuer: str, exit: str = "") -> None:
        self.exit = exit or EXIT
        self._product = product
        self._issuer = issuer

    def page(
        self,
        asked: Asked,
        template: str,
        *,
        status: int = 200,
        target: str | None = None,
        locales: Sequence[str] = (),
        headers: Headers = (),
        **values: object,
    ) -> Answer:
        """A page in the language of whoever asked: the one she chose, else one of the client's ``locales``, else her browser's.

        Its forms lead to us, and by a redirect to ``target`` and nowhere else.
        """
        language = language_of(asked, locales)
        if dict(asked.query).get("lang") == language:
            headers = (*headers, with_language(language, self._issuer))
        known = {
            "t": translator(language),
            "lang": language,
            "languages": LANGUAGES,
            "in_language": _addresses(asked),
            "style": style_address(),
            "product": self._product,
            "roles": ROLES,
            "wrong": None,
            "client": None,
            "email": "",
            "passkey": None,
            "pin": None,
            "other": None,
            "forgotten": None,
        }
        leaves = asked.path in WITH_EXIT or has_exit(asked.cookies)
        known["exit"], known["exit_script"] = (self.exit, exit_script_address()) if leaves else (None, None)
        offers = values.get("passkey") is not None
        known["script"] = script_address() if offers else None
        body = environment().get_template(template).render({**known, **values})
        return Answer(
            status,
            (*page_headers(target, self.exit if leaves else None, has_script=offers), *headers),
            body.encode(),
        )

    def notice(
        self,
        asked: Asked,
        notice: Notice,
        status: int,
        *,
        link: str | None = None,
        reference: str | None = None,
    ) -> Answer:
        """A page that says one thing, with a link to try again, and a reference to what the log says of it."""
        return self.page(
            asked,
            "notice.html",
            status=status,
            heading=notice.heading,
            sentence=notice.sentence,
            link=link,
            reference=reference,
        )


def language_of(asked: Asked, locales: Sequence[str] = ()) -> str:
    """The tag of the language that whoever asked reads: the one she chose, else one of ``locales``, else her browser's."""
    wanted = (dict(asked.query).get("lang", ""), language_in(asked.cookies) or "", *locales)
    return choose_language(wanted, asked.headers.get("accept-language", ""))


def page_headers(target: str | None, exit: str | None = None, *, has_script: bool = False) -> Headers:
    """The headers of a page whose forms may lead to us and, by a redirect, to ``target`` and to ``exit``. Scripts are ours alone."""
    forms = " ".join(("'self'", *filter(None, (source_of(target), source_of(exit) if exit else ""))))
    scripts = "script-src 'self'; " if has_script or exit else ""
    scripts += "connect-src 'self'; " if exit else ""
    policy = (
        f"default-src 'none'; {scripts}style-src 'self'; img-src 'self' data:; "
        f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )
    return (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", policy),
        ("cache-control", "no-store"),
        # Our own pages must know that a form came from us; nobody else learns where she was.
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    )


def source_of(target: str | None) -> str:
    """An address as Content-Security-Policy names where it leads, or nothing where that cannot be said.

    Browsers ask it of the whole way that a form takes, redirects and all.
    """
    try:
        parts = urlsplit(target or "")
    except ValueError:
        return ""
    if parts.scheme in _WEB:
        source = f"{parts.scheme}://{parts.netloc}"
        return source if _SOURCE.fullmatch(source) else ""
    return f"{parts.scheme}:" if _SCHEME.fullmatch(parts.scheme) else ""


def redirect(location: str, headers: Headers = ()) -> Answer:
    """An answer that leads on, by GET."""
    return Answer(
        303,
        (
            ("location", location),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            *headers,
        ),
    )


def style_answer() -> Answer:
    """The style sheet: its address changes with it, so that browsers keep it."""
    headers = (
        ("content-type", "text/css; charset=utf-8"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("cross-origin-resource-policy", "same-origin"),
    )
    return Answer(200, headers, _style())


def script_answer() -> Answer:
    """The script that speaks with passkeys, kept in the same way."""
    headers = (
        ("content-type", "text/javascript; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("cross-origin-resource-policy", "same-origin"),
    )
    return Answer(200, headers, _script())


@cache
def script_address() -> str:
    """Where the script is, as it is now."""
    return f"{SCRIPT_PATH}?{sha256(_script()).hexdigest()[:12]}"


@cache
def _script() -> bytes:
    return SCRIPT.read_bytes()


def exit_script_answer() -> Answer:
    """The script that leaves without a way back, kept in the same way."""
    return Answer(200, script_answer().headers, _exit_script())


@cache
def exit_script_address() -> str:
    """Where that script is, as it is now."""
    return f"{EXIT_SCRIPT_PATH}?{sha256(_exit_script()).hexdigest()[:12]}"


@cache
def _exit_script() -> bytes:
    return EXIT_SCRIPT.read_bytes()


@cache
def style_address() -> str:
    """Where the style sheet is, as it is now."""
    return f"{STYLE_PATH}?{sha256(_style()).hexdigest()[:12]}"


@cache
def _style() -> bytes:
    return STYLE.read_bytes()


@cache
def environment() -> Environment:
    """The templates."""
    # A server that nobody signs in to does without the library.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


class _addresses:
    """The address of the page that was asked for, in a language."""

    def __init__(self, asked: Asked) -> None:
        self._path = asked.path
        self._query = [(name, value) for name, value in asked.query if name != "lang"]

    def __call__(self, language: str) -> str:
        return f"{self._path}?{urlencode([*self._query, ('lang', language)])}"
