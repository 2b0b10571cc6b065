"""How soon jobs start. The bounds are wide, and only one of some rounds has to keep them: they tell
waking from polling, not fast from slow."""

import signal
import time
from statistics import median

from tests.support.processes import Site, in_some_round, wait_until

from .apps.jobs import Note, Wait

SAMPLES = 12
PROMPT = 0.25
"""Seconds; who would poll needs a second on average."""

QUEUES = [f"queue{n}" for n in range(20)]


def waits(site: Site, delay: float = 0.0) -> list[float]:
    """How long jobs wait, each in another queue, beyond what they are to wait."""
    found = []
    first = len(site.words())
    for n in range(first, first + SAMPLES):
        word = f"sample {n}"
        due = time.monotonic() + delay
        Note.using(queue=QUEUES[n * 7 % 20], delay=delay or None).enqueue(word)
        found.append(site.note("ran", word).at - due)
    return found


def is_prompt(site: Site, delay: float = 0.0) -> bool:
    """Whether most jobs of a round begin at once; none of them begins too early."""
    found = waits(site, delay)
    assert min(found) > -0.02
    return median(found) < PROMPT


def ready(site: Site, *options: str) -> None:
    """Start a worker that is idle then."""
    site.worker(*options, queues=",".join(QUEUES))
    Note.using(queue=QUEUES[-1]).enqueue("warm")
    site.note("ran", "warm")


def test_an_idle_worker_starts_a_job_at_once(site: Site, executor: str) -> None:
    ready(site, "--executor", executor)
    in_some_round(lambda: is_prompt(site))


def test_a_free_slot_is_used_while_others_are_busy(site: Site) -> None:
    ready(site, "-c", "3")
    for n in range(2):
        Wait.using(queue=QUEUES[n]).enqueue(str(n), "gate")
    wait_until(lambda: len(site.words("began")) == 2)
    in_some_round(lambda: is_prompt(site))
    site.open("gate")


def test_a_delayed_job_starts_when_it_is_due(site: Site, executor: str) -> None:
    ready(site, "--executor", executor)
    in_some_round(lambda: is_prompt(site, delay=0.1))


def test_one_of_several_idle_workers_starts_a_job_at_once(site: Site) -> None:
    ready(site, "--executor", "inline")
    site.worker(queues=",".join(QUEUES)).wait_for_log("serves")
    site.worker("--executor", "inline", queues=QUEUES[0]).wait_for_log("serves")
    in_some_round(lambda: is_prompt(site))


def test_a_ring_that_a_busy_worker_takes_reaches_an_idle_one(site: Site) -> None:
    ready(site, "--executor", "inline")
    ready(site, "--executor", "inline")
    in_some_round(lambda: median(waits_beside_a_busy_worker(site)) < PROMPT)


def waits_beside_a_busy_worker(site: Site) -> list[float]:
    found = []
    first = len(site.words())
    for n in range(first, first + SAMPLES // 2):
        Wait.using(queue=QUEUES[0]).enqueue(f"busy {n}", f"gate {n}")
        site.note("began", f"busy {n}")
        start = time.monotonic()
        Note.using(queue=QUEUES[0]).enqueue(f"other {n}")
        found.append(site.note("ran", f"other {n}").at - start)
        site.open(f"gate {n}")
        site.note("ran", f"busy {n}")
    return found


def test_a_released_job_wakes_an_idle_worker(site: Site) -> None:
    """Behind a slow job, in the same batch, others wait: they are given back and taken up."""
    Note.enqueue_many([(str(n),) for n in range(50)])
    worker = site.worker("--executor", "inline")
    site.note("ran", "49")
    worker.signal(signal.SIGUSR2)  # take nothing for now
    Wait.enqueue("slow", "gate")
    Note.enqueue("behind")
    worker.signal(signal.SIGCONT)
    site.note("began", "slow")
    site.worker("--executor", "inline").wait_for_log("serves")
    site.note("ran", "behind")  # while the slow one still runs
    site.open("gate")
