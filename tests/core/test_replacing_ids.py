"""``using(id=…, replace=True)``: the job of this id that waits gets the new arguments and time."""

from typing import Any

import pytest

from buoy import App, ConfigurationError, InvalidArguments, Job, Plugin, hookimpl
from buoy.model.due import NOW, Due
from buoy.model.entry import Entry
from buoy.model.transition import Transition
from buoy.testing import FakeWorker, drain
from tests.support.snapshot import check_whole
from tests.support.world import World, done


class Report(Job):
    queue = "reports"

    def perform(self, name: str, pages: int = 1) -> None: ...


def report(**more: Any) -> Any:
    return Report.using(id="r", replace=True, **more)


def waiting(app: App) -> list[tuple[str, list[Any]]]:
    views = [*app.monitor.peek("reports"), *app.monitor.delayed("reports")]
    return [(view.id, view.args) for view in views]


def test_the_job_that_waits_gets_the_new_arguments_and_keeps_its_place(buoy_app: App) -> None:
    assert report().enqueue("a").state == "queued"
    other = Report.enqueue("other")

    handle = report().enqueue("b", 7)

    assert (handle.state, handle.code, handle.holder, handle.id) == ("exists", "replaced", "r", "r")
    assert handle.reason == "the job that waits has its arguments now"
    assert waiting(buoy_app) == [("r", ["b", 7]), (other.id, ["other"])]
    assert drain(buoy_app) == {"done": 2}


def test_a_delayed_job_gets_the_new_time(buoy_app: App) -> None:
    report(delay=60).enqueue("a")

    assert report(delay=600).enqueue("b").code == "replaced"

    [view] = buoy_app.monitor.delayed("reports")
    assert view.at is not None
    assert view.at - view.enqueued_at == pytest.approx(600, abs=60)
    assert waiting(buoy_app) == [("r", ["b"])]


def test_a_delayed_job_that_is_to_run_now_is_queued(buoy_app: App) -> None:
    report(delay=60).enqueue("a")

    assert report().enqueue("b").code == "replaced"

    assert [view.id for view in buoy_app.monitor.peek("reports")] == ["r"]
    assert drain(buoy_app) == {"done": 1}


def test_a_job_that_runs_is_left_alone(buoy_app: App) -> None:
    report().enqueue("a")
    worker = FakeWorker(buoy_app, "reports")
    worker.take()

    handle = report().enqueue("b")

    assert (handle.state, handle.code, handle.holder) == ("exists", "running", "r")
    assert handle.reason == "the job with this id runs, so it was not replaced"
    found = buoy_app.find("r")
    assert found is not None
    assert found.args == ["a"]


def test_a_job_that_has_ended_or_failed_is_not_replaced(buoy_app: App) -> None:
    report().enqueue("a")
    drain(buoy_app)
    assert report().enqueue("b").code == "ended"

    class Bad(Report):
        def perform(self, name: str, pages: int = 1) -> None:
            raise ValueError(name)

    Bad.using(id="bad").enqueue("a")
    drain(buoy_app, raise_errors=False)

    handle = Bad.using(id="bad", replace=True).enqueue("b")
    assert (handle.state, handle.code, handle.holder) == ("exists", "known_id", "bad")


def test_without_an_id_or_with_no_switch_it_is_refused() -> None:
    with pytest.raises(InvalidArguments, match=r"^using: expected replace with the id of the job"):
        Report.using(replace=True)
    with pytest.raises(ConfigurationError, match=r"^using\(replace\): expected True or False, got"):
        Report.using(id="r", replace=1)  # type: ignore[arg-type]  # that is what is tested


