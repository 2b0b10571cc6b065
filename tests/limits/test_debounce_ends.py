"""``Debounce``: how a burst ends before its job has run, and what comes then."""

from buoy import App, Job
from buoy.operations.failed_set import Filter, find, retry
from buoy.testing import Clock, drain
from buoy_limits import Debounce, Limit, Rate

saved: list[str] = []


class Save(Job):
    queue = "documents"
    plugins = [Debounce(500, key="document", at_most=1200)]

    def perform(self, document: int, text: str = "") -> None:
        saved.append(text)
        if text == "fail":
            raise ValueError(document)


class Paced(Save):
    plugins = [Debounce(5, key="document"), Rate(1, per=60)]


class Sorted(Save):
    plugins = [Debounce(5, key="document"), Limit(at_once=1, key="text")]


def test_after_a_burst_that_was_cancelled_a_new_one_has_its_whole_time(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Save.enqueue(1, "a")
    buoy_clock.advance(400)
    assert Save.enqueue(1, "b").code == "replaced"
    buoy_clock.advance(400)
    assert buoy_app.cancel(first.id)

    second = Save.enqueue(1, "c")
    assert second.state == "delayed"
    for text in "de":
        buoy_clock.advance(400)
        assert Save.enqueue(1, text).holder == second.id
    buoy_clock.advance(300)
    assert drain(buoy_app) == {}
    buoy_clock.advance(200)

    saved.clear()
    assert drain(buoy_app) == {"done": 1}
    assert saved == ["e"]


def test_after_a_burst_that_has_expired_a_new_one_begins(buoy_app: App, buoy_clock: Clock) -> None:
    Save.using(expires=100).enqueue(1, "a")
    buoy_clock.advance(700)
    assert drain(buoy_app) == {"rejected": 1}

    assert Save.enqueue(1, "b").state == "delayed"


def test_a_job_that_is_retried_by_hand_takes_the_next_arguments(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Save.enqueue(1, "fail")
    buoy_clock.advance(600)
    drain(buoy_app, raise_errors=False)
    retry(buoy_app.control, list(find(buoy_app.monitor, Filter())))

    assert Save.enqueue(1, "b").holder == first.id

    saved.clear()
    assert drain(buoy_app) == {"done": 1}
    assert saved == ["b"]


def test_a_burst_that_waits_for_its_time_by_a_rate_keeps_it(
    buoy_app: App, buoy_clock: Clock
) -> None:
    Paced.enqueue(1)
    Paced.enqueue(2, "a")
    buoy_clock.advance(6)
    assert drain(buoy_app) == {"done": 1}
    for text in "bcd":
        assert Paced.enqueue(2, text).code == "replaced"
        buoy_clock.advance(18)

    saved.clear()
    buoy_clock.advance(10)
    assert drain(buoy_app) == {"done": 1}
    assert saved == ["d"]


def test_a_burst_that_is_queued_takes_the_permit_of_its_last_arguments(
    buoy_app: App, buoy_clock: Clock
) -> None:
    [one, two] = [Sorted.enqueue(number, "a") for number in (1, 2)]
    buoy_clock.advance(6)
    buoy_app.broker.renew_leases({"documents": []})
    assert [buoy_app.find(each.id).state for each in (one, two)] == ["queued", "blocked"]  # type: ignore[union-attr]

    assert Sorted.enqueue(1, "b").code == "replaced"

    assert [buoy_app.find(each.id).state for each in (one, two)] == ["queued", "queued"]  # type: ignore[union-attr]
    assert drain(buoy_app) == {"done": 2}
