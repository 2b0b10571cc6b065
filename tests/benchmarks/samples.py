"""Invented results for the tests of tables and charts."""

from benchmarks.results import Results, Row, Table

COLUMNS = [("jobs_per_s", "jobs/s"), ("commands", "commands"), ("ran_twice", "ran twice")]


def row(name: str, kind: str, *figures: float, place: str = "one core", **facts: object) -> Row:
    """Returns a row whose rounds had these leading figures."""
    samples = [{"jobs_per_s": figure, "commands": 7.0, "ran_twice": 0.0} for figure in figures]
    return Row(name, kind, place, samples=samples, **facts)  # type: ignore[arg-type]


def drain() -> Table:
    once = {"promise": "at most once"}
    safe = {"promise": "at least once"}
    rows = [
        row("rq", "peer", 100, promise="at most once, recorded", forks=True),
        row("huey", "peer", 8_000, **once),
        row("saq", "peer", 2_000, **safe),
        row("inline", "buoy", 30_000, 20_000, 40_000, limit="bare loop", **safe),
        row("fork", "buoy", 500, limit="bare fork", forks=True, **safe),
        row("bare loop", "limit", 60_000, **safe),
        row("bare fork", "limit", 1_000, forks=True, **safe),
        row("inline", "buoy", 15_000, place="split", limit="bare loop", **safe),
        row("bare loop", "limit", 20_000, place="split", **safe),
    ]
    return Table("drain", "Empty jobs", "All of them.", COLUMNS, True, rows=rows)


def latency() -> Table:
    columns = [("jobs_per_s", "p50 ms")]
    rows = [
        row("pop", "limit", 0.5),
        row("inline", "buoy", 1.0, limit="pop"),
        row("slow", "peer", 250.0),
        row("quick", "peer", 2.0),
    ]
    return Table("latency", "Latency", "Idle.", columns, False, rows=rows)


def results() -> Results:
    about = {"measured": "2026-11-20", "versions": {"buoy": "0.1.0", "rq": "2.12.0"}}
    return Results(about, [drain(), latency()])
