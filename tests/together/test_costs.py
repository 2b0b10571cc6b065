"""What the three plugins cost: no command more, and nothing to load before it is needed."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from buoy import App, Job
from buoy.embedded.server import Server
from buoy.testing import drain
from buoy_batch import Batch
from buoy_limits import Debounce, Limit, Lonely, Throttle
from buoy_sealed import Sealed, new_key
from buoy_status import progress
from buoy_steps import Steps, each, step
from tests.docs.blocks import ROOT
from tests.support.proxy import Proxy

from .jobs import ORDERS, VARIATIONS, Pay

ROWS = [(f"well {number}",) for number in range(50)]
ALL_THREE = VARIATIONS[Pay, ORDERS[0], "finished"]
Sent = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def sent(buoy_server: Server, buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """Tells the commands that an act of a new client sends, which knows its queue and scripts."""
    with Proxy(buoy_server.url) as proxy:

        def tell(act: Callable[[], object]) -> list[str]:
            proxy.commands.clear()
            act()
            return list(proxy.commands)

        app = App(proxy.url)
        monkeypatch.setattr(Job, "app", app)
        for job in (Pay, ALL_THREE):
            job.enqueue("warm")
            job.enqueue("busy")
        drain(app, "payments")
        buoy_app.command("FLUSHDB")
        yield tell
        app.broker.client.close()


@pytest.mark.parametrize("job", [Pay, ALL_THREE], ids=["plain", "with all three"])
@pytest.mark.parametrize("how", ["well", "busy", "refused"])
def test_each_step_of_a_job_with_the_three_plugins_is_one_command(
    sent: Sent, job: Any, how: str
) -> None:
    assert sent(lambda: job.enqueue(how)) == ["EVALSHA"]
    assert sent(lambda: job.enqueue_many(ROWS)) == ["EVALSHA"]

    # Each job is reserved and settled; and then there is no other one.
    trips = 2 * (1 + len(ROWS)) + 1
    looks_for_pause = "GET"
    drained = sent(lambda: drain(Job.app, "payments"))
    assert drained == [looks_for_pause, *["EVALSHA"] * trips]


class Limited(Pay):
    plugins = [Limit(at_once=2, key="how"), Lonely()]


@pytest.mark.parametrize("how", ["well", "busy", "refused"])
def test_a_job_with_limits_costs_no_command_more(sent: Sent, how: str) -> None:
    Limited.enqueue("warm")
    drain(Job.app, "payments")

    assert sent(lambda: Limited.enqueue(how)) == ["EVALSHA"]
    assert sent(lambda: Limited.enqueue_many([(how,)] * 50)) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * (2 * 51 + 1)]


class Rare(Pay):
    plugins = [Throttle(60, key="how")]


class Late(Pay):
    plugins = [Debounce(60, key="how", at_most=100)]


@pytest.mark.parametrize("job", [Rare, Late])
def test_a_job_that_is_enqueued_again_costs_no_command_more(sent: Sent, job: type[Pay]) -> None:
    job.enqueue("warm")

    for how in ("a", "a", "b"):
        assert sent(lambda how=how: job.enqueue(how)) == ["EVALSHA"]  # type: ignore[misc]
    assert sent(lambda: job.enqueue_many([("a",)] * 50)) == ["EVALSHA"]


class Urgent(Pay):
    priority = "high"


class Patient(Pay):
    priority = "low"


@pytest.mark.parametrize("job", [Urgent, Patient])
def test_a_job_with_a_priority_costs_no_command_more(sent: Sent, job: type[Pay]) -> None:
    job.enqueue("warm")
    drain(Job.app, "payments")

    assert sent(lambda: job.enqueue("well")) == ["EVALSHA"]
    assert sent(lambda: job.using(front=True).enqueue_many(ROWS)) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * (2 * 51 + 1)]


def test_a_push_by_name_with_options_costs_no_command_more(sent: Sent) -> None:
    def push() -> None:
        Job.app.push(Pay.name, queue="payments", priority="high", front=True, timeout=60)

    push()  # the server learns the script
    assert sent(push) == ["EVALSHA"]


def test_a_job_that_replaces_the_one_of_its_id_costs_no_command_more(sent: Sent) -> None:
    def replace(**more: Any) -> Callable[[], object]:
        return lambda: Pay.using(id="r", replace=True, **more).enqueue("well")

    replace()()
    assert sent(replace()) == ["EVALSHA"]
    assert sent(replace(priority="high")) == ["EVALSHA"]
    assert sent(replace(front=True)) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * 3]


def test_beside_jobs_with_priorities_a_plain_job_costs_no_command_more(sent: Sent) -> None:
    for job in (Urgent, Patient):
        job.enqueue("well")

    assert sent(lambda: Pay.enqueue("well")) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * (2 * 3 + 1)]


def test_where_no_job_has_a_priority_nothing_is_asked_for_it(sent: Sent) -> None:
    """No script that runs for each job reads the key: it would refuse one of a wrong type."""
    Job.app.command("SET", Job.app.key("payments", "ranked"), "a text")

    assert sent(lambda: Pay.enqueue("well")) == ["EVALSHA"]
    assert drain(Job.app, "payments") == {"done": 1}


class Stepwise(Pay):
    plugins = [Steps(every=60)]

    def perform(self, how: str = "") -> str:
        for name in how:
            if step(name):
                list(each(range(1000)))
        return "paid"


@pytest.mark.parametrize(("steps", "kept"), [("", 0), ("a", 0), ("ab", 1), ("abc", 2)])
def test_steps_cost_one_command_for_each_that_is_done_but_the_last(
    sent: Sent, steps: str, kept: int
) -> None:
    """Nothing at enqueueing, reserving and settling; nothing for a loop shorter than ``every``."""
    Stepwise.enqueue("ab")
    drain(Job.app, "payments")  # the server learns the scripts

    assert sent(lambda: Stepwise.enqueue(steps)) == ["EVALSHA"]
    drained = sent(lambda: drain(Job.app, "payments"))
    assert drained == ["GET", *["EVALSHA"] * (3 + kept)]  # the first looks for a pause


class Stepless(Stepwise):
    """Calls no function of buoy_steps."""

    perform = Pay.perform


def test_steps_add_nothing_to_a_job_that_is_enqueued_or_reserved(sent: Sent) -> None:
    stored, inside = {}, {}
    for job in (Pay, Stepless):
        job.enqueue("warm")
        drain(Job.app, "payments")
        assert sent(lambda job=job: job.enqueue("well")) == ["EVALSHA"]  # type: ignore[misc]
        inside[job] = commands_inside(lambda job=job: job.enqueue("well"))  # type: ignore[misc]
        drain(Job.app, "payments")
        assert sent(lambda job=job: job.enqueue_many(ROWS)) == ["EVALSHA"]  # type: ignore[misc]
        [first, *_] = Job.app.monitor.peek("payments", 0, 1)
        stored[job] = json.loads(first.raw).keys()
        assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * (2 * 50 + 1)]

    assert stored[Stepless] == stored[Pay]
    assert inside[Stepless] == inside[Pay]


def commands_inside(act: Callable[[], object]) -> set[str]:
    """Returns the commands that Redis runs for an act, also those within scripts."""
    Job.app.command("CONFIG", "RESETSTAT")
    act()
    lines = Job.app.command("INFO", "commandstats").decode().splitlines()
    found = {line.partition(":")[0].removeprefix("cmdstat_") for line in lines[1:]}
    return found - {"config|resetstat", "info", "llen"}  # the last: some look for a full page


class Sealing(Pay):
    plugins = [Sealed(new_key("2026-11")), *ALL_THREE.plugins]

    def perform(self, how: str = "") -> str:
        if how == "told":
            progress(self, 1, of=2, note=how)
        return super().perform(how)


class SealedSteps(Stepwise):
    plugins = [Sealed(new_key("2026-11"))]


@pytest.mark.parametrize("how", ["well", "busy", "refused"])
def test_a_sealed_job_costs_no_command_more(sent: Sent, how: str) -> None:
    assert sent(lambda: Sealing.enqueue(how)) == ["EVALSHA"]
    assert sent(lambda: Sealing.enqueue_many(ROWS)) == ["EVALSHA"]
    drained = sent(lambda: drain(Job.app, "payments"))
    assert drained == ["GET", *["EVALSHA"] * (2 * (1 + len(ROWS)) + 1)]


def test_a_sealed_note_and_a_sealed_cursor_cost_no_command_more(sent: Sent) -> None:
    for job, how, more in ((Sealing, "told", 1), (SealedSteps, "abc", 2)):
        job.enqueue(how)
        drain(Job.app, "payments")  # the server learns the scripts
        job.enqueue(how)
        drained = sent(lambda: drain(Job.app, "payments"))
        assert drained == ["GET", *["EVALSHA"] * (3 + more)]


@pytest.mark.parametrize("job", [Pay, ALL_THREE], ids=["plain", "with all three"])
def test_members_of_a_batch_are_noted_by_one_command_more(sent: Sent, job: Any) -> None:
    """None more to reserve and settle them; 3 when members have ended, and as many for what
    follows."""
    with Batch(queue="payments") as warm:  # the server learns the scripts
        warm.on_complete(Pay, "after")
        warm.enqueue(job, "warm")
    drain(Job.app)

    batch = Batch(queue="payments")
    batch.on_complete(Pay, "after")
    assert sent(lambda: batch.enqueue(job, "well")) == ["EVALSHA"] * 3  # the first opens it
    assert sent(lambda: batch.enqueue(job, "fine")) == ["EVALSHA"] * 2
    assert sent(lambda: batch.enqueue_many(job, ROWS)) == ["EVALSHA"] * 2
    assert sent(batch.close) == ["EVALSHA"]
    carried = 3 * len([1, *ROWS, 1]) + 3
    drained = sent(lambda: drain(Job.app, "payments"))
    assert drained == ["GET", *["EVALSHA"] * (2 * (len(ROWS) + 3) + 1 + carried)]


@pytest.mark.parametrize("job", [Pay, ALL_THREE], ids=["plain", "with all three"])
def test_a_job_in_no_batch_costs_nothing_for_batches(sent: Sent, job: Any) -> None:
    """No script that runs for each job reads their keys: it would refuse one of a wrong type."""
    Job.app.command("SET", Job.app.key("payments", "groups"), "a text")

    assert sent(lambda: job.enqueue("well")) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * 3]


class Stored(Pay):
    """Enqueues jobs with its good end."""

    def perform(self, how: str = "") -> str:
        for letter in how:
            queue = {"o": "payments", "s": "shop", "b": "bulk"}[letter]
            self.enqueue_after_success(Pay.using(queue=queue), "child")
        return "paid"


@pytest.mark.parametrize(("children", "more"), [("", 0), ("ooo", 0), ("sss", 3), ("sbsbo", 4)])
def test_jobs_that_follow_cost_nothing_in_the_own_queue_and_little_elsewhere(
    sent: Sent, children: str, more: int
) -> None:
    """Elsewhere: they are taken, enqueued by one command a queue, and ended; all at once."""
    Stored.enqueue("sb")
    drain(Job.app)  # the server learns the scripts, and the queues

    assert sent(lambda: Stored.enqueue(children)) == ["EVALSHA"]
    drained = sent(lambda: drain(Job.app, "payments"))
    own = children.count("o")
    assert drained == ["GET", *["EVALSHA"] * (3 + 2 * own + more)]  # the first looks for a pause


def test_a_chain_costs_what_its_jobs_cost(sent: Sent) -> None:
    chain = Pay.then(Pay, "b").then(Pay, "c")
    chain.enqueue("warm")
    drain(Job.app, "payments")

    assert sent(lambda: chain.enqueue("a")) == ["EVALSHA"]
    assert sent(lambda: drain(Job.app, "payments")) == ["GET", *["EVALSHA"] * 7]


@pytest.mark.parametrize("job", [Pay, ALL_THREE], ids=["plain", "with all three"])
def test_an_awaited_enqueueing_costs_what_a_blocking_one_costs(sent: Sent, job: Any) -> None:
    with asyncio.Runner() as loop:
        loop.run(job.aenqueue("connects"))
        for how in ("well", "busy", "refused"):
            assert sent(lambda how=how: loop.run(job.aenqueue(how))) == ["EVALSHA"]  # type: ignore[misc]
        assert sent(lambda: loop.run(job.aenqueue_many(ROWS))) == ["EVALSHA"]
        loop.run(Job.app.aclose())


def test_awaited_questions_and_acts_cost_what_blocking_ones_cost(sent: Sent) -> None:
    app, id = Job.app, Pay.using(delay=60).enqueue("later").id
    pairs: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
        (app.find, app.afind, (id,)),
        (app.reschedule, app.areschedule, (id, 2e9)),
        (app.dequeue, app.adequeue, ("none",)),
        (app.cancel, app.acancel, ("none",)),
        (app.monitor.queues, app.monitor.aqueues, ()),
        (app.monitor.peek, app.monitor.apeek, ("payments",)),
        (app.monitor.workers, app.monitor.aworkers, ()),
        (app.failures.newest, app.failures.anewest, (5,)),
    ]
    with asyncio.Runner() as loop:
        loop.run(app.afind(id))  # connects
        for blocking, awaiting, words in pairs:
            blocking(*words)  # the server learns the scripts
            asked = sent(lambda: blocking(*words))  # noqa: B023 - it is called at once
            assert sent(lambda: loop.run(awaiting(*words))) == asked  # noqa: B023
        loop.run(app.aclose())


def test_a_worker_sends_as_many_commands_with_the_three_plugins_as_without(sent: Sent) -> None:
    def work(job: Any) -> Counter[str]:
        job.enqueue_many(ROWS)
        found = Counter(sent(lambda: burst(Job.app.settings.url)))
        del found["GET"]  # the look whether everything is paused, once a second
        return found

    work(Pay)  # the server learns the scripts of workers
    runs: dict[Any, list[Counter[str]]] = {Pay: [], ALL_THREE: []}

    def fewest(job: Any) -> Counter[str]:
        """The run with the fewest commands: a worker whose heartbeat begins late looks once more at
        its queues before it ends, as many do on a busy machine."""
        return min(runs[job], key=Counter.total)

    for number in range(20):
        for job, found in runs.items():
            found.append(work(job))
        if number >= 3 and fewest(Pay) == fewest(ALL_THREE):
            break

    assert fewest(ALL_THREE) == fewest(Pay)


def burst(url: str) -> None:
    """Run a worker until nothing is left to do."""
    environ = {**os.environ, "BUOY_URL": url}
    command = [sys.executable, "-c", WORKER]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=120)


# How many jobs go together in one trip depends on how long they take, by a clock that stands here.
WORKER = """
from buoy import Job
from buoy.executor.inline import Inline
from buoy.model.queue_list import QueueList
from buoy.worker.worker import Worker

