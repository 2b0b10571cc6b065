"""What plugins attach to a run goes through with its outcome, from a forked child too."""

import pytest

from tests.support.processes import Site, wait_until

from .apps.attaching import Booked


def account(site: Site) -> dict[bytes, bytes]:
    found = site.app.command("HGETALL", site.app.key("default", "account"))
    return dict(zip(found[::2], found[1::2], strict=True))


def held(site: Site) -> int:
    return int(site.app.command("HLEN", site.app.key("default", "claims")))


def test_a_run_that_is_done_has_its_attachments(site: Site, executor: str) -> None:
    first = Booked.enqueue("fine")
    second = Booked.enqueue("fine")
    assert (second.state, second.holder) == ("exists", first.id)

    site.worker("--executor", executor, "--burst", app="attaching").wait()

    assert account(site) == {b"begun": b"1", b"done": b"1"}
    assert held(site) == 0


def test_a_run_that_failed_has_only_what_was_attached_to_the_failure(
    site: Site, executor: str
) -> None:
    handle = Booked.enqueue("raise")

    worker = site.worker("--executor", executor, app="attaching")

    wait_until(lambda: site.app.monitor.queues()[0].failed == 1)
    worker.stop()
    view = site.app.find(handle.id)
    assert view is not None
    assert view.attempt == 3
    assert account(site) == {b"ValueError": b"3"}
    assert held(site) == 0


@pytest.mark.parametrize("kind", ["die"])
def test_the_plugins_decide_about_a_child_that_died(site: Site, kind: str) -> None:
    Booked.enqueue(kind)

    worker = site.worker(app="attaching")

    wait_until(lambda: site.app.monitor.queues()[0].failed == 1)
    worker.stop()
    assert account(site) == {b"DirtyExit": b"3"}
    assert held(site) == 0
