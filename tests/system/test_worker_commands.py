"""Workers told to stop, pause and go on from anywhere, by way of Redis."""

import threading

import pytest

from tests.support.processes import Site, holds_for, wait_until

from .apps.jobs import Note, Wait


@pytest.fixture(autouse=True)
def lasting(site: Site) -> None:
    """A worker is listed for one lease after its heartbeat, and only then is it told anything: on a
    busy machine the usual second is not always enough."""
    site.lease = 3.0


def tell(site: Site, *words: str) -> str:
    """Tell workers, once there is one: it may begin a job before its first heartbeat."""
    wait_until(site.app.monitor.workers)
    code, output = site.run("workers", *words)
    assert code == 0, output
    return output


def test_the_worker_command_stop_acts_as_term(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "-c", "1")
    site.note("began")
    Note.enqueue("next")
    [view] = wait_until(site.app.monitor.workers)
    assert tell(site, "stop") == f"{view.id}: stop\n"
    worker.wait_for_log("received worker command: stop")
    wait_until(lambda: site.states() == ["stopping"])
    code, output = site.run("workers", "wait", "--timeout", "0.5")
    assert code == 1
    assert output == f"Error: not at rest after 0.5 s:\n  {view.id}: stopping, jobs in flight: 1\n"
    site.open("gate")
    assert worker.wait() == 0
    assert site.run("workers", "wait", "--timeout", "5") == (0, "")
    assert site.words() == ["running"]
    assert site.view().queued == 1


def test_quiet_takes_nothing_new_until_resume(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    worker = site.worker("--executor", executor, "-c", "1")
    site.note("began")
    Note.enqueue("next")
    tell(site, "quiet")
    worker.wait_for_log("received worker command: quiet")
    ended: list[tuple[int, str]] = []
    wait = threading.Thread(target=lambda: ended.append(site.run("workers", "wait")))
    wait.start()
    holds_for(0.5, lambda: not ended)
    site.open("gate")
    wait.join()
    assert ended == [(0, "")]
    wait_until(lambda: site.states() == ["paused"])
    assert site.words() == ["running"]
    for _ in range(2):
        tell(site, "resume")
    site.note("ran", "next")
    tell(site, "quiet")
    wait_until(lambda: site.states() == ["paused"])
    worker.stop()


def test_a_worker_command_reaches_only_the_named_worker(site: Site) -> None:
    first, second = site.worker(), site.worker()
    wait_until(lambda: len(site.states()) == 2)
    [id] = [view.id for view in site.app.monitor.workers() if view.pid == first.pid]
    tell(site, "stop", id)
    assert first.wait() == 0, first.log
    assert second.process.poll() is None
    wait_until(lambda: site.states() == ["running"])
    second.stop()


def test_all_workers_of_a_supervisor_can_be_stopped(site: Site) -> None:
    supervisor = site.worker("--processes", "2")
    wait_until(lambda: len(site.states()) == 2)
    tell(site, "stop")
    assert supervisor.wait() == 0, supervisor.log
    assert site.run("workers", "wait", "--timeout", "5") == (0, "")


def test_a_worker_that_is_gone_for_a_day_is_not_listed(site: Site) -> None:
    seconds = int(site.app.command("TIME")[0])
    for id, hours in (("yesterday", 25), ("today", 23)):
        at = 1000 * (seconds - 3600 * hours)
        site.app.command("ZADD", site.app.broker.keys.workers(), at, id)
    site.worker()
    wait_until(lambda: site.states().count("running") == 1)
    assert [view.id for view in site.app.monitor.workers() if view.gone] == ["today"]
