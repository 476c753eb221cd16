"""Other ways to serve the same database: PostGraphile 5, and Strawberry with DataLoaders.

Both connect as the superuser and become the caller's login in each transaction, so that row security sees what it sees behind the
platform. Neither verifies a token, neither writes a trail.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
from tests.bench.data import Caller, Data
from tests.bench.operations import Operation, Variables, global_id
from tests.bench.servers import NotReady, Peer

HERE = Path(__file__).parent
POSTGRAPHILE = HERE / "postgraphile"

EXPOSED = """
create view app.case_counts with (security_invoker) as
  select status, place_id, count(*)::int as count from app.cases group by status, place_id;
comment on view app.case_counts is E'@foreignKey (place_id) references app.places (id)';
grant select on app.case_counts to pat_case_manager;
create function app.self_help_groups_saved(g app.self_help_groups) returns bigint language sql stable as $$
  select coalesce(sum(amount_paise), 0)::bigint from app.group_entries e where e.group_id = g.id and e.kind = 'SAVING' $$;
create function app.self_help_groups_lent(g app.self_help_groups) returns bigint language sql stable as $$
  select coalesce(sum(amount_paise), 0)::bigint from app.group_entries e where e.group_id = g.id and e.kind = 'LOAN_OUT' $$;
create function app.self_help_groups_repaid(g app.self_help_groups) returns bigint language sql stable as $$
  select coalesce(sum(amount_paise), 0)::bigint from app.group_entries e where e.group_id = g.id and e.kind = 'REPAY_PRINCIPAL' $$;
