"""Days in court take the steps that there are: the database says so to whoever writes to it, not only to the verbs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.support.people import Member, named
from tests.support.wall import Wall, as_superuser, insert

from pat_auth.policy import Role
from pat_tenants.hearings.arrangements import UPCOMING, HearingState
from pat_tenants.transitions.steps import HEARING_STEPS, REPORTED_STEPS, Guard

S = HearingState
LINK = {
    "court_point": "Sessions Court, Panaji",
    "remote_point": "DLSA Barasat",
    "has_coordinator": True,
    "support_person": "LAWYER",
}
TODAY = datetime.now(UTC).date()


@dataclass(frozen=True)
class Days:
    """One side's table, and whoever writes to it."""

    wall: Wall
    table: str
    who: Member

    def put(self, state: S, **values: Any) -> UUID:
        """A day in a state, put there by whom row security does not bind."""
        row = self._row() | {"state": state.value, **values}
        self._insert(row)
        id: UUID = row["id"]
        if self.table == "app.referral_hearings" and row.get("remote_point"):
            self.confirm(id, remote_point=row["remote_point"], has_coordinator=row.get("has_coordinator"))
        return id

    def confirm(self, id: UUID, **values: Any) -> None:
        """What the sender says of its end, put there likewise; what is not said stays as it was."""
        said = {**self.wall.rows["app.hearing_confirmations"]["cbo-a"]["hers"], "hearing_id": id, **values}
        columns, marks = ", ".join(said), ", ".join(["%s"] * len(said))
        changed = ", ".join(f"{name} = excluded.{name}" for name in values)
        self.wall.admin.execute(
            f"insert into app.hearing_confirmations ({columns}) values ({marks})"
            f" on conflict (organisation_id, hearing_id) do update set {changed}".encode(),
            list(said.values()),
        )

    def begin(self, state: S, held_on: date) -> str | None:
        """What refuses a new day in a state."""
        return self._as_member(lambda: self._insert(self._row() | {"state": state.value, "held_on": held_on}))

    def move(self, id: UUID, state: S, **values: Any) -> str | None:
        """What refuses a step, by the name of the constraint or the code; None for nothing."""
        changes = {"state": state.value, "updated_by": self.who.person, **values}
        assigned = ", ".join(f"{name} = %s" for name in changes)

        def change() -> str | None:
            statement = f"update {self.table} set {assigned} where id = %s"
            found = self.wall.admin.execute(statement.encode(), [*changes.values(), id])
            return None if found.rowcount == 1 else "not hers"

        return self._as_member(change)

    def _row(self) -> dict[str, Any]:
        slug, label = ("cbo-a", "hers") if self.table == "app.hearings" else ("goa", "cbo-a")
        row: dict[str, Any] = dict(self.wall.rows[self.table][slug][label])
        return row | {
            "id": uuid4(),
            "held_on": TODAY + timedelta(days=5),
            "mode": "VIDEO",
            "created_by": self.who.person,
        }

    def _insert(self, row: dict[str, Any]) -> None:
        columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        self.wall.admin.execute(
            f"insert into {self.table} ({columns}) values ({marks})".encode(), list(row.values())
        )

    def _as_member(self, act: Any) -> str | None:
        with as_superuser(self.wall.admin, self.who.login, self.who.session):
            try:
                with self.wall.admin.transaction(force_rollback=True):
                    said: str | None = act()
            except psycopg.Error as refused:
                said = refused.diag.constraint_name or refused.sqlstate
        return said


@pytest.fixture(params=[Role.CASE_MANAGER, Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN])
def days(wall: Wall, request: pytest.FixtureRequest) -> Iterator[Days]:
    sends = request.param is Role.CASE_MANAGER
    who = wall.member("cbo-a" if sends else "goa", request.param)
    with wall.admin.transaction(force_rollback=True):
        child(wall, is_child=True)
        yield Days(wall, "app.hearings" if sends else "app.referral_hearings", who)


def child(wall: Wall, *, is_child: bool, born: int | None = None) -> None:
    wall.admin.execute(
        "update app.survivors set is_minor_at_intake = %s, birth_year = %s where id = %s",
        (is_child, born, named("cbo-a", "survivors", "hers")),
    )


def test_every_step_that_there_is_is_taken_and_no_other(days: Days) -> None:
    allowed = {(step.before, step.after): step.guard for step in HEARING_STEPS}
    for before in S:
        known: dict[str, Any] = LINK | (
            {"next_on": TODAY + timedelta(days=9)} if before is S.ADJOURNED else {}
        )
        for after in S:
            guard = allowed.get((before, after))
            id = days.put(before, **known, mode="PHYSICAL" if guard is Guard.ROOM else "VIDEO")
            more = {"next_on": TODAY + timedelta(days=9)} if after is S.ADJOURNED else {}
            if before not in UPCOMING:
                # What has ended is nobody's to change.
                assert days.move(id, after, **more) == "not hers"
            elif before is not after:
                expected = None if (before, after) in allowed else "transition"
                assert days.move(id, after, **more) == expected, (before, after)


