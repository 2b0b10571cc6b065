"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import assert_type

from buoy import App, Job
from buoy_history import EndedJob, EndedJobs, History, history


class Charge(Job):
    plugins = [History(keep=timedelta(days=1), most=100, result=True)]

    def perform(self, number: int) -> None: ...


def options() -> None:
    History()
    History(3600.0)
    History(keep="1d")  # type: ignore[arg-type]
    History(most="100")  # type: ignore[arg-type]
    History(result=None)  # type: ignore[arg-type]
    History(ttl=60)  # type: ignore[call-arg]
    History().keep = 1  # type: ignore[misc]
    App(plugins=[History()])


def finding() -> None:
    assert_type(history(), EndedJobs)
    assert_type(history(App()).find(), Iterator[EndedJob])
    assert_type(history().afind(tag="money"), AsyncIterator[EndedJob])
    history("redis://")  # type: ignore[arg-type]
    history().find(name=Charge, state="done", since=datetime.now(UTC), until=5.0)
    history().find(name=5)  # type: ignore[arg-type]
    history().find(state="lost")  # type: ignore[arg-type]
    history().find("Charge")  # type: ignore[call-arg]
    history().find(since="2h")  # type: ignore[arg-type]


def reading(end: EndedJob) -> None:
    assert_type(end.tags, tuple[str, ...])
    assert_type(end.ended_at, float)
    end.state = "done"  # type: ignore[misc]
    _ = end.ended  # type: ignore[attr-defined]