class Counted(Plugin):
    """Attaches a command to each enqueue."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.then("INCR", job.app.key(job.queue, "counted", "all"))


def test_what_plugins_attach_is_applied_with_the_replacement(buoy_app: App) -> None:
    class CountedReport(Report):
        plugins = [Counted()]

    for name in ("a", "b"):
        CountedReport.using(id="r", replace=True).enqueue(name)

    assert buoy_app.command("GET", buoy_app.key("reports", "counted", "all")) == b"2"


# Beside claims and permits


def put(world: World, id: str, *claims: tuple[str, str], due: Due = NOW) -> str:
    """Enqueue a job that replaces the one of its id; returns the answer."""
    transition = Transition(world.queue)
    transition.claims = [[key, until] for key, until in claims]
    transition.replace_same(world.key("replace"))
    entry = Entry(id, f"{id} {claims}".encode(), "Job", due, transition)
    [answer] = world.broker.enqueue(world.queue, [entry])
    return str(answer)


def test_claims_are_exchanged(any_world: World) -> None:
    assert put(any_world, "a", ("k", "finished"), ("n", "latest")) == "queued"
    assert put(any_world, "b", ("m", "started")) == "queued"

    assert put(any_world, "a", ("l", "finished")) == "replaced a"
    assert put(any_world, "b", ("l", "finished")) == "exists a"

    assert any_world.claims == {"l": "a", "m": "b"}
    check_whole(any_world)
    any_world.take(2)
    assert any_world.claims == {"l": "a"}


def test_who_is_to_be_told_of_the_end_stays_so(world: World) -> None:
    put(world, "a", ("home group member", "ended"))

    assert put(world, "a", ("k", "finished")) == "replaced a"

    assert world.call("HGET", "claims", "<a") == b"fk\nehome group member\n"


def test_a_queued_job_keeps_its_permits_and_a_blocked_one_its_line(world: World) -> None:
    one = ("k", "1 finished")
    assert [put(world, id, one) for id in "abc"] == ["queued", "blocked", "blocked"]

    assert [put(world, id, one) for id in "cba"] == ["replaced c", "replaced b", "replaced a"]

    assert world.queued == ["a"]
    check_whole(world)
    for id in "abc":
        held = world.take_one()
        assert held.id == id
        world.settle(held, "done")
    check_whole(world)


def test_a_delayed_job_gets_the_new_permits_and_the_new_priority(world: World) -> None:
    later = Due(in_ms=60_000)
    put(world, "a", ("k", "1 finished"), ("priority", "low"), due=later)
    world.enqueue("b")

    assert put(world, "a", ("m", "1 finished"), ("priority", "high"), due=later) == "replaced a"
    assert put(world, "a", ("m", "1 finished"), ("priority", "high")) == "replaced a"

    assert world.queued == ["a", "b"]
    assert world.call("HGET", "claims", "#m") == b"1 1"
    check_whole(world)


RANKS: dict[str, list[tuple[str, str]]] = {
    "normal": [],
    **{rank: [("priority", rank)] for rank in ("high", "low", "high front", "normal front")},
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("before", RANKS)
def test_a_queued_job_goes_to_its_new_priority_or_stays(
    any_world: World, before: str, rank: str
) -> None:
    world = any_world
    levels = {"high": ["h1"], "normal": ["n1"], "low": ["l1"]}
    world.enqueue("l1", claims=RANKS["low"])
    world.enqueue("n1")
    world.enqueue("h1", claims=RANKS["high"])
    put(world, "a", *RANKS[before])
    old, front = before.split(maxsplit=1)[0], " front" in before
    levels[old].insert(0 if front else 1, "a")
    assert world.queued == [id for ids in levels.values() for id in ids]

    assert put(world, "a", *RANKS[rank]) == "replaced a"

    new = rank.split(maxsplit=1)[0]
    if " front" in rank or new != old:
        levels[old].remove("a")
        levels[new].insert(0 if " front" in rank else 1, "a")
    assert world.queued == [id for ids in levels.values() for id in ids]
    check_whole(world)
    taken = world.take(4)
    assert {each.id for each in taken} == {"a", "h1", "n1", "l1"}
    world.trip(0, *map(done, taken))
    assert not world.call("EXISTS", "claims")
    check_whole(world)


def test_a_blocked_job_has_its_new_priority_when_it_is_let_in(world: World) -> None:
    one = ("k", "1 finished")
    assert [put(world, id, one) for id in "ab"] == ["queued", "blocked"]
    assert put(world, "b", one, ("priority", "high")) == "replaced b"
    world.enqueue("n")
    check_whole(world)

    [held] = world.take(1)
    world.settle(held, "done")

    assert (held.id, world.queued) == ("a", ["b", "n"])
    check_whole(world)


def test_a_job_of_the_call_itself_gets_its_new_priority(world: World) -> None:
    def entry(*claims: tuple[str, str]) -> Entry:
        transition = Transition(world.queue)
        transition.claims = [[key, until] for key, until in claims]
        transition.replace_same(world.key("replace"))
        return Entry("a", f"{claims}".encode(), "Job", NOW, transition)

    world.enqueue("n")
    page = [entry(), entry(("priority", "high")), entry()]
    said = [str(each) for each in world.broker.enqueue(world.queue, page)]

    assert said == ["queued", "replaced a", "replaced a"]
    assert world.queued == ["n", "a"]
    check_whole(world)


def test_who_looks_sees_the_priority_that_the_job_has(buoy_app: App) -> None:
    report(priority="low").enqueue("a")
    Report.enqueue("other")

    report(priority="high").enqueue("b")

    seen = [(view.args, view.priority) for view in buoy_app.monitor.peek("reports")]
    assert seen == [(["b"], "high"), (["other"], "normal")]


def test_a_delayed_job_may_be_blocked_then(world: World) -> None:
    put(world, "a", ("k", "1 finished"))
    put(world, "b", due=Due(in_ms=60_000))

    assert put(world, "b", ("k", "1 finished")) == "replaced b"

    assert (world.queued, world.delayed) == (["a"], [])
    assert world.find("b") is not None
    check_whole(world)
