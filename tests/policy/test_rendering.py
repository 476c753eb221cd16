"""Pieces of the renderer and the lint that a correct wall never needs."""

import pytest

from pat_auth.policy import Reach
from pat_tenants.isolation.lint import Finding
from pat_tenants.isolation.reach import condition
from pat_tenants.tables import metadata


def test_a_table_that_does_not_say_what_a_reach_means_is_not_rendered() -> None:
    with pytest.raises(KeyError, match=r"app\.replays does not say what network means"):
        condition(metadata.tables["app.replays"], Reach.NETWORK)


def test_a_finding_reads_as_a_sentence() -> None:
    assert str(Finding("table without a policy", "app.cases")) == "table without a policy: app.cases"
