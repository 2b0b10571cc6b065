"""What a run sets on its object is its own: the job is settled by what is true of it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from buoy import App, Job, Later, Plugin, hookimpl
from buoy.executor.async_run import arun
from buoy.jobs.facts import API, facts, seen_by_hooks
from buoy.jobs.run import load_run, run
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement
from buoy.testing import drain

pytestmark = pytest.mark.usefixtures("buoy_app")
NAMES = sorted(API | {"_buoy", "perform", "own", "seen", "__dict__", "__class__"})
SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


@dataclass(frozen=True)
class Watch(Plugin):
    """Sees what is true, and attaches what it sees."""

    log: list[Any] = field(default_factory=list, hash=False)

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        job.given = "by a plugin"  # type: ignore[attr-defined]
        result = yield
        self.look("done", job)
        job.transition.then("SET", job.app.key(job.queue, "watch"), job.id)
        return result

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        self.look(repr(error), job)
        job.transition.then("SET", job.app.key(job.queue, "watch"), job.id)
        return Later(600) if job.attempt == 1 else None

    def look(self, what: str, job: Job) -> None:
        SEEN.append((what, job.id, job.queue, job.token, job.attempt, job.name, job.payload.args))


class Sets(Job):
    """Uses a name as if it were its own."""

    name, queue = "facts.sets", "mail"

    def perform(self, name: str, fails: bool) -> None:
        self.do(name, fails)

    def do(self, name: str, fails: bool) -> None:
        if not name.startswith("__"):
            setattr(self, name, {"set": name})
            assert getattr(self, name) == {"set": name}
        if name == "__dict__":
            self.__dict__.clear()
            self.__dict__ = {"id": 7}
        if fails:
            raise ValueError("the real error")


class Watched(Sets):
    name, plugins = "facts.watched", [Watch()]


class Awaits(Sets):
    name = "facts.awaits"

    async def perform(self, name: str, fails: bool) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.do(name, fails)


class AwaitsWatched(Awaits):
    name, plugins = "facts.awaits-watched", [Watch()]


def held(job: type[Job], *args: Any, attempt: int = 1) -> Reservation:
    payload = Payload(job.name, list(args), {}, "a1", attempt=attempt).encoded()
    return Reservation("a1", "7:w:1", "mail", payload, worker="w")


def awaited(reservation: Reservation) -> Settlement:
    return asyncio.run(arun(reservation, load_run(reservation)))


RUNS: list[tuple[Any, type[Job]]] = [
    (run, Sets),
    (run, Watched),
    (run, Awaits),
    (run, AwaitsWatched),
]
RUNS += [(awaited, Awaits), (awaited, AwaitsWatched)]


@pytest.mark.parametrize("name", NAMES)
class TestAnyName:
    @pytest.mark.parametrize(("runs", "job"), RUNS)
    def test_a_name_set_by_perform_changes_nothing_of_a_success(
        self, name: str, runs: Any, job: type[Job]
    ) -> None:
        settlement = runs(held(job, name, False))

        assert (settlement.outcome, settlement.id, settlement.token) == ("done", "a1", "7:w:1")
        assert [seen[:3] for seen in SEEN] == ([("done", "a1", "mail")] if job.plugins else [])

    @pytest.mark.parametrize(("runs", "job"), RUNS)
    def test_a_name_set_by_perform_changes_nothing_of_a_failure(
        self, name: str, runs: Any, job: type[Job]
    ) -> None:
        settlement = runs(held(job, name, True, attempt=2))

        assert settlement.outcome == "failed"
        payload = Payload.decoded(settlement.payload)
        assert (payload.id, payload.args, payload.attempt) == ("a1", [name, True], 2)
        record = payload.failure or {}
        assert (record["error"], record["message"]) == ("ValueError", "the real error")
        told = ("ValueError('the real error')", "a1", "mail", "7:w:1", 2, job.name, [name, True])
        assert ([told] if job.plugins else []) == SEEN

    def test_a_name_set_by_perform_changes_nothing_of_a_retry_inline_or_drained(
        self, name: str, buoy_app: App
    ) -> None:
        Watched.enqueue(name, True)
        Watched.enqueue(name, False)
        assert drain(buoy_app) == {"delayed": 1, "done": 1}

        with buoy_app.inline(), pytest.raises(ValueError, match=r"^the real error$"):
            Watched.enqueue(name, True)


class TestObjects:
    def test_plugins_and_the_job_see_what_the_other_sets(self) -> None:
        @dataclass(frozen=True)
        class Audits(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Any) -> Iterator[None]:
                job.client = "client"
                result = yield
                SEEN.append((job.rows, job.queue))
                return result

            @hookimpl
            def on_failure(self, job: Any, error: BaseException) -> None:
                SEEN.append((job.client, job.rows, job.queue))

        class Audited(Job):
            name, plugins = "facts.audited", [Audits()]

            def perform(self, fails: bool) -> None:
                self.rows, self.queue = [self.client], "own"  # type: ignore[attr-defined]
                if fails:
                    raise KeyError

        assert run(held(Audited, False)).outcome == "done"
        assert run(held(Audited, True)).outcome == "failed"
        assert SEEN == [(["client"], "mail"), ("client", ["client"], "mail")]

    def test_what_a_run_calls_may_ask_for_what_is_true(self) -> None:
        class Asks(Job):
            name = "facts.asks"

            def perform(self) -> None:
                self.id = 7  # type: ignore[misc, assignment]
                SEEN.extend([self.id, facts(self).id, seen_by_hooks(self).id])

        run(held(Asks))

        assert SEEN == [7, "a1", "a1"]

    def test_an_instance_made_by_hand_is_no_run(self) -> None:
        job = Sets()

        with pytest.raises(
            AttributeError, match=r"^Sets\.id: expected a job that was enqueued, or"
        ):
            _ = job.id
        assert seen_by_hooks(job) is job
        assert "Sets" in repr(job)

    def test_a_job_can_be_pickled_in_its_run(self) -> None:
        import pickle

        [job] = [load_run(held(Sets, "x", False)).new()]

        copy = pickle.loads(pickle.dumps(job))

        assert (copy.id, copy.queue, facts(copy).token) == ("a1", "mail", "7:w:1")


class Rude(Job):
    """Whose objects answer nothing as they should."""

    name = "facts.rude"

    def no(self, *args: Any) -> Any:
        raise RuntimeError("no")

    __eq__ = __ne__ = __hash__ = __bool__ = __len__ = no
    __repr__ = __str__ = __format__ = __setattr__ = __del__ = __iter__ = no

    def perform(self, fails: bool) -> None:
        if fails:
            raise ValueError("the real error")


class Nonsense(Rude):
    name = "facts.nonsense"

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name == "perform" else 42


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("job", [Rude, Nonsense])
def test_an_object_may_answer_what_it_likes(
    job: type[Job], caplog: pytest.LogCaptureFixture
) -> None:
    assert run(held(job, False)).outcome == "done"
    settlement = run(held(job, True))
    record = json.loads(settlement.payload)["failure"]
    assert (record["error"], record["message"]) == ("ValueError", "the real error")
    caplog.clear()  # the record of the failure holds the object, whose __del__ raises an error
