"""The figures as a table that reads the same on a terminal and in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scheduler.management.benchmark.measure import Figure

NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
HEAD = ("work", "p50", "aim", "p95", "raw SQL", "x empty view", "queries")


def table(result: Mapping[str, Any]) -> str:
    figures = [Figure(**figure) for figure in result["figures"]]
    empty = figures[0].p50
    rows = [HEAD, tuple("---" for _ in HEAD), *(_row(figure, empty) for figure in figures)]
    before, after = result["memory"]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(
        [*lines, "", f"{result['booked']:,} bookings in the table. Web process: {before:.0f} MB at its start, "
         f"{after:.0f} MB after the calls."]
    )  # fmt: skip


def _row(figure: Figure, empty: float) -> tuple[str, ...]:
    note = f" ({figure.note})" if figure.note else ""
    missed = " (missed)" if figure.misses else ""
    return (
        figure.what + note,
        _number(figure.p50, figure.unit),
        _number(figure.aim, figure.unit) + missed,
        _number(figure.p95, figure.unit),
        _number(figure.sql, figure.unit),
        f"{figure.p50 / empty:.1f}" if figure.unit == "ms" else "",
        str(figure.queries) if figure.queries is not None else "",
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.0f}{unit}" if unit == "/s" else f"{value:.{1 if value >= 10 else 2}f} {unit}"


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), {memory:.0f} GB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}; load average at the start {load:.1f}"
    )


def history(beside: Sequence[Mapping[str, Any]]) -> str:
    """The day schedule beside few and many appointments, and how much more it takes beside the most."""
    head = ("appointments in the table", "p50", "p95", "raw SQL", "empty view")
    rows = [head, tuple("---" for _ in head)]
    for one in beside:
        rows.append((f"{one['rows']:,}", *(_number(one[name], "ms") for name in ("p50", "p95", "sql", "empty"))))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    times, empty = (beside[-1][name] / beside[0][name] for name in ("p50", "empty"))
    return "\n".join(
        [
            *lines,
            "",
            f"Beside the most it takes {times:.2f} times what it takes beside the fewest. The empty view, asked in "
            f"turns with it, takes {empty:.2f} times: so much is the machine's other work. Indexes are complete; the "
            "two exclusion constraints, which no reading uses, are left out.",
        ]
    )


def missed(results: Sequence[Mapping[str, Any]]) -> str:
    """The figures that miss their aim, by database."""
    names = [
        f"- {NAMES[result['database']]}: {figure.what}, {_number(figure.p50, figure.unit)} "
        f"(aim {_number(figure.aim, figure.unit)})"
        for result in results
        for figure in (Figure(**each) for each in result["figures"])
        if figure.misses
    ]
    return "\n".join(names) or "Nothing in this run."


def page(
    results: Sequence[Mapping[str, Any]],
    beside: Sequence[Mapping[str, Any]] = (),
    *,
    day: str,
    machine: str,
    command: str,
) -> str:
    parts = [
        "# Benchmarks",
        f"Written by `{command}` on {day}.\n\nMachine: {machine}. The load generator runs on the same machine.",
        "24 chairs, Monday to Friday 08-18, 13 weeks, about 75 bookings a day of 30 to 240 minutes, 400 patients. "
        "One uvicorn process, one client unless said, over HTTP with an API key. Beside each figure are its floors "
        "from the same run: the same rows by raw SQL on an open connection, and how many times the empty view "
        "it takes. Queries are counted in process, with BEGIN and COMMIT where Django writes them. A load average well "
        "above 0 means that other programs had a share of the cores.",
    ]
    parts += [f"## {NAMES[result['database']]}\n\n{table(result)}" for result in results]
    if beside:
        parts.append(f"## The day schedule beside many appointments, PostgreSQL\n\n{history(beside)}")
    if results:
        parts.append(
            f"## What misses its aim\n\n{missed(results)}\n\n"
            "Why, and what was tried: [benchmarks-notes.md](benchmarks-notes.md), which is written by hand."
        )
    return "\n\n".join(parts) + "\n"
