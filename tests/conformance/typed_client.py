"""A partner's program in Python: makes a client from the published schema, and prints what it was told by the server.

It runs beside the packages of python.txt, not beside ours: the generator needs another graphql-core.
"""

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

# Not beside this file, where our own type checker would take it for a part of the tests.
BUILD = Path(__file__).resolve().parents[2] / "build" / "conformance"
PACKAGE = "partner_client"


def made() -> Any:
    """The client's package, made anew."""
    subprocess.run(
        [sys.executable, "-m", "ariadne_codegen", "--config", "ariadne.toml", "client"],
        check=True,
        stdout=sys.stderr,
    )
    sys.path.insert(0, str(BUILD))
    return importlib.import_module(PACKAGE)


async def told(package: Any) -> dict[str, Any]:
    """What the client understands of data, a mutation, a mistake, and of not being signed in."""

    async def code(asked: Awaitable[Any]) -> Any:
        try:
            return await asked
        except package.GraphQLClientGraphQLMultiError as mistake:
            return mistake.errors[0].extensions["code"]
        except package.GraphQLClientHttpError as mistake:
            return mistake.response.json()["errors"][0]["extensions"]["code"]

    url, token = os.environ["PAT_URL"], os.environ["PAT_TOKEN"]
    async with package.Client(url, {"Authorization": f"Bearer {token}"}) as client:
        listed = await client.cases(2, package.CaseFilter(status=[package.CaseStatus.ACTIVE]))
        cases = [edge.node for edge in listed.cases.edges]
        note = package.AddCaseNoteInput(
            caseId=cases[0].id,
            kind=package.NoteKind.PHONE_CALL,
            text="Called by a typed client.",
            clientMutationId=os.environ["PAT_MUTATION"],
        )
        added = (await client.add_note(note)).add_case_note
        mistaken = await code(client.no_case("nonsense"))
    async with package.Client(url) as stranger:
        nobody = await code(stranger.cases(1))
    return {
        "codes": [case.code for case in cases],
        "statuses": sorted({case.status.value for case in cases}),
        "added": [added.typename__, added.kind.value],
        "mistaken": mistaken,
        "nobody": nobody,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(told(made()))))