def test_both_sides_take_the_same_steps_and_the_receiver_what_was_confirmed() -> None:
    confirmed = {Guard.LINK: Guard.LINK_CONFIRMED, Guard.SUPPORT: Guard.SUPPORT_CONFIRMED}
    assert [(each.before, each.after, confirmed.get(each.guard, each.guard)) for each in HEARING_STEPS] == [  # type: ignore[arg-type]
        (each.before, each.after, each.guard) for each in REPORTED_STEPS
    ]


@pytest.fixture
def reported(wall: Wall) -> Iterator[Days]:
    """The receiver's table, and a child."""
    with wall.admin.transaction(force_rollback=True):
        child(wall, is_child=True)
        yield Days(wall, "app.referral_hearings", wall.member("goa", Role.DESTINATION_WORKER))


STEPS = ((S.VC_REQUESTED, S.VC_CONFIRMED), (S.VC_CONFIRMED, S.READY))


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_a_receiver_goes_on_once_her_end_is_confirmed(reported: Days, before: S, after: S) -> None:
    """Whatever it has written down itself of that end."""
    id = reported.put(before, **LINK)
    reported.wall.admin.execute("delete from app.hearing_confirmations where hearing_id = %s", (id,))
    assert reported.move(id, after) == "transition"
    reported.confirm(id, remote_point="DLSA Barasat")
    assert reported.move(id, after) is None


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_what_was_confirmed_is_the_place_and_no_other(reported: Days, before: S, after: S) -> None:
    id = reported.put(before, **LINK)
    reported.confirm(id, remote_point="District court")
    assert reported.move(id, after) == "transition"
    assert reported.move(id, after, remote_point="District court") is None
    # Who wrote down none goes on with the one that was confirmed.
    assert reported.move(id, after, remote_point=None) is None
    assert reported.move(id, after, remote_point=None, court_point=None) == "transition"
    # In the step itself nobody writes another one down.
    assert reported.move(id, after, remote_point="DLSA Barasat") == "transition"


def test_who_coordinates_her_end_is_the_senders_to_say_and_who_is_with_her_either_ones(
    reported: Days,
) -> None:
    id = reported.put(S.VC_CONFIRMED, **LINK)
    reported.confirm(id, has_coordinator=False)
    assert reported.move(id, S.READY) == "transition"
    reported.confirm(id, has_coordinator=True)
    assert reported.move(id, S.READY, has_coordinator=False) is None
    assert reported.move(id, S.READY, support_person=None) == "transition"
    reported.confirm(id, support_person="FAMILY")
    assert reported.move(id, S.READY, support_person=None) is None


def test_what_was_confirmed_counts_while_hearings_are_shared(reported: Days) -> None:
    id = reported.put(S.VC_CONFIRMED, **LINK)
    assert reported.move(id, S.READY) is None
    reported.wall.admin.execute("update app.referrals set scopes = array['LEGAL_STATUS']")
    assert reported.move(id, S.READY) == "transition"


def test_what_others_confirm_counts_for_nobody(reported: Days) -> None:
    """Of another referral, by another sender."""
    id, other = reported.put(S.VC_CONFIRMED, **LINK), reported.put(S.VC_CONFIRMED, **LINK)
    wall = reported.wall
    wall.admin.execute("delete from app.hearing_confirmations where hearing_id = %s", (id,))
    assert reported.move(other, S.READY) is None
    assert reported.move(id, S.READY) == "transition"
    foreign = dict(wall.rows["app.hearing_confirmations"]["cbo-b"]["hers"]) | {"hearing_id": id}
    insert(wall.admin, "app.hearing_confirmations", foreign)
    assert reported.move(id, S.READY) == "transition"


def test_a_step_needs_what_its_guard_says(days: Days) -> None:
    physical, without = {**LINK, "mode": "PHYSICAL"}, {name: {**LINK, name: None} for name in LINK}
    without["has_coordinator"]["has_coordinator"] = False
    for before, after, known in (
        (S.SCHEDULED, S.VC_REQUESTED, physical),
        (S.SCHEDULED, S.READY, LINK),
        (S.VC_REQUESTED, S.VC_CONFIRMED, physical),
        (S.VC_REQUESTED, S.VC_CONFIRMED, without["court_point"]),
        (S.VC_REQUESTED, S.VC_CONFIRMED, without["remote_point"]),
        (S.VC_CONFIRMED, S.READY, physical),
        (S.VC_CONFIRMED, S.READY, without["court_point"]),
        (S.VC_CONFIRMED, S.READY, without["remote_point"]),
        (S.VC_CONFIRMED, S.READY, without["has_coordinator"]),
        (S.VC_CONFIRMED, S.READY, without["support_person"]),
        (S.SCHEDULED, S.READY, {**physical, "support_person": None}),
    ):
        assert days.move(days.put(before, **known), after) == "transition", (before, after, known)


