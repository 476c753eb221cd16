"""Every condition of a piece of SQL is found, however it is written."""

from __future__ import annotations

import pytest
from tests.prove.conditions import lessened, weakened


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1", []),
        ("((a = 1) AND (b IS NULL))", ["(a = 1) → true", "(b IS NULL) → true"]),
        (
            "(a IN ( SELECT x FROM t WHERE ((x = 'where and') OR (y = 2))))",
            ["((x = 'where and') OR (y = 2)) → true", "(x = 'where and') → true", "(y = 2) → true"],
        ),
        (
            "select x from a join b on b.id = a.id and b.of = a.of where f(a.x, 'and') > 1 -- and no more\n and y order by 1",
            [
                "b.id = a.id → true",
                "b.of = a.of → true",
                "f(a.x, 'and') > 1 -- and no more → true",
                "y → true",
            ],
        ),
        (
            "if p is null then raise q using message = 'x'; end if; insert into h values (1) on conflict do nothing;",
            ["p is null → false"],
        ),
        (
            "case when a then b when c = d then e else f end",
            ["a → false", "a → true", "c = d → false", "c = d → true"],
        ),
        (
            "select from t where (a, b) is not distinct\n from (c, d) and e IS DISTINCT FROM f group by g",
            ["(a, b) is not distinct from (c, d) → true", "e IS DISTINCT FROM f → true"],
        ),
        (
            "begin x; exception when p then if a then raise y; end if; when q then raise z; end; delete from t where b = 1;",
            ["a → false", "b = 1 → true"],
        ),
        ("a left join lateral (select 1) b ON (true)", []),
    ],
)
def test_every_condition_is_found(text: str, found: list[str]) -> None:
    assert [described for described, _ in weakened(text)] == found


def test_the_rest_of_the_text_stays_as_it_is() -> None:
    (first, second) = (weaker for _, weaker in weakened("(a = 1) and (b = 2)"))
    assert (first.split(), second.split()) == (
        ["true", "and", "(b", "=", "2)"],
        ["(a", "=", "1)", "and", "true"],
    )


def test_each_argument_of_a_choice_is_taken_out_of_it() -> None:
    text = "select LEAST(a.x, coalesce(b.y, f(1, ')'))) from t where greatest(z) > least_of(1, 2)"
    assert [described for described, _ in lessened(text)] == [
        "LEAST(a.x, coalesce(b.y, f(1, ')'))) without a.x",
        "LEAST(a.x, coalesce(b.y, f(1, ')'))) without coalesce(b.y, f(1, ')'))",
        "coalesce(b.y, f(1, ')')) without b.y",
        "coalesce(b.y, f(1, ')')) without f(1, ')')",
    ]
    assert next(lesser for _, lesser in lessened(text)) == (
        "select LEAST( coalesce(b.y, f(1, ')'))) from t where greatest(z) > least_of(1, 2)"
    )
