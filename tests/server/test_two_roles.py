"""One person in two roles of one organisation, over HTTP: a case that is hers in one role is not hers in the other."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from tests.server.conftest import Act, Caller, Network, uuid_in

from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_platform.database.access import Database
from pat_platform.database.logins import login_name
from pat_tenants.cases import service

ASSIGN = """mutation($case: ID!, $member: ID!) { assignCase(input: {caseId: $case, memberId: $member}) {
    ... on Case { assignments { member { id role } } } ... on Refusal { code } } }"""
MINE = "{ me { id role } cases(filter: {assignedToMe: true}, first: 5) { totalCount edges { node { id } } } }"
SEEN = "{ cases(first: 100) { totalCount } }"
IDENTITY = "query($id: ID!) { case(id: $id) { survivor { identity { __typename } } } }"


@dataclass(frozen=True)
class Both:
    """Somebody who is a social worker and a counsellor of cbo-g, signed in as each; and a case of her organisation."""

    worker: Caller
    counsellor: Caller
    memberships: dict[Role, UUID]
    case: str

    def member(self, role: Role) -> str:
        return b64encode(f"Member:{self.memberships[role]}".encode()).decode()


@pytest.fixture
def both(network: Network, client: httpx.Client, act_as: Act) -> Iterator[Both]:
    organisation = act_as("manager@cbo-g.example").principal.organisation
    ((case,),) = network.rows(
        "select id from app.cases where organisation_id = %s order by id limit 1", organisation
    )
    person, memberships, callers = uuid4(), {}, {}
    network.rows("insert into sec.people (id, email) values (%s, 'both@cbo-g.example')", person)
    for role in (Role.SOCIAL_WORKER, Role.COUNSELLOR):
        membership, session = uuid4(), uuid4()
        network.rows(
            "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, 'Both')",
            *(organisation, membership, person, role.value),
        )
        network.rows(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'tests', %s)",
            *(session, login_name(organisation, role.value), organisation, membership, person),
            datetime.now(UTC) + timedelta(hours=1),
        )
        principal = Principal(person, organisation, role, session, SCOPES, "tests")
        memberships[role] = membership
        callers[role] = Caller(client, principal, network.token(principal))
    yield Both(
        callers[Role.SOCIAL_WORKER],
        callers[Role.COUNSELLOR],
        memberships,
        b64encode(f"Case:{case}".encode()).decode(),
    )
    for table in ("app.case_assignments", "app.memberships", "sec.sessions"):
        network.rows(f"delete from {table} where person_id = %s", person)
    network.rows("delete from sec.people where id = %s", person)


def mine(caller: Caller) -> tuple[str, str, list[str]]:
    """Who she is, as what, and the cases that are assigned to her."""
    data = caller.ask(MINE)
    assert data["cases"]["totalCount"] == len(data["cases"]["edges"])
    return data["me"]["id"], data["me"]["role"], [edge["node"]["id"] for edge in data["cases"]["edges"]]


def identity(caller: Caller, case: str) -> str | None:
    """What is told of who the survivor of a case is; None where she sees no such case."""
    found = caller.ask(IDENTITY, id=case)["case"]
    return None if found is None else str(found["survivor"]["identity"]["__typename"])


def assigned(answer: dict[str, dict[str, list[dict[str, dict[str, str]]]]]) -> set[tuple[str, str]]:
    """Who works on the case, as what."""
    members = [each["member"] for each in answer["assignCase"]["assignments"]]
    return {(member["id"], member["role"]) for member in members}


def test_a_case_is_given_to_somebody_in_one_of_her_roles(both: Both, act_as: Act) -> None:
    manager = act_as("manager@cbo-g.example")
    as_worker, as_counsellor = (
        (both.member(role), role.name) for role in (Role.SOCIAL_WORKER, Role.COUNSELLOR)
    )
    assert mine(both.worker) == (*as_worker, [])
    answer = manager.ask(ASSIGN, case=both.case, member=as_worker[0])
    assert as_worker in assigned(answer)
    assert as_counsellor not in assigned(answer)
    assert mine(both.worker) == (*as_worker, [both.case])
    assert identity(both.worker, both.case) == "SurvivorIdentity"
    assert mine(both.counsellor) == (*as_counsellor, [])
    assert both.counsellor.ask(SEEN) == {"cases": {"totalCount": 0}}
    assert identity(both.counsellor, both.case) is None

    answer = manager.ask(ASSIGN, case=both.case, member=as_counsellor[0])
    assert {as_worker, as_counsellor} <= assigned(answer)
    assert manager.ask(ASSIGN, case=both.case, member=as_counsellor[0]) == answer
    assert mine(both.counsellor) == (*as_counsellor, [both.case])
    assert identity(both.counsellor, both.case) == "SurvivorIdentity"


async def test_a_case_is_taken_from_somebody_in_one_of_her_roles(
    both: Both, network: Network, act_as: Act
) -> None:
    manager = act_as("manager@cbo-g.example")
    for role in both.memberships:
        manager.ask(ASSIGN, case=both.case, member=both.member(role))
    database, taken = Database(network.settings), both.memberships[Role.SOCIAL_WORKER]
    async with database.transaction(manager.principal.login, manager.principal.session) as tx:
        await service.unassign_case(tx, case_id=uuid_in(both.case), member_id=taken)
    await database.close()
    assert mine(both.worker)[2] == []
    assert identity(both.worker, both.case) == "Withheld"
    assert mine(both.counsellor)[2] == [both.case]


def test_a_membership_that_ends_ends_what_was_reached_by_it(
    both: Both, network: Network, act_as: Act
) -> None:
    manager = act_as("manager@cbo-g.example")
    for role in both.memberships:
        manager.ask(ASSIGN, case=both.case, member=both.member(role))
    network.rows(
        "update app.memberships set ended_at = now() where id = %s", both.memberships[Role.SOCIAL_WORKER]
    )
    assert both.worker.refused(MINE) == "UNAUTHENTICATED"
    assert mine(both.counsellor)[2] == [both.case]
    refused = manager.ask(ASSIGN, case=both.case, member=both.member(Role.SOCIAL_WORKER))
    assert refused == {"assignCase": {"code": "NOT_FOUND"}}
