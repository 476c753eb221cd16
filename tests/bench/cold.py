"""What a document costs that was never seen before: parsed, validated, compiled. Nothing is remembered, no database is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from tests.bench.operations import global_id

from pat_auth.policy import Role
from pat_auth.scopes import SCOPES
from pat_platform import limits
from pat_platform.engine.engine import Engine
from pat_platform.settings import Settings
from pat_schema.root import graphql_schema
from pat_schema.viewer import Viewer
from pat_server.assembly import make_engine, vault_of

TIMES = 60
DOCUMENT = """query Office($id: ID!, $status: [CaseStatus!], $after: String) {
  me { name role organisation { name kind state } }
  case(id: $id) {
    ...Head
    survivor { id code gender ageBand primaryLanguage place { name parent { name } }
      identity { ... on SurvivorIdentity { firstName secondName phone } ... on Withheld { reason } } }
    assignments { since member { name role } }
    legalProceedings { id jurisdiction state court stage sections filedOn hearings { id heldOn mode purpose } }
    notes(first: 10) { totalCount edges { node { id kind writtenAt author { name } } } }
    referrals { id status need urgency scopes sentAt agreedUntil partnerName }
  }
  cases(filter: {status: $status}, first: 50, after: $after) {
    edges { cursor node { ...Head latestProceeding { id stage state filedOn } } }
    pageInfo { hasNextPage endCursor }
  }
  caseCounts { status count place { id name } }
  selfHelpGroups(first: 20) {
    edges { node { id name status memberCount savingsTotal loansTotal loansOutstanding members { id role joinedOn } } }
  }
}
fragment Head on Case { id code status stage riskLevel traffickingStatus exploitation openedOn closedOn version }"""


def milliseconds(work: Callable[[], object]) -> float:
    """The median of processor time over many times."""
    found = []
    for _ in range(TIMES):
        begun = time.process_time_ns()
        work()
        found.append((time.process_time_ns() - begun) / 1e6)
    return median(found)


def engine() -> Engine:
    """An engine as the server has it."""
    url = "postgresql://127.0.0.1:1/none"
    settings = Settings.from_environment({}, database_url=url, secret=b"s" * 32, demo=True)
    return make_engine(settings, vault_of(settings))


def cold() -> dict[str, float]:
    """Processor time in ms of a medium-sized document, as a whole and by its parts."""
    schema, reader = graphql_schema(), engine()
    viewer = Viewer(Role.CASE_MANAGER, SCOPES)
    variables = {"id": global_id("Case", "00000000-0000-4000-8000-000000000000"), "status": ["ACTIVE"]}
    fresh = iter(range(10**9))

    def unseen() -> None:
        # A comment makes another document of it.
        document = f"{DOCUMENT}\n# {next(fresh)}"
        reader.prepare(document, None, variables, viewer, viewer.key)

    parsed = limits.parse_limited(DOCUMENT)
    operation = reader.operation(DOCUMENT)
    hidden = operation.structure.hidden(operation.variables(variables))
    return {
        "whole": milliseconds(unseen),
        "parse": milliseconds(lambda: limits.parse_limited(DOCUMENT)),
        "validate": milliseconds(lambda: limits.validate_limited(schema, parsed)),
        "compile": milliseconds(lambda: reader.planner.query(operation, hidden, viewer)),
    }


def told(found: dict[str, float]) -> str:
    """The same in words."""
    parts = ", ".join(f"{name} {ms:.1f}" for name, ms in found.items() if name != "whole")
    return (
        f"a document of {len(DOCUMENT)} characters, never seen before: {found['whole']:.1f} ms CPU ({parts})"
    )
