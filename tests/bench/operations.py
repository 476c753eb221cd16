"""What is measured: for each operation the GraphQL document, and what its variables are drawn from."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.data import Caller

STATUSES = ("ACTIVE", "FOLLOW_UP", "CLOSED", "SCREENED", "SUBMITTED")
PAGE_OF_B, PAGE_OF_C, PAGE_OF_E, PAGE_OF_G, PAGE_OF_H = 50, 500, 100, 50, 200

Variables = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation: its letter in the contract, what it is in words, its document and its variables."""

    letter: str
    words: str
    goal: float
    """The lower end of the interval of its ratio that is to be reached."""
    document: str
    draw: Callable[[Caller, random.Random], Variables]
    writes: bool = False
    is_received: bool = False
    """Asked by the workers of the destination states, about what others sent them; all else by case managers."""


def global_id(type_name: str, key: object) -> str:
    """An id as the API spells it."""
    return b64encode(f"{type_name}:{key}".encode()).decode()


def _case(caller: Caller, chance: random.Random) -> Variables:
    return {"id": global_id("Case", chance.choice(caller.cases))}


def _status(_: Caller, chance: random.Random) -> Variables:
    return {"status": [chance.choice(STATUSES)]}


def _nothing(_: Caller, __: random.Random) -> Variables:
    return {}


def _note(caller: Caller, chance: random.Random) -> Variables:
    text = f"Met her at the block office, appointment {chance.randrange(10**6)} with the lawyer is agreed."
    case = global_id("Case", chance.choice(caller.cases))
    return {"input": {"caseId": case, "kind": "HOME_VISIT", "text": text}}


OPERATIONS: Mapping[str, Operation] = {
    each.letter: each
    for each in (
        Operation(
            "a",
            "a case by id with its proceedings and their hearings",
            0.70,
            """query CaseFile($id: ID!) {
  case(id: $id) {
    id code status stage riskLevel openedOn
    legalProceedings { id jurisdiction state court stage filedOn hearings { id heldOn mode purpose } }
  }
}""",
            _case,
        ),
        Operation(
            "b",
            "50 cases by status, newest first, each with its latest proceeding",
            0.90,
            """query CaseList($status: [CaseStatus!]) {
  cases(filter: {status: $status}, orderBy: OPENED_ON_DESC, first: 50) {
    edges { node { id code status riskLevel openedOn latestProceeding { id stage state filedOn } } }
    pageInfo { hasNextPage endCursor }
  }
}""",
            _status,
        ),
        Operation(
            "c",
            "500 cases with 8 scalar fields each",
            0.90,
            """query CaseTable {
  cases(first: 500) {
    edges { node { id code status stage riskLevel traffickingStatus openedOn closedOn } }
  }
}""",
            _nothing,
        ),
        Operation(
            "d",
            "counts of cases by status and block",
            0.90,
            "query Dashboard { caseCounts { status count place { id name } } }",
            _nothing,
        ),
        Operation(
            "e",
            "100 groups with their members and totals of savings and loans",
            0.90,
            """query Groups {
  selfHelpGroups(first: 100) {
    edges { node {
      id name status savingsTotal loansTotal loansOutstanding
      members { id role joinedOn }
    } }
  }
}""",
            _nothing,
        ),
        Operation(
            "f",
            "a case note, added and read back",
            0.70,
            """mutation AddNote($input: AddCaseNoteInput!) {
  addCaseNote(input: $input) {
    ... on CaseNote { id kind writtenAt author { name role } }
    ... on Refusal { code message }
  }
}""",
            _note,
            writes=True,
        ),
        Operation(
            "g",
            "50 cases with decrypted names and phones, audited",
            0.50,
            """query Contacts {
  cases(first: 50) {
    edges { node { id code survivor { identity {
      ... on SurvivorIdentity { firstName secondName phone }
      ... on Withheld { reason }
    } } } }
  }
}""",
            _nothing,
        ),
        Operation(
            "h",
            "an inbox of 200 referrals with what each shares of its case, audited",
            0.90,
            """query Inbox {
  referrals(direction: RECEIVED, first: 200) {
    edges { node {
      id status need urgency sentAt partnerName
      sharedCase {
        pseudonym expiresAt
        legalStatus {
          ... on SharedLegalStatus { proceedings { jurisdiction state stage } }
          ... on Withheld { reason }
        }
        schedule { ... on SharedSchedule { hearings { heldOn mode state } } ... on Withheld { reason } }
        identity { ... on SharedIdentity { firstName gender ageBand } ... on Withheld { reason } }
      }
    } }
  }
}""",
            _nothing,
            is_received=True,
        ),
    )
}
