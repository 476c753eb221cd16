"""Events in the trails of the small network: what each member did, and what partners did with a CBO's referrals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from tests.support.people import Member, named
from tests.support.wall import Wall

from pat_auth.policy import Role
from pat_platform.database.logins import login_name

HERS, OURS = named("cbo-a", "survivors", "hers"), named("cbo-a", "survivors", "ours")
REFERRED, DRAFTED, EXCHANGED = (named("cbo-a", "received", label) for label in ("hers", "ours", "exchanged"))
OF_B = named("cbo-b", "received", "hers")


@dataclass(frozen=True)
class Happened:
    """One event, as it is put into the trail of ``slug``."""

    label: str
    slug: str
    login: str
    actor: UUID | None
    subjects: tuple[UUID, ...]
    action: str = "record.read"
    detail: str = json.dumps({"operation": "x", "classes": ["identity"]})

    @property
    def organisation(self) -> UUID:
        return named("organisation", self.slug)

    @property
    def hash(self) -> bytes:
        return sha256(f"{self.slug} {self.label}".encode()).digest()

    def id(self, seed: UUID) -> UUID:
        """Under which id whoever has this seed sees it."""
        return UUID(bytes=sha256(self.hash + seed.bytes).digest()[:16])


def happened(wall: Wall) -> list[Happened]:
    """All of them: each member of cbo-a looked at survivor 1; what else is there says its label."""
    members = [member for member in wall.members if member.slug == "cbo-a"]
    looked = [_by(member, f"{member.role}{member.number}", HERS) for member in members]
    worker, goa = wall.member("cbo-a", Role.SOCIAL_WORKER), wall.member("goa", Role.DESTINATION_WORKER)
    other, delhi = wall.member("cbo-b", Role.CASE_MANAGER), wall.member("delhi", Role.DESTINATION_WORKER)
    return [
        *looked,
        _by(worker, "about ours", OURS),
        _by(worker, "about the referral alone", REFERRED),
        Happened("signed in", "cbo-a", "pat_service_sign_in", worker.person, (worker.person,)),
        _by(goa, "read what was shared", REFERRED),
        _by(goa, "read a list of three", REFERRED, DRAFTED, OF_B),
        _by(goa, "read what cbo-b shared", OF_B),
        _by(goa, "claims to know her", HERS),
        _by(delhi, "claims to have received it", REFERRED),
        _by(other, "read what was exchanged", EXCHANGED),
    ]


def _by(member: Member, label: str, *subjects: UUID) -> Happened:
    return Happened(label, member.slug, login_name(member.organisation, member.role), member.person, subjects)


@contextmanager
def put_events(wall: Wall) -> Iterator[list[Happened]]:
    """Put them in, as long as the block lasts."""
    events = happened(wall)
    numbers: dict[str, int] = {}
    with wall.admin.cursor() as cursor:
        for event in events:
            numbers[event.slug] = numbers.get(event.slug, 0) + 1
            cursor.execute(
                "insert into trail.events values (%s, %s, now(), %s, %s, %s, %s, %s, %s, %s)",
                (
                    event.organisation,
                    numbers[event.slug],
                    event.login,
                    event.actor,
                    event.action,
                    list(event.subjects),
                    event.detail,
                    b"",
                    event.hash,
                ),
            )
    try:
        yield events
    finally:
        wall.admin.execute("delete from trail.events")
