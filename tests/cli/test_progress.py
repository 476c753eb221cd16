"""Progress is a bar for people and a few lines for files."""

import io
import re

from pat_server.commands.progress import Progress
from pat_server.commands.sign_ins import sign_ins
from pat_server.commands.tables import aligned
from pat_server.demo.people import SignIn


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def work(stream: io.StringIO) -> str:
    with Progress(stream) as progress:
        progress.step("first", 0.5)
        progress.within("a part", 0.5)
        progress.step("second", 0.5)
        progress.within("all of it", 1.0)
    return stream.getvalue()


def test_a_file_gets_one_line_for_each_step() -> None:
    assert work(io.StringIO()) == "pat: first …\npat: second …\n"


def test_a_terminal_gets_a_bar_that_grows_and_goes() -> None:
    said = work(Terminal())
    assert [int(share) for share in re.findall(r"(\d+)%", said)] == [0, 25, 50, 100]
    assert "first: a part" in said
    assert "\n" not in said
    assert said.endswith("\r\x1b[K")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([("a", "b"), ("ccc", "d")], ("N", "LONG")) == ["N    LONG", "a    b", "ccc  d"]


def test_numbered_sign_ins_and_organisations_alike_take_one_row() -> None:
    def network(slug: str, workers: int) -> list[SignIn]:
        people = [
            ("manager", "case manager"),
            *((f"worker{n}", "social worker") for n in range(1, workers + 1)),
        ]
        return [SignIn(f"{name}@{slug}.example", role, slug.upper()) for name, role in people]

    office = SignIn("officer@funder.example", "funder", "FUNDER")
    assert sign_ins([*network("a", 3), *network("b", 2), office])[1:] == [
        "manager@a.example            case manager   A",
        "worker1 … worker3@a.example  social worker  A",
        "…@b.example                  the same       B",
        "officer@funder.example       funder         FUNDER",
    ]