@pytest.mark.parametrize(
    ("is_minor_at_intake", "age", "is_child"),
    [(True, None, True), (False, None, False), (True, 30, False), (False, 18, True), (False, 19, False)],
)
def test_a_child_does_not_speak_alone(
    days: Days, is_minor_at_intake: bool, age: int | None, is_child: bool
) -> None:
    """Where the year alone does not tell, she still is one."""
    child(days.wall, is_child=is_minor_at_intake, born=None if age is None else TODAY.year - age)
    id = days.put(S.VC_CONFIRMED, **{**LINK, "support_person": None})
    assert days.move(id, S.READY) == ("transition" if is_child else None)


def test_a_day_begins_as_scheduled_or_is_told_of_the_past(days: Days) -> None:
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=2)
    assert days.begin(S.SCHEDULED, tomorrow) is None
    assert days.begin(S.HELD, yesterday) is None
    assert days.begin(S.HELD, tomorrow) == "transition"
    for state in set(S) - {S.SCHEDULED, S.HELD, S.ADJOURNED}:
        assert days.begin(state, yesterday) == "transition"


def test_an_adjourned_day_has_a_later_one(days: Days) -> None:
    id = days.put(S.SCHEDULED)
    name = days.table.removeprefix("app.")
    assert days.move(id, S.ADJOURNED) == f"ck_{name}_adjourned"
    assert days.move(id, S.ADJOURNED, next_on=TODAY) == f"ck_{name}_next_on"
    assert days.move(id, S.CANCELLED, next_on=TODAY + timedelta(days=9)) == f"ck_{name}_next_on"


def test_nobody_signs_for_another(days: Days) -> None:
    assert days.move(days.put(S.SCHEDULED), S.MISSED, updated_by=uuid4()) == "42501"


@pytest.mark.parametrize("role", [Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN])
def test_a_receiver_prepares_nothing_once_hearings_are_not_shared(wall: Wall, role: Role) -> None:
    days = Days(wall, "app.referral_hearings", wall.member("goa", role))
    with wall.admin.transaction(force_rollback=True):
        id = days.put(S.SCHEDULED)
        assert days.move(id, S.CANCELLED) is None
        wall.admin.execute("update app.referrals set scopes = array['LEGAL_STATUS']")
        assert days.move(id, S.CANCELLED) == "42501"


RECEIVED = named("cbo-a", "received", "hers")


@pytest.mark.parametrize("role", [Role.DESTINATION_WORKER, Role.DESTINATION_ADMIN])
@pytest.mark.parametrize(("slug", "received"), [("cbo-b", RECEIVED), ("cbo-a", uuid4())])
def test_what_another_sender_shares_under_the_same_id_or_under_another_one_this_does_not_share(
    wall: Wall, role: Role, slug: str, received: UUID
) -> None:
    days = Days(wall, "app.referral_hearings", wall.member("goa", role))
    alike = named(slug, "received", "hers")
    with wall.admin.transaction(force_rollback=True):
        wall.admin.execute(
            "insert into app.referrals select (jsonb_populate_record(r, jsonb_build_object('id', %s::text, 'received_id', %s::text))).*"
            " from app.referrals r where received_id = %s",
            (uuid4(), received, alike),
        )
        wall.admin.execute(
            "insert into app.referral_answers select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(),"
            " 'referral_id', %s::text))).* from app.referral_answers a where referral_id = %s",
            (received, alike),
        )
        id = days.put(S.SCHEDULED)
        soon = TODAY + timedelta(days=9)
        assert (days.move(id, S.CANCELLED), days.begin(S.SCHEDULED, soon)) == (None, None)
        wall.admin.execute(
            "update app.referrals set scopes = array['LEGAL_STATUS'] where organisation_id = %s and received_id = %s",
            (wall.organisation("cbo-a"), RECEIVED),
        )
        assert (days.move(id, S.CANCELLED), days.begin(S.SCHEDULED, soon)) == ("42501", "42501")


@pytest.mark.parametrize("role", [Role.ORGANISATION_ADMIN, Role.SURVIVOR, Role.COUNSELLOR])
def test_who_records_no_proceedings_moves_no_day(wall: Wall, role: Role) -> None:
    days = Days(wall, "app.hearings", wall.member("cbo-a", role))
    with wall.admin.transaction(force_rollback=True):
        manager = Days(wall, "app.hearings", wall.member("cbo-a", Role.CASE_MANAGER))
        assert days.move(manager.put(S.SCHEDULED), S.CANCELLED) == "42501"
