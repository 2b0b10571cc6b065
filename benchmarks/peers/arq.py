"""arq: looks every half second, unless it is configured to look more often."""

from ..subject import Subject


def arq(name: str, poll: str, rate: float) -> Subject:
    return Subject(
        name=name,
        system="arq",
        app="benchmarks.apps.arq_app",
        worker="python -m benchmarks.apps.arq_app",
        slots=10,
        promise="at least once",
        rate=rate,
        environ={"BENCH_POLL": poll},
    )


SUBJECTS = [arq("arq", "0.5", 220), arq("arq, looks each 10 ms", "0.01", 2_000)]
