"""What the turns amount to: ratios with their intervals, a table, and the JSON that other programs read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, geometric_mean, median, stdev
from typing import Any

from tests.bench.operations import OPERATIONS
from tests.bench.rounds import Turn, Turns

# Student's t, two-sided 95 %, by degrees of freedom; beyond, the normal distribution is near enough.
STUDENT = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09,
)  # fmt: skip
NORMAL = 1.96


@dataclass(frozen=True)
class Ratio:
    """One peer against another: the median of the rounds' ratios and the 95 % interval of their geometric mean."""

    median: float
    low: float
    high: float


def ratio_of(ratios: Sequence[float]) -> Ratio:
    """The ratio over rounds; with a single round the interval is that round."""
    logs = [math.log(each) for each in ratios]
    if len(logs) < 2:
        return Ratio(ratios[0], ratios[0], ratios[0])
    freedom = len(logs) - 1
    student = STUDENT[freedom - 1] if freedom <= len(STUDENT) else NORMAL
    half = student * stdev(logs) / math.sqrt(len(logs))
    middle = fmean(logs)
    return Ratio(median(ratios), math.exp(middle - half), math.exp(middle + half))


def speed(turns: Turns, one: str, other: str) -> Ratio:
    """Requests in a second of one peer ÷ those of the other, round by round."""
    pairs = zip(turns[one], turns[other], strict=True)
    return ratio_of([mine.per_second / theirs.per_second for mine, theirs in pairs])


def thrift(turns: Turns, one: str, other: str) -> Ratio:
    """Processor time for a request of one peer ÷ that of the other, round by round; 0 where the clock is too coarse."""
    pairs = zip(turns[one], turns[other], strict=True)
    ratios = [mine.cpu_ms / theirs.cpu_ms for mine, theirs in pairs if mine.cpu_ms and theirs.cpu_ms]
    return ratio_of(ratios) if ratios else Ratio(0.0, 0.0, 0.0)


def totals(turns: Sequence[Turn]) -> dict[str, float]:
    """One peer on one operation, over all rounds."""
    requests = sum(turn.requests for turn in turns)
    return {
        "per_second": requests / sum(turn.seconds for turn in turns),
        "p50_ms": median([each for turn in turns for each in turn.p50_ms]),
        "p99_ms": median([each for turn in turns for each in turn.p99_ms]),
        "app_cpu_ms": sum(turn.app_ms for turn in turns) / requests,
        "postgres_cpu_ms": sum(turn.postgres_ms for turn in turns) / requests,
        "requests": requests,
    }


def document(measured: Mapping[str, Turns]) -> dict[str, Any]:
    """The JSON: by operation the ratio of engine ÷ floor with its interval, and what each peer did."""
    operations = {}
    for letter, turns in measured.items():
        found, cpu = speed(turns, "engine", "floor"), thrift(turns, "engine", "floor")
        operations[letter] = {
            "ratio": round(found.median, 4),
            "low": round(found.low, 4),
            "high": round(found.high, 4),
            "cpu": {"ratio": round(cpu.median, 4), "low": round(cpu.low, 4), "high": round(cpu.high, 4)},
            "goal": OPERATIONS[letter].goal,
            "rounds": len(turns["engine"]),
            "times": {
                name: {
                    "ratio": round(times.median, 3),
                    "low": round(times.low, 3),
                    "high": round(times.high, 3),
                }
                for name in turns
                if name not in ("engine", "floor")
                for times in [speed(turns, "engine", name)]
            },
            "peers": {
                name: {key: round(value, 4) for key, value in totals(of).items()}
                for name, of in turns.items()
            },
        }
    return {"operations": operations}


def table(report: Mapping[str, Any]) -> str:
    """The same as a Markdown table."""
    lines = [
        "| | operation | engine ÷ floor (95 %) | goal | CPU ÷ floor | engine req/s | floor req/s"
        " | app CPU ms: engine / floor | PostgreSQL CPU ms: engine / floor | p50 / p99 ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for letter, each in report["operations"].items():
        engine, floor = each["peers"]["engine"], each["peers"]["floor"]
        mark = "" if each["low"] >= each["goal"] else " **missed**"
        lines.append(
            f"| {letter} | {OPERATIONS[letter].words}"
            f" | {each['ratio']:.2f} ({each['low']:.2f} to {each['high']:.2f}) | ≥ {each['goal']:.2f}{mark}"
            f" | {each['cpu']['ratio']:.2f} ({each['cpu']['low']:.2f} to {each['cpu']['high']:.2f})"
            f" | {engine['per_second']:.0f} | {floor['per_second']:.0f}"
            f" | {engine['app_cpu_ms']:.2f} / {floor['app_cpu_ms']:.2f}"
            f" | {engine['postgres_cpu_ms']:.2f} / {floor['postgres_cpu_ms']:.2f}"
            f" | {engine['p50_ms']:.1f} / {engine['p99_ms']:.1f} |"
        )
    return "\n".join(lines)


def table_of_peers(report: Mapping[str, Any]) -> str:
    """How many times faster the engine is than each other peer, as a Markdown table; the last row is the geometric mean."""
    names = sorted({name for each in report["operations"].values() for name in each["times"]})
    lines = [
        f"| | operation | {' | '.join(f'engine ÷ {name} (95 %)' for name in names)} | CPU ms for a request, all peers |",
        "|---" * (len(names) + 3) + "|",
    ]
    found: dict[str, list[float]] = {name: [] for name in names}
    for letter, each in report["operations"].items():
        cells = []
        for name in names:
            times = each["times"].get(name)
            cells.append(
                f"{times['ratio']:.1f} ({times['low']:.1f} to {times['high']:.1f})" if times else "-"
            )
            if times:
                found[name].append(times["ratio"])
        spent = (
            f"{name} {of['app_cpu_ms'] + of['postgres_cpu_ms']:.2f}" for name, of in each["peers"].items()
        )
        lines.append(f"| {letter} | {OPERATIONS[letter].words} | {' | '.join(cells)} | {', '.join(spent)} |")
    means = [f"**{geometric_mean(values):.1f}**" if values else "-" for values in found.values()]
    return "\n".join([*lines, f"| | geometric mean | {' | '.join(means)} | |"])
