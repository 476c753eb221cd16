"""The tables of docs/sharing.md, as the tables of permissions and of steps have them: `python -m tests.docs.sharing_tables` prints them."""

from __future__ import annotations

from collections.abc import Iterator

from pat_auth.policy import POLICY, Permission, Reach
from pat_server.demo.organisations import partner
from pat_server.demo.people import SURVIVORS, person
from pat_server.demo.referrals import HELD, OWN_LINKS, REFERRALS, ReferralStory
from pat_tenants.consents.models import ConsentGiver
from pat_tenants.hearings.arrangements import HearingState
from pat_tenants.referrals.models import ReferralStatus
from pat_tenants.transitions.steps import HEARING_STEPS, REPORTED_STEPS, STEPS, Guard

_P = Permission
PERMISSIONS = {
    _P.AGREEMENT_READ: "see what the two organisations have signed",
    _P.AGREEMENT_SIGN: "sign, and take up again what their side has suspended",
    _P.AGREEMENT_SUSPEND: "suspend, at once",
    _P.CONSENT_GIVE: "agree herself, signed in",
    _P.CONSENT_RECORD: "record what she has agreed to on paper or in words",
    _P.CONSENT_WITHDRAW: "withdraw",
    _P.CONSENT_READ: "see consents",
    _P.GUARDIAN_BAR: "say that her guardian must not be asked",
    _P.BASIS_RECORD: "record on what something is shared without her consent",
    _P.BASIS_APPROVE: "approve, as a second person, that she is in danger now",
    _P.BASIS_END: "end what is shared without her consent",
    _P.BASIS_REVIEW: "review afterwards, as a third person, whether she was",
    _P.BASIS_READ: "see what is shared without her consent, and on what",
    _P.BASIS_REASON_READ: "read why somebody wrote that she is in danger",
    _P.REFERRAL_SEND: "prepare, send, suspend, revoke and close a referral",
    _P.REFERRAL_ANSWER: "accept, decline, take up, complete; report hearings and what has been done; take a referral on themselves",
    _P.REFERRAL_ASSIGN: "give a received referral to a colleague",
    _P.REFERRAL_READ: "see referrals",
    _P.NETWORK_READ: "see which referrals go from where to where",
    _P.PROCEEDING_RECORD: "write down proceedings and days in court, and prepare them",
    _P.HEARING_READ: "see days in court",
}
REACHES = {
    Reach.OWN: "her own",
    Reach.ASSIGNED: "of cases assigned to them",
    Reach.ORGANISATION: "of their organisation",
    Reach.RECEIVED: "sent to their organisation",
    Reach.NETWORK: "of all organisations",
}
GUARDS = {
    None: "",
    Guard.CONSENT: "a consent or another basis that runs covers it",
    Guard.TERMS: "a consent or another basis that runs, and a live agreement, cover it",
    Guard.VIDEO: "she speaks by video link",
    Guard.LINK: "both ends of the link are known",
    Guard.SUPPORT: "both ends of the link are known, somebody coordinates hers, and a child has somebody with her",
    Guard.ROOM: "she is in the court room, and a child has somebody with her",
}
GIVERS = {
    ConsentGiver.GUARDIAN: "she is a child: her guardian has agreed",
    ConsentGiver.CHILD_WELFARE_COMMITTEE: "she is a child: the committee has agreed",
}
BY_THE_OTHER_SIDE = (Guard.LINK_CONFIRMED, Guard.SUPPORT_CONFIRMED)
CONFIRMED = "; of a day that the receiver reports, hers as the sender has confirmed it"
ENDS_OTHERWISE = (HearingState.ADJOURNED, HearingState.MISSED, HearingState.CANCELLED)
SIDES = {_P.REFERRAL_SEND: "sender", _P.REFERRAL_ANSWER: "receiver"}


def who() -> Iterator[str]:
    """Who may do what."""
    yield "| May … | Who |"
    yield "|---|---|"
    for permission, words in PERMISSIONS.items():
        by_reach: dict[Reach, list[str]] = {}
        for role, reach in POLICY[permission].items():
            by_reach.setdefault(reach, []).append(role.value.replace("_", " "))
        held = "; ".join(f"{', '.join(roles)} ({REACHES[reach]})" for reach, roles in by_reach.items())
        yield f"| {words} | {held} |"


def steps() -> Iterator[str]:
    """Which step leads from which state to which."""
    yield "| From | To | Whose step | If |"
    yield "|---|---|---|---|"
    for step in STEPS:
        yield f"| {step.before} | {step.after} | {SIDES[step.permission]} | {GUARDS[step.guard]} |"


def days() -> Iterator[str]:
    """Which step of a day in court leads from which state to which: the same for both sides."""
    yield "| From | To | If |"
    yield "|---|---|---|"
    for step, reported in zip(HEARING_STEPS, REPORTED_STEPS, strict=True):
        if step.after not in ENDS_OTHERWISE:
            confirmed = CONFIRMED if reported.guard in BY_THE_OTHER_SIDE else ""
            yield f"| {step.before} | {step.after} | {GUARDS[step.guard]}{confirmed} |"
    for before in HearingState:
        ends = [
            step.after.value
            for step in HEARING_STEPS
            if step.before is before and step.after in ENDS_OTHERWISE
        ]
        if ends:
            yield f"| {before} | {', '.join(ends)} |  |"


def demo() -> Iterator[str]:
    """The referrals of the demo, and who signs in to see each: sorted by state, in the order in which states follow each other."""
    yield "| State | Asked by | Of | About | And |"
    yield "|---|---|---|---|---|"
    order = list(ReferralStatus)
    for story in sorted(REFERRALS, key=lambda each: order.index(each.status)):
        sender, receiver = partner(story.sender), partner(story.receiver)
        asks, asked = person("manager", sender).email, person("worker", receiver).email
        accounts = {each.email for each in SURVIVORS}
        she = f"survivor{story.case}@{sender.slug}.example"
        more = "; ".join(_more(story))
        yield f"| {story.status} | `{asks}` | `{asked}` | {f'`{she}`' if she in accounts else ''} | {more} |"


def _more(story: ReferralStory) -> Iterator[str]:
    if story.turn is not None:
        yield story.turn.value
    elif story.giver is not ConsentGiver.SELF and story.status is not ReferralStatus.DRAFT:
        yield GIVERS[story.giver]
    if story.link is not None:
        yield f"a day in court by video link: {story.link}"
    for slug, case, state in OWN_LINKS:
        if (story.sender, story.case) == (slug, case):
            yield f"a day that the sender prepares: {state}"
    if (story.sender, story.case) == HELD:
        yield "her own view is held back, because somebody looks on"


if __name__ == "__main__":
    print("\n".join([*who(), "", *steps(), "", *days(), "", *demo()]))
