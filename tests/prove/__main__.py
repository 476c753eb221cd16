"""``python3 pat prove walls``: take the wall apart, piece by piece, and see that a test notices each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from tests.prove.report import Proof, Verdict, noticed, written
from tests.prove.worker import PLACES

from pat_platform.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "proof.md"


@click.group()
def main() -> None:
    """Show that the tests would notice if something that they guard were gone."""


@main.command()
@click.option("--short", is_flag=True, help="One mutant of every kind, chosen by chance: --each 1.")
@click.option("--each", type=click.IntRange(1), help="So many mutants of every kind, chosen by chance.")
@click.option(
    "--only",
    "pattern",
    default="*",
    help="Those whose kind or name contains this, or this|that; * and ? as in file names.",
)
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write every verdict into this file.")
@click.option("--write", is_flag=True, help="Write docs/proof.md.")
@click.option(
    "--workers", default=lambda: os.cpu_count() or 1, type=click.IntRange(1), help="Processes; one a core."
)
@click.option("--seed", default=1, help="Which mutants --short and --each choose.")
@click.option("--tests", multiple=True, default=PLACES, help="Files or folders whose tests may notice.")
@click.option("--minutes", type=click.FloatRange(0), help="Begin no other mutant after so long.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="The JSON of an earlier run: what it noticed is not tried again, but counted.",
)
@click.option(
    "--patience", type=click.IntRange(1), help="Give a mutant up after so many tests; else after all."
)
def walls(
    short: bool,
    each: int | None,
    pattern: str,
    file: Path | None,
    write: bool,
    workers: int,
    seed: int,
    tests: tuple[str, ...],
    minutes: float | None,
    resume: Path | None,
    patience: int | None,
) -> None:
    """Remove or weaken every piece of the wall in turn. Ends with 1 when no test notices one of them."""
    started = time.monotonic()
    share = {
        "of": workers,
        "pattern": pattern,
        "sample": 1 if short else each,
        "seed": seed,
        "tests": tests,
        "patience": patience,
        "seconds": minutes and 60 * minutes,
        "known": resume and str(resume.resolve()),
    }
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(_run, [{**share, "number": number} for number in range(workers)]))
    known = noticed(resume).values() if resume else ()
    lines = [line for part in parts for line in part]
    proof = Proof.of(lines, round(time.monotonic() - started), known)
    if file:
        file.write_text(json.dumps(proof.as_json(), indent=1) + "\n")
    if write:
        PAGE.write_text(
            written(proof, "python3 pat prove walls" + (" --resume FILE" if resume else "") + " --write")
        )
    for line in proof.complaints():
        click.echo(line)
    click.echo(proof.summary())
    sys.exit(0 if proof.holds() else 1)


def _run(share: dict[str, Any]) -> list[dict[str, Any]]:
    """One worker from beginning to end; says on standard error what it is at."""
    command = [sys.executable, "-m", "tests.prove.worker", json.dumps(share)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        found = list(_read(worker.stdout, share["number"]))
    if not any("wrong" in line for line in found):
        found.append({"wrong": [f"worker {share['number']} ended early, with code {worker.returncode}"]})
    return found


def _read(lines: Any, number: int) -> Iterator[dict[str, Any]]:
    done, total = 0, 0
    for text in lines:
        line = json.loads(text)
        yield line
        total = line.get("mine", total)
        if "state" in line:
            done += 1
            verdict = Verdict(**line)
            if verdict.state != "killed" or done % 50 == 0 or done == total:
                click.echo(f"worker {number}: {done}/{total} {verdict.state}: {verdict.id}", err=True)


@main.command()
@click.option(
    "--sharing", is_flag=True, help="Write referrals, answers, consents and withdrawals, not notes."
)
@click.option("--writes", type=click.IntRange(7), default=2000, show_default=True, help="How many.")
@click.option("--kills", default=10, show_default=True, help="How often somebody is killed.")
@click.option("--seed", default=1, help="What cases are drawn by.")
def crash(sharing: bool, writes: int, kills: int, seed: int) -> None:
    """Kill the server and PostgreSQL while something is written. Ends with 1 when what was acknowledged is missing, or there twice."""
    # They load a network and a server, which the walls need not wait for.
    from tests.crash.notes import Notes
    from tests.crash.ordeal import survive, told
    from tests.crash.place import place
    from tests.crash.sharing import Referrals

    with tempfile.TemporaryDirectory() as folder, place(Path(folder)) as made:
        noun = Referrals() if sharing else Notes()
        ordeal = survive(made, noun, writes=writes, kills=kills, seed=seed)
    click.echo(told(ordeal))
    if ordeal.wrong:
        raise SystemExit(1)


@main.command()
@click.option("--examples", type=click.IntRange(1), default=500, show_default=True, help="How many times.")
@click.option(
    "--steps", type=click.IntRange(1), default=30, show_default=True, help="How much is done each time."
)
def sharing(examples: int, steps: int) -> None:
    """Let senders, survivors and receivers do whatever they can, and compare what each sees with a model. Ends with 1 at a difference."""
    from tests.conftest import FORGETFUL
    from tests.referrals.machine import explore
    from tests.support.wall import build_wall

    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder) / "wall", options=FORGETFUL) as postgres,
    ):
        wall = build_wall(postgres, "wall")
        explore(wall, examples=examples, steps=steps)
        wall.close()
    click.echo(f"{examples} times, at most {steps} steps each: everybody saw what the model says.")


if __name__ == "__main__":
    main(prog_name="python3 pat prove")
