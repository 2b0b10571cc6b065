"""The connection is cut before or after each single command: nothing is lost or done twice."""

from collections import Counter
from itertools import product

import pytest

from tests.support.processes import Site, wait_until
from tests.support.proxy import Proxy, When

from .apps.jobs import Note, Wait

WHENS: list[When] = ["before", "after"]

COMMANDS = 12
"""How many commands, one after the other, lose their connection; of both threads of a worker."""

STARTING = 5
"""How many of those that a worker sends from its start to its end, with one job."""


@pytest.mark.parametrize("when", WHENS)
def test_a_worker_survives_a_cut_at_each_command(site: Site, executor: str, when: When) -> None:
    with Proxy(site.server.url) as proxy:
        worker = site.worker("--executor", executor, url=proxy.url, queues="default,mail")
        for n in range(1, COMMANDS + 1):
            proxy.cut(n, when)
            Note.enqueue_many([(f"{n} first",), (f"{n} second",)])
            Note.using(queue="mail", delay=0.02).enqueue(f"{n} third")
            wait_until(lambda: len(site.words()) >= 3 * n, what=site.logs)  # noqa: B023
        site.settled("mail")
        site.settled()
        ran = Counter(site.words())
        assert len(ran) == 3 * COMMANDS
        assert set(ran.values()) == {1}
        assert site.view("default").done + site.view("mail").done == 3 * COMMANDS
        worker.stop()


@pytest.mark.parametrize("when", WHENS)
def test_a_worker_survives_a_cut_while_it_starts_and_ends(
    site: Site, executor: str, when: When
) -> None:
    with Proxy(site.server.url) as proxy:
        for n in range(1, STARTING + 1):
            Note.enqueue(str(n))
            proxy.cut(n, when)
            worker = site.worker("--burst", "--executor", executor, url=proxy.url)
            assert worker.wait() == 0, worker.log
    assert site.words() == [str(n) for n in range(1, STARTING + 1)]
    assert site.idle()


@pytest.mark.parametrize("when", WHENS)
def test_a_heartbeat_that_is_cut_costs_no_lease(site: Site, executor: str, when: When) -> None:
    site.lease = 6.0  # a third of it is more than a busy machine needs for a heartbeat
    with Proxy(site.server.url) as proxy:
        Wait.enqueue("running", "gate")
        site.worker("--executor", executor, url=proxy.url)
        site.note("began")
        site.worker("--executor", executor).wait_for_log("serves")
        for _ in range(6):
            proxy.cut(1, when)
            proxy.wait_for(len(proxy.commands) + 1)
        site.open("gate")
        site.settled()
    assert site.words("began") == ["running"]


def test_a_worker_may_be_killed_at_each_command(site: Site, executor: str) -> None:
    words = []
    site.environ["BUOY_MAX_CRASHES"] = "100"  # some jobs will be in the hands of many
    with Proxy(site.server.url) as proxy:
        for n, when in product(range(1, STARTING + 1), WHENS):
            words.append(f"{n} {when}")
            Note.enqueue(words[-1])
            sent = len(proxy.commands)
            proxy.cut(n, when)
            worker = site.worker("--executor", executor, url=proxy.url)
            proxy.wait_for(sent + n)
            worker.kill()
    site.worker("--executor", executor)
    site.settled()
    ran = Counter(site.words())
    assert set(ran) == set(words)
    assert sum(ran.values()) <= 2 * len(words)
    assert site.view().failed == 0
