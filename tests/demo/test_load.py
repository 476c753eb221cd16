"""The demo network has the totals that were agreed."""

from tests.demo.conftest import Demo


def test_each_organisation_has_its_cases(demo: Demo) -> None:
    counted = demo.rows(
        "select o.slug, count(*) from app.cases c join app.organisations o on o.id = c.organisation_id group by 1 order by 1"
    )
    assert [count for _, count in counted] == [34, 28, 26, 24, 20, 18, 14]