"""
"""What somebody who serves her tables with PostGraphile adds: a view to count, and computed columns."""
HIDDEN = """
drop view if exists app.case_counts;
drop function if exists app.self_help_groups_saved, app.self_help_groups_lent, app.self_help_groups_repaid;
"""

PROCEEDINGS = "legalProceedingsByOrganisationIdAndCaseIdAndSurvivorId"
HEARINGS = "hearingsByOrganisationIdAndProceedingIdAndCaseIdAndSurvivorId"
MEMBERS = "groupMembersByOrganisationIdAndGroupId"
DOCUMENTS: Mapping[str, str] = {
    "a": f"""query ($organisation: UUID!, $id: UUID!) {{
  caseByOrganisationIdAndRowId(organisationId: $organisation, rowId: $id) {{
    rowId code status stage riskLevel openedOn
    {PROCEEDINGS}(orderBy: [FILED_ON_DESC, ROW_ID_ASC]) {{ nodes {{
      rowId jurisdiction state court stage filedOn
      {HEARINGS}(orderBy: [HELD_ON_ASC, ROW_ID_ASC]) {{ nodes {{ rowId heldOn mode purpose }} }}
    }} }}
  }}
}}""",
    "b": f"""query ($status: String!) {{
  allCases(condition: {{status: $status}}, orderBy: [OPENED_ON_DESC, ROW_ID_DESC], first: 50) {{
    edges {{ node {{
      rowId code status riskLevel openedOn
      {PROCEEDINGS}(first: 1, orderBy: [FILED_ON_DESC, ROW_ID_ASC]) {{ nodes {{ rowId stage state filedOn }} }}
    }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}""",
    "c": """query {
  allCases(first: 500, orderBy: [OPENED_ON_DESC, ROW_ID_DESC]) {
    edges { node { rowId code status stage riskLevel traffickingStatus openedOn closedOn } }
  }
}""",
    "d": "query { allCaseCounts { nodes { status count placeByPlaceId { rowId name } } } }",
    "e": f"""query {{
  allSelfHelpGroups(first: 100, orderBy: [NAME_ASC, ROW_ID_ASC]) {{
    edges {{ node {{
      rowId name status saved lent repaid
      {MEMBERS}(condition: {{leftOn: null}}, orderBy: [JOINED_ON_ASC, ROW_ID_ASC]) {{ nodes {{ rowId role joinedOn }} }}
    }} }}
  }}
}}""",
}


class AsLogin(Peer):
    """A peer that is told whose login to take, in headers."""

    ignores = frozenset({"endCursor"})

    def post(self, caller: Caller, document: str, variables: Variables) -> bytes:
        """A whole HTTP request."""
        body = orjson.dumps({"query": document, "variables": variables})
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Login: {caller.principal.login}\r\n"
            f"X-Session: {caller.principal.session}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class PostGraphile(AsLogin):
    """PostGraphile 5 with its Amber preset, in production mode, on the Node.js that npm brings."""

    name = "postgraphile"
    operations = "abcde"
    ready_path = "/"

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """Node.js with the script. Raises NotReady without npm."""
        node = POSTGRAPHILE / "node_modules" / ".bin" / "node"
        if not node.exists():
            install(POSTGRAPHILE)
        environment = {
            "BENCH_DATABASE_URL": data.admin_url,
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
        }
        return [str(node), str(POSTGRAPHILE / "server.mjs"), str(port)], environment

    @contextmanager
    def prepared(self, data: Data) -> Iterator[None]:
        """The database with what this peer needs in it."""
        with psycopg.connect(data.admin_url, autocommit=True) as connection:
            connection.execute(HIDDEN)
            connection.execute(EXPOSED)
            try:
                yield
            finally:
                connection.execute(HIDDEN)

    def request(self, operation: Operation, caller: Caller, variables: Variables) -> bytes:
        """The operation in PostGraphile's names."""
        given = dict(variables)
        if operation.letter == "a":
            given["id"] = b64decode(given["id"]).decode().rpartition(":")[2]
            given["organisation"] = str(caller.principal.organisation)
        elif operation.letter == "b":
            [given["status"]] = given["status"]
        return self.post(caller, DOCUMENTS[operation.letter], given)

    def data(self, operation: Operation, body: bytes) -> Any:
        """The answer in the platform's names."""
        found = super().data(operation, body)
        match operation.letter:
            case "a":
                return {"case": _case(found["caseByOrganisationIdAndRowId"])}
            case "b":
                page = found["allCases"]
                return {
                    "cases": {
                        "edges": [_edge(_latest(each)) for each in _nodes(page)],
                        "pageInfo": page["pageInfo"],
                    }
                }
            case "c":
                return {"cases": {"edges": [_edge(_as("Case", each)) for each in _nodes(found["allCases"])]}}
            case "d":
                counts = sorted(found["allCaseCounts"]["nodes"], key=_count_order)
                return {"caseCounts": [_count(each) for each in counts]}
        return {
            "selfHelpGroups": {"edges": [_edge(_group(each)) for each in _nodes(found["allSelfHelpGroups"])]}
        }


class DataLoaders(AsLogin):
    """Strawberry as its documentation has it: resolvers, and a DataLoader for each relation."""

    name = "dataloaders"
    operations = "abce"
    ready_path = "/readyz"

    def command(self, data: Data, port: int, folder: Path) -> tuple[list[str], Mapping[str, str]]:
        """The server of `tests.bench.loaders`."""
        return [sys.executable, "-m", "tests.bench.loaders", str(port)], {
            "BENCH_DATABASE_URL": data.admin_url
        }

    def request(self, operation: Operation, caller: Caller, variables: Variables) -> bytes:
        """The platform's own document: the schema has the same names."""
        return self.post(caller, operation.document, variables)


def install(folder: Path) -> None:
    """Install a peer's locked packages. Raises NotReady without npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotReady("npm is not on the PATH: install Node.js to measure PostGraphile")
    subprocess.run([npm, "ci", "--no-fund", "--no-audit"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _as(type_name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its global id in place of its key."""
    return {"id": global_id(type_name, row["rowId"]), **{key: row[key] for key in row if key != "rowId"}}


def _nodes(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in page["edges"]]


def _edge(node: Mapping[str, Any]) -> dict[str, Any]:
    return {"node": dict(node)}


def _case(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    proceedings = [_as("LegalProceeding", each) for each in row.pop(PROCEEDINGS)["nodes"]]
    for each in proceedings:
        each["hearings"] = [_as("Hearing", hearing) for hearing in each.pop(HEARINGS)["nodes"]]
    return {**_as("Case", row), "legalProceedings": proceedings}


def _latest(row: dict[str, Any]) -> dict[str, Any]:
    found = [_as("LegalProceeding", each) for each in row.pop(PROCEEDINGS)["nodes"]]
    return {**_as("Case", row), "latestProceeding": found[0] if found else None}


def _count_order(row: Mapping[str, Any]) -> tuple[str, bool, str]:
    place = row["placeByPlaceId"]
    return row["status"], place is None, place["rowId"] if place else ""


def _count(row: dict[str, Any]) -> dict[str, Any]:
    place = row.pop("placeByPlaceId")
    return {**row, "place": _as("Place", place) if place else None}


def _group(row: dict[str, Any]) -> dict[str, Any]:
    saved, lent, repaid = (int(row.pop(name)) for name in ("saved", "lent", "repaid"))
    members = [_as("GroupMember", each) for each in row.pop(MEMBERS)["nodes"]]
    totals = {"savingsTotal": saved, "loansTotal": lent, "loansOutstanding": lent - repaid}
    return {**_as("SelfHelpGroup", row), **totals, "members": members}
