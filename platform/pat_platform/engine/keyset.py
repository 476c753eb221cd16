"""Where a page begins: conditions on the order's terms that an index can serve and that NULLs do not upset."""

from collections.abc import Sequence
from dataclasses import dataclass

from .declare import Order, Source
from .kinds import TEXT, Kind
from .templates import term


@dataclass(frozen=True)
class Term:
    """One term of a connection's order."""

    by: str
    kind: Kind
    desc: bool
    nullable: bool

    def on(self, alias: str) -> str:
        """The term's value on a row."""
        return term(self.by, alias)

    def text(self, alias: str) -> str:
        """The term's value as text that its kind's cast reads back exactly."""
        return self.spelled(self.on(alias))

    def spelled(self, sql: str) -> str:
        """The same of a value that SQL gives."""
        return self.kind.texted(sql) or f"({sql})::text"


def terms_of(order: Sequence[Order], source: Source) -> tuple[Term, ...]:
    """An order's terms, with the source's key to break ties, in the first term's direction."""
    terms = [Term(each.by, each.kind or TEXT, each.desc, each.nullable) for each in order]
    named = {each.by for each in order}
    desc = bool(order) and order[0].desc
    ties = [Term(column, source.kind, desc, False) for column in source.key if column not in named]
    return (*terms, *ties)


def ordered(terms: Sequence[Term], alias: str, *, backward: bool = False) -> str:
    """The ORDER BY of the terms. PostgreSQL's default for NULLs turns with the direction."""
    return ", ".join(f"{each.on(alias)}{' desc' if each.desc != backward else ''}" for each in terms)


def beyond(
    terms: Sequence[Term],
    values: Sequence[str],
    alias: str,
    *,
    backward: bool = False,
    inclusive: bool = False,
) -> str:
    """The condition that a row stands beyond the position that ``values`` (SQL) describe.

    ``backward`` turns the direction, ``inclusive`` counts the position itself.
    """
    descending = [each.desc != backward for each in terms]
    if len(set(descending)) == 1 and not any(each.nullable for each in terms):
        sign = ("<" if descending[0] else ">") + ("=" if inclusive else "")
        return f"({', '.join(each.on(alias) for each in terms)}) {sign} ({', '.join(values)})"
    condition = _equal(terms[-1], values[-1], alias) if inclusive else "false"
    for each, value, down in reversed(list(zip(terms, values, descending, strict=True))):
        condition = (
            f"({_strictly(each, value, alias, down)} or ({_equal(each, value, alias)} and {condition}))"
        )
    first, down = terms[0], descending[0]
    if first.nullable:
        return condition
    # The condition implies this bound, but only this bound is one that an index can start from.
    return f"({first.on(alias)} {'<=' if down else '>='} {values[0]} and {condition})"


def _equal(each: Term, value: str, alias: str) -> str:
    return f"{each.on(alias)} {'is not distinct from' if each.nullable else '='} {value}"


def _strictly(each: Term, value: str, alias: str, down: bool) -> str:
    sql = each.on(alias)
    if not each.nullable:
        return f"{sql} {'<' if down else '>'} {value}"
    # NULL stands above every value.
    if down:
        return f"({sql} < {value} or ({value} is null and {sql} is not null))"
    return f"({sql} > {value} or ({sql} is null and {value} is not null))"
