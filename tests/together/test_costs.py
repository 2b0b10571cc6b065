"""What the three plugins cost: no command more, and nothing to load before it is needed."""

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
    assert sent(lambda: drain(Job.app, "payments")) == ["EVALSHA"] * trips


def test_a_worker_sends_as_many_commands_with_the_three_plugins_as_without(sent: Sent) -> None:
    def work(job: Any) -> Counter[str]:
        job.enqueue_many(ROWS)
        return Counter(sent(lambda: burst(Job.app.settings.url)))

    work(Pay)  # the server learns the scripts of workers

    assert work(ALL_THREE) == work(Pay)


def burst(url: str) -> None:
    """Run a worker until nothing is left to do."""
    environ = {**os.environ, "BUOY_URL": url}
    command = [sys.executable, "-c", WORKER]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, timeout=60)


# How many jobs go together in one trip depends on how long they take, by a clock that stands here.
WORKER = """
from buoy import Job
from buoy.executor.inline import Inline
from buoy.worker.queue_list import QueueList
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

    assert subprocess.check_output(command, text=True, timeout=30) == "[]\n"


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

    assert subprocess.check_output(command, text=True, timeout=30) == "[]\n"
