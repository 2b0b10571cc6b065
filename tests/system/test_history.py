"""What workers of each kind remember, and what is found on a cluster."""

from collections.abc import Callable, Iterator

import pytest

from buoy_history import history
from tests.support.cluster import Cluster
from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.remembered import AsyncEnd, End
from .apps.remembered_long import Long


@pytest.fixture(autouse=True)
def deployment(site: Site) -> None:
    """Its workers have the plugin by a setting alone."""
    site.environ["BUOY_PLUGINS"] = "buoy_history:History"


def ends() -> list[tuple[str, str]]:
    return sorted((end.state, end.cause) for end in history().find())


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("job", [End, AsyncEnd], ids=["function", "coroutine"])
def test_each_executor_remembers(site: Site, executor: str, job: type[End]) -> None:
    for how in ("well", "fail"):
        job.enqueue(how)  # the other class takes the argument, too

    worker = site.burst("--executor", executor, app="remembered")

    assert ends() == [("done", ""), ("failed", "exception")], worker.log
    assert {end.args[0] for end in history().find() if end.args} == {"well", "fail"}
    assert all(end.worker and 0 < end.waited < 600 for end in history().find())


def test_processes_that_were_killed_are_remembered(site: Site) -> None:
    End.enqueue("die")
    Long.enqueue()

    worker = site.burst(app="remembered_long")

    assert ends() == [("failed", "signal 9 (SIGKILL)"), ("failed", "timeout")], worker.log
    [late] = history().find(name=Long)
    assert 0.4 < late.seconds < 600


def test_under_kills_each_job_is_remembered_once(site: Site) -> None:
    """A run that was lost has not ended. What was settled is remembered, and nothing else is."""
    handles = End.enqueue_many([("well" if n % 3 else "fail",) for n in range(120)])
    for executor in ("fork", "thread", "fork"):
        before = len(ends())
        victim = site.worker("--executor", executor, "-c", "2", app="remembered")
        wait_until(lambda: len(ends()) > before + 5 or site.idle(), what=site.logs)  # noqa: B023
        victim.kill()
    while not site.idle():  # a burst does not wait for the leases of a worker that died just now
        site.burst(app="remembered")

    found = [end.id for end in history().find()]

    assert sorted(found) == sorted(handle.id for handle in handles)
    view = site.view()
    assert [end.state for end in history().find()].count("failed") == view.failed == 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


def test_on_a_cluster_the_ends_of_all_queues_are_found(
    cluster: Cluster, make_site: Callable[..., Site]
) -> None:
    site = make_site(cluster)
    site.environ["BUOY_PLUGINS"] = "buoy_history:History"
    handles = [End.using(queue=f"queue{number}").enqueue("well") for number in range(6)]
    # No burst: it does not wait for a node that is slow.
    site.worker(queues="queue*", app="remembered")
    wait_until(lambda: len(list(history().find(state="done"))) >= 6, what=site.logs)

    found = list(history().find(state="done"))

    assert {end.id for end in found} == {handle.id for handle in handles}
    times = [end.ended_at for end in found]
    assert times == sorted(times, reverse=True)
    assert [end.queue for end in history().get(handles[3].id)] == ["queue3"]