executor = Inline(["tests.together.jobs"], clock=lambda: 0.0)
executor.start()
Worker(Job.app.broker, executor, QueueList.parse("payments"), burst=True).run()
"""


LEAN = """
import sys
from buoy import Job
from buoy_loner import Loner
from buoy_retry import HTTP_ERRORS, SMTP_ERRORS, Exponential, Retry
from buoy_status import Status

class Charge(Job):
    plugins = [Retry(3, Exponential(), on=[HTTP_ERRORS, SMTP_ERRORS]), Loner(), Status()]

    def perform(self, n: int) -> None: ...

heavy = ["asyncio", "click", "email", "hashlib", "logging", "random", "redis", "tempfile"]
print([name for name in [*heavy, "socket", "threading"] if name in sys.modules])
"""


def test_declaring_the_three_plugins_loads_nothing_that_each_forked_child_pays_for() -> None:
    command = [sys.executable, "-c", LEAN]

    assert subprocess.check_output(command, text=True, timeout=120) == "[]\n"


NURSERY = """
import sys
import buoy.executor.fork.nursery_main
from buoy import Job
from buoy.loading.served_app import ANY, select_app

class Charge(Job):
    name = "shop.Charge"
    def perform(self) -> None: ...

select_app(ANY)
heavy = ["asyncio", "click", "email", "hashlib", "logging", "redis", "tempfile", "threading"]
print([name for name in heavy if name in sys.modules])
"""


def test_the_nursery_loads_nothing_that_each_forked_child_pays_for() -> None:
    """With threads loaded, each child has a third more pages to copy."""
    command = [sys.executable, "-c", NURSERY]

    assert subprocess.check_output(command, text=True, timeout=120) == "[]\n"
