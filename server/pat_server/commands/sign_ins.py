"""The sign-ins of the demo, short enough for a terminal."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from pat_server.commands.tables import aligned
from pat_server.demo.people import SignIn

HEADER = ("SIGN-IN", "WHO", "ORGANISATION")
Shape = tuple[tuple[str, str], ...]


def sign_ins(table: Iterable[SignIn]) -> list[str]:
    """The table as lines: numbered sign-ins in one row, and one row for an organisation that has those of an earlier one.

    Sign-ins of one organisation stand together in the table.
    """
    rows: list[tuple[str, str, str]] = []
    seen: set[Shape] = set()
    for domain, group in groupby(table, lambda sign_in: sign_in.email.partition("@")[2]):
        people = list(group)
        shape = _shape(people)
        if shape in seen:
            rows.append((f"…@{domain}", "the same", people[0].organisation))
        else:
            rows.extend(_rows(people, domain))
        seen.add(shape)
    return aligned(rows, HEADER)


def _shape(people: Sequence[SignIn]) -> Shape:
    """Which sign-ins an organisation has, however many of the numbered ones."""
    return tuple(dict.fromkeys((_stem(each), each.role) for each in people))


def _stem(sign_in: SignIn) -> str:
    """What stands before the @, without a number at its end."""
    return re.sub(r"\d+$", "", sign_in.email.partition("@")[0])


def _rows(people: Sequence[SignIn], domain: str) -> Iterable[tuple[str, str, str]]:
    for (_, role), group in groupby(people, lambda each: (_stem(each), each.role)):
        alike = [each.email.partition("@")[0] for each in group]
        first, last = alike[0], alike[-1]
        name = first if first == last else f"{first}{',' if len(alike) == 2 else ' …'} {last}"
        yield f"{name}@{domain}", role, people[0].organisation
