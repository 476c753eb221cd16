"""What administrators do about who belongs to their organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID, uuid4

from sqlalchemy import select, text, update

from pat_auth.invitations import rules
from pat_auth.invitations.models import Invitation
from pat_auth.mails.letters import MailLanguage
from pat_auth.mails.outbox import Outbox
from pat_auth.policy import Role
from pat_platform import trail
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused

_ROLES = text("select sec.roles_here()")
_IS_MEMBER = text("select sec.is_member(:email, :role)")
_END = text("select sec.end_membership(:membership)")
_TOKEN_BYTES = 32
_REFUSED = {
    "NOT_FOUND": Refused("NOT_FOUND", "There is no such member, or the membership has ended.", "id"),
    "LAST_ADMINISTRATOR": Refused(
        "LAST_ADMINISTRATOR",
        "Nobody else administers this organisation. Invite somebody who does first.",
        "id",
    ),
}


@dataclass(frozen=True)
class Ended:
    """What ended with a membership."""

    sessions: int
    cases: int
    """Assigned to nobody in her place: somebody has to see to it."""


async def invite_member(
    tx: Transaction, outbox: Outbox | None, *, email: str, name: str, role: Role, language: MailLanguage
) -> UUID:
    """Invite somebody into a role of the organisation, by mail alone; return the invitation's id.

    Older invitations of hers into the role are void. Whether she signs in elsewhere is nobody's to know: the answer is the same.
    Raises Refused for what is no address or name, for a role that the organisation does not have, for a member in that role,
    and where no mail is sent.
    """
    if outbox is None:
        raise Refused("NO_MAIL", "This server sends no mail. Ask whoever runs it for an invitation.", None)
    email, name = rules.is_an_email(email), rules.is_a_name(name)
    rules.is_invited_as(role, [Role(each) for each in await tx.scalar(_ROLES)])
    rules.is_not_there(bool(await tx.scalar(_IS_MEMBER, {"email": email, "role": role.value})))
    now = datetime.now(UTC)
    await tx.execute(
        update(Invitation)
        .where(
            Invitation.email == email,
            Invitation.role == role.value,
            Invitation.taken_up_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )
    token, invitation, expires_at = token_urlsafe(_TOKEN_BYTES), uuid4(), now + rules.STANDS
    await tx.insert(
        Invitation,
        organisation_id=tx.organisation,
        id=invitation,
        email=email,
        name=name,
        role=role.value,
        token_hash=sha256(token.encode()).digest(),
        expires_at=expires_at,
        created_by=tx.actor,
    )
    await outbox.invite(tx, email=email, token=token, language=language, expires_at=expires_at)
    await trail.record(tx, "member.invited", [invitation], role=role.value)
    return invitation


async def withdraw_invitation(tx: Transaction, *, invitation_id: UUID) -> UUID:
    """Let nobody take up an invitation any more; return its id. Withdrawing it again changes nothing.

    Raises Refused for an unknown one, and for one that was taken up: then there is a membership to end.
    """
    found = select(Invitation.id, Invitation.taken_up_at, Invitation.withdrawn_at)
    wanted = found.where(Invitation.id == invitation_id)
    # One that is over cannot be changed any more, so that its row is not held still.
    held = (await tx.execute(wanted.with_for_update())).one_or_none()
    invitation = held or (await tx.execute(wanted)).one_or_none()
    if invitation is None:
        raise Refused("NOT_FOUND", "There is no such invitation.", "id")
    if invitation.taken_up_at is not None:
        raise Refused("TAKEN_UP", "This invitation was taken up already. End the membership.", "id")
    if invitation.withdrawn_at is None:
        await tx.change(
            update(Invitation).where(Invitation.id == invitation_id).values(withdrawn_at=datetime.now(UTC))
        )
        await trail.record(tx, "invitation.withdrawn", [invitation_id])
    return invitation_id


async def end_membership(tx: Transaction, *, membership_id: UUID) -> Ended:
    """End somebody's membership, with her sessions in it, her assignments, and the invitations that she has sent or was sent.

    Nothing more can be read in the transaction if it is the caller's own. Raises Refused for an unknown membership or one that
    is not of staff, and for the last one that administers the organisation.
    """
    told = await tx.scalar(_END, {"membership": membership_id})
    if "refused" in told:
        raise _REFUSED[told["refused"]]
    return Ended(sessions=told["sessions"], cases=told["cases"])
