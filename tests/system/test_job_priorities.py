"""Jobs of three priorities in one queue, with real workers, some of which are killed."""

import random

import pytest

from tests.support.processes import EXECUTORS, Site, wait_until

from .apps.jobs import Note, Wait


@pytest.mark.parametrize("executor", EXECUTORS)
def test_jobs_run_in_the_order_of_their_priorities_under_every_executor(
    site: Site, executor: str
) -> None:
    for n in (1, 2):
        Note.using(priority="low").enqueue(f"low {n}")
        Note.enqueue(f"normal {n}")
        Note.using(priority="high").enqueue(f"high {n}")
    Note.using(front=True).enqueue("normal 0")

    site.burst("--executor", executor, "-c", "1")

    high, normal, low = (
        ["high 1", "high 2"],
        ["normal 0", "normal 1", "normal 2"],
        ["low 1", "low 2"],
    )
    assert site.words() == [*high, *normal, *low]


def test_what_comes_while_a_long_job_runs_goes_before_what_waits(site: Site, executor: str) -> None:
    """These executors reserve nothing ahead before they have seen short jobs."""
    Wait.enqueue("long", "gate")
    site.worker("--executor", executor, "-c", "1")
    site.note("began")
    Note.using(priority="low").enqueue("low")
    Note.enqueue("normal")
    Note.using(priority="high").enqueue("high")
    site.open("gate")
    site.settled()

    assert site.words() == ["long", "high", "normal", "low"]


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_no_job_is_lost_and_nothing_is_left_whoever_is_killed(site: Site, executor: str) -> None:
    dice, names = random.Random(18), [f"{n}" for n in range(90)]
    for n, name in enumerate(names):
        front = n % 7 == 0
        Note.using(priority=("high", "normal", "low")[n % 3], front=front).enqueue(name)
    for _ in range(6):
        worker = site.worker("--executor", executor, "-c", "2")
        enough = min(len(names), len({*site.words()}) + dice.randint(1, 8))
        wait_until(lambda: len({*site.words()}) >= enough, what=site.logs)  # noqa: B023 - it is called now
        worker.kill()
    site.worker("--executor", executor, "-c", "2")
    wait_until(lambda: {*site.words()} == {*names} and site.idle(), what=site.logs)

    assert site.run("queues", "repair", "default") == (0, "default: nothing is wrong\n")
    for part in ("ranked", "claims", "jobs"):
        assert not site.app.command("EXISTS", site.app.key("default", part)), part
