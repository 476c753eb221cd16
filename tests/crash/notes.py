"""The writing of case notes: managers of seven organisations write, each in the cases of her own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.crash.ordeal import Ordeal
from tests.server.conftest import uuid_in

from pat_auth.principal import Principal

WRITERS = tuple(f"manager@cbo-{letter}.example" for letter in "abcdefg")
CASES = "{ cases(first: 20) { edges { node { id } } } }"

DOCUMENTS = {
    "addCaseNote": "mutation ($input: AddCaseNoteInput!) { addCaseNote(input: $input)"
    " { __typename ... on CaseNote { id } ... on Refusal { code message } } }"
}

_STORED = "select organisation_id, id, case_id from app.case_notes where written_at > %s"
_TEXTS = """
select n.organisation_id, t.note_id from app.case_note_texts t
join app.case_notes n on n.organisation_id = t.organisation_id and n.id = t.note_id where n.written_at > %s"""
# A note's event names the case, not the note: that one transaction wrote both is what binds them.
_EVENTS = """
select organisation_id, subjects[1], subjects[2], actor, detail::jsonb ->> 'kind', xmin::text from trail.events
where action = 'case_note.added' and at > %s"""
_WANTED = {
    "texts": "select organisation_id, id from app.case_notes where written_at > %s",
    "events": "select organisation_id, case_id, survivor_id, created_by, kind, xmin::text from app.case_notes where written_at > %s",
}
"""What there must be of each, one for every note."""


class Notes:
    """Each is a row, a text under the survivor's key, and an event."""

    @property
    def documents(self) -> Mapping[str, str]:
        return DOCUMENTS

    async def write(self, ordeal: Ordeal) -> None:
        """Every manager writes her share."""
        principals = [ordeal.place.network.principal(email) for email in WRITERS]
        shares = [ordeal.writes // len(WRITERS)] * len(WRITERS)
        shares[0] += ordeal.writes - sum(shares)
        async with asyncio.TaskGroup() as group:
            for number, (principal, share) in enumerate(zip(principals, shares, strict=True)):
                group.create_task(self._write(ordeal, principal, share, number))

    async def _write(self, ordeal: Ordeal, principal: Principal, share: int, number: int) -> None:
        chance = ordeal.chance(number)
        found = await ordeal.ask(principal, CASES)
        cases = [edge["node"]["id"] for edge in found["cases"]["edges"]]
        for _ in range(share):
            text = f"A visit, {chance.random()}."
            note = {"caseId": chance.choice(cases), "kind": "HOME_VISIT", "text": text}
            await ordeal.do(principal, "addCaseNote", note, chance)

    def missing(self, ordeal: Ordeal) -> Iterator[str]:
        """Each note has been acknowledged, each that was is there, in its case, with its text and its event."""
        rows, since = ordeal.place.network.rows, ordeal.since
        acknowledged = Counter(
            (said.by.organisation, said.id, uuid_in(said.given["caseId"]))
            for said in ordeal.acknowledged.values()
        )
        stored = Counter(rows(_STORED, since))
        if sum(stored.values()) != ordeal.writes:
            yield f"{ordeal.writes} to write, {sum(stored.values())} stored"
        for note in (acknowledged - stored) + (stored - acknowledged):
            yield f"the note {note[1]} was acknowledged {acknowledged[note]} times, and stored {stored[note]} times"
        for what, statement in (("texts", _TEXTS), ("events", _EVENTS)):
            there, wanted = Counter(rows(statement, since)), Counter(rows(_WANTED[what], since))
            for each in (there - wanted) + (wanted - there):
                yield f"{what} of {each}: {there[each]}, for {wanted[each]} notes"

    def told(self) -> str:
        return ""
