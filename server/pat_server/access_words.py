"""Each line of a survivor's access log in one sentence, in her language. Whoever looks over her shoulder learns nothing from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pat_auth.policy import Role
from pat_server.sign_in.languages import noop, translator
from pat_server.sign_in.wording import ROLES
from pat_tenants.trail.classes import AccessKind, RecordClass

_CLASSES: Mapping[RecordClass, str] = {
    RecordClass.IDENTITY: noop("your name and how to reach you"),
    RecordClass.NOTE: noop("what was written down about you"),
    RecordClass.LEGAL_STATUS: noop("how your matters stand"),
    RecordClass.HEARING_SCHEDULE: noop("your dates"),
    RecordClass.RISK: noop("how you are"),
}

_READ = noop("%(who)s of %(organisation)s read: %(what)s.")
_READ_UNDER = noop("%(who)s of %(organisation)s read, as you have agreed: %(what)s.")
_READ_UNASKED = noop("%(who)s of %(organisation)s read, without having to ask you: %(what)s.")
_REFERRED = noop("%(who)s of %(organisation)s worked on what was asked of another organisation for you.")
_WRITTEN = noop("%(who)s of %(organisation)s wrote in your record.")
_OF_BASES: Mapping[str, str] = {
    "legal_basis.recorded": noop(
        "%(who)s of %(organisation)s wrote that parts of your record may be shared without asking you: you can see which, and with whom."
    ),
    "legal_basis.approved": noop(
        "%(who)s of %(organisation)s confirmed that parts of your record may be shared without asking you: you can see which, and with"
        " whom."
    ),
    "legal_basis.ended": noop(
        "%(who)s of %(organisation)s ended that parts of your record may be shared without asking you."
    ),
    "legal_basis.reviewed": noop(
        "%(who)s of %(organisation)s looked at whether parts of your record had to be shared without asking you."
    ),
}
_SOMEBODY = noop("Somebody")
_RECORD = noop("your record")


def worded(values: Sequence[Any], _: object = None) -> list[str]:
    """The sentences of accesses, each given as `pat_tenants.trail.reads.SENTENCE` says."""
    return [_sentence(*value) for value in values]


def _sentence(
    language: str | None,
    organisation: str,
    role: str | None,
    kind: str,
    action: str,
    classes: list[str],
    is_agreed: bool,
    is_unasked: bool,
) -> str:
    translate = translator((language or "en").lower())
    who = ROLES[Role(role)] if role in set(Role) else _SOMEBODY
    what = [_CLASSES[RecordClass(each)] for each in classes] or [_RECORD]
    said = {
        AccessKind.READ: _READ if is_agreed is is_unasked else _READ_UNDER if is_agreed else _READ_UNASKED,
        AccessKind.REFERRED: _REFERRED,
        AccessKind.WRITTEN: _OF_BASES.get(action, _WRITTEN),
    }[AccessKind(kind)]
    return translate(
        said, who=translate(who), organisation=organisation, what=", ".join(map(translate, what))
    )
