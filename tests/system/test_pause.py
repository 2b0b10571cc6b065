"""Everything paused: no worker takes jobs until all is resumed."""

import re

import pytest

from buoy import App
from tests.support.cluster import Cluster
from tests.support.processes import Site, holds_for, wait_until

from .apps.jobs import Note, Wait


def test_workers_take_nothing_until_all_is_resumed(site: Site, executor: str) -> None:
    Wait.enqueue("running", "gate")
    first = site.worker("--executor", executor)
    site.note("began")

    said = "everything is paused; jobs are still enqueued, also by the scheduler\n"
    assert site.run("pause") == (0, said)
    first.wait_for_log("everything is paused: no jobs are taken")
    wait_until(lambda: site.states() == ["paused"])
    Note.enqueue("next")
    Note.using(queue="new").enqueue("elsewhere")
    second = site.worker("--executor", executor, queues="*")
    second.wait_for_log(" serves *")
    assert "everything is paused: no jobs are taken" in second.log
    site.open("gate")
    site.note("ran", "running")
    holds_for(1.5, lambda: site.words() == ["running"])

    assert site.run("resume") == (0, "everything is resumed\n")
    site.note("ran", "next")
    site.note("ran", "elsewhere")
    wait_until(lambda: site.states() == ["running", "running"])
    assert "everything is resumed" in first.log


def test_a_burst_ends_when_everything_is_paused(site: Site, executor: str) -> None:
    Note.enqueue("later")
    site.run("pause")

    site.burst("--executor", executor)

    assert (site.words(), site.view().queued) == ([], 1)


def test_a_worker_that_is_paused_ends_at_once_when_it_is_told_to(site: Site) -> None:
    site.run("pause")
    worker = site.worker("--executor", "inline")
    worker.wait_for_log(" serves ")

    worker.stop()


def test_a_pause_by_a_signal_outlasts_the_end_of_the_other(site: Site) -> None:
    site.lease = 3.0  # a worker that misses heartbeats for a lease would not be told
    worker = site.worker("--executor", "inline")
    worker.wait_for_log(" serves ")
    site.run("workers", "quiet")
    wait_until(lambda: site.states() == ["paused"])
    site.run("pause")
    worker.wait_for_log("everything is paused")
    site.run("resume")
    worker.wait_for_log("everything is resumed")
    Note.enqueue("later")

    holds_for(0.5, lambda: not site.words())

    site.run("workers", "resume")
    site.note("ran", "later")


def test_commands_say_that_everything_is_paused(site: Site) -> None:
    assert site.run("resume") == (0, "nothing was paused by buoy pause\n")
    assert "paused" not in site.run("queues")[1] + site.run("workers")[1] + site.run("doctor")[1]
    site.run("pause")
    assert site.run("pause") == (0, "everything was paused already\n")

    hint = ": no worker takes jobs; to go on: buoy resume\n"
    for command in ("queues", "workers"):
        said = site.run(command)[1].splitlines(keepends=True)[-1]
        assert (said.startswith("everything is paused since 20"), said.endswith(hint)) == (
            True,
            True,
        )
    noted = r"NOTE   pause: everything is paused for \d+ s: no worker takes jobs\n"
    assert re.search(noted, site.run("doctor")[1])


@pytest.mark.parametrize("name", ["*", "mail*"])
def test_all_queues_are_no_queue(site: Site, name: str) -> None:
    code, said = site.run("queues", "pause", name, "--force")

    assert code == 2
    assert ("to pause all: buoy pause" in said) == (name == "*")


def test_a_cluster_is_paused_too(site: Site) -> None:
    with Cluster() as cluster:
        app = App(cluster.url, lease=1.0)
        app.control.pause_all()
        worker = site.worker("--executor", "inline", url=cluster.url, queues="*:1")
        worker.wait_for_log(" serves ")
        app.push(Note.name, ["there"], queue="mail")
        holds_for(1.0, lambda: not site.words())
        assert app.monitor.paused_since() is not None

        app.control.resume_all()

        site.note("ran", "there")
        worker.stop()
