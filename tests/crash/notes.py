"""The writing of case notes: managers of seven organisations write, each in the cases of her own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from uuid import UUID

from tests.crash.ordeal import Ordeal

from pat_auth.principal import Principal

WRITERS = tuple(f"manager@cbo-{letter}.example" for letter in "abcdefg")
CASES = "{ cases(first: 20) { edges { node { id } } } }"

DOCUMENTS = {
    "addCaseNote": "mutation ($input: AddCaseNoteInput!) { addCaseNote(input: $input)"
    " { __typename ... on CaseNote { id } ... on Refusal { code message } } }"
}


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
        """Each note has been acknowledged, each that was is there, with its text and its event."""
        rows, since = ordeal.place.network.rows, ordeal.since
        written = {said.id for said in ordeal.acknowledged.values()}
        stored: list[UUID] = [
            id for (id,) in rows("select id from app.case_notes where written_at > %s", since)
        ]
        if len(stored) != ordeal.writes or set(stored) != written:
            yield f"{ordeal.writes} to write, {len(written)} acknowledged, {len(stored)} stored"
        ((texts,),) = rows(
            "select count(*) from app.case_note_texts t join app.case_notes n on n.id = t.note_id where n.written_at > %s",
            since,
        )
        ((events,),) = rows(
            "select count(*) from trail.events where action = 'case_note.added' and at > %s", since
        )
        if texts != ordeal.writes or events != ordeal.writes:
            yield f"{texts} texts, {events} events"

    def told(self) -> str:
        return ""
