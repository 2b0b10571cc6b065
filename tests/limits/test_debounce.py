"""``Debounce``: the last job of a burst runs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from buoy import App, ConfigurationError, Handle, Job
from buoy.operations.failed_set import Filter, find, retry
from buoy.testing import Clock, FakeWorker, drain, plugin_contract
from buoy_limits import Debounce, Limit, Throttle
from buoy_loner import Loner
from buoy_sealed import Sealed, new_key
from buoy_status import Status, status

saved: list[tuple[int, str]] = []


class Save(Job):
    queue = "documents"
    plugins = [Debounce(500, key="document", at_most=1200)]

    def perform(self, document: int, text: object = "") -> None:
        saved.append((document, str(text)))
        if text == "fail":
            raise ValueError(document)


class Endless(Save):
    plugins = [Debounce(500, key="document")]


class Edit(Job):
    queue = "orders"

    def perform(self, document: int, text: str) -> None:
        self.enqueue_after_success(Save, document, text)


@pytest.fixture(autouse=True)
def none_saved() -> Iterator[None]:
    saved.clear()
    yield
    saved.clear()


def queue_of(app: App) -> tuple[int, int]:
    """How many jobs are queued, and how many are delayed."""
    [view] = app.monitor.queues(["documents"])
    return view.queued, view.delayed


def replaced(handle: Handle[Any], first: Handle[Any]) -> bool:
    return (handle.state, handle.code, handle.holder) == ("exists", "replaced", first.id)


def due_in(app: App, id: str) -> float:
    """The seconds until a delayed job is due, to the millisecond."""
    view = app.find(id)
    assert view is not None
    assert view.state == "delayed"
    seconds, micros = map(int, app.command("TIME"))
    now = seconds + micros / 1e6 + app.broker.clock_offset_ms / 1000
    return round((view.at or 0) - now, 3)


def test_a_debounce_keeps_the_contract(buoy_app: App) -> None:
    plugin_contract(Debounce(1))


def test_a_job_that_is_due_is_put_off_no_more_while_no_worker_looks(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Save.enqueue(1, "a")
    for _ in range(2):
        buoy_clock.advance(400)
        assert replaced(Save.enqueue(1, "b"), first)
    buoy_clock.advance(401)
    Save.enqueue(2, "z")  # forgets until when the first one may be put off

    assert replaced(Save.enqueue(1, "c"), first)
    assert queue_of(buoy_app) == (1, 1)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "c")]


def test_the_last_of_a_burst_runs(buoy_app: App, buoy_clock: Clock) -> None:
    first = Save.enqueue(1, "a")
    handles = [Save.enqueue(1, text) for text in "bc"]

    assert first.state == "delayed"
    assert all(replaced(handle, first) for handle in handles)
    assert handles[0].reason == "the job that waits has its arguments now"
    assert Save.enqueue(2, "z").state == "delayed"
    assert drain(buoy_app) == {}
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 2}
    assert sorted(saved) == [(1, "c"), (2, "z")]
    assert buoy_app.command("EXISTS", buoy_app.key("documents", "claims")) == 0


def test_the_jobs_of_one_call_are_a_burst(buoy_app: App, buoy_clock: Clock) -> None:
    first, *others = Save.enqueue_many([(1, text) for text in "abc"])

    assert all(replaced(handle, first) for handle in others)
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "c")]


def test_each_job_puts_it_off_but_not_for_ever(buoy_app: App, buoy_clock: Clock) -> None:
    first, endless = Save.enqueue(1), Endless.enqueue(1)
    for _ in range(2):
        buoy_clock.advance(400)
        assert replaced(Save.enqueue(1), first)
        assert replaced(Endless.enqueue(1), endless)
        assert drain(buoy_app) == {}
    assert 300 <= due_in(buoy_app, first.id) <= 400
    assert 400 <= due_in(buoy_app, endless.id) <= 500
    buoy_clock.advance(300)
    assert replaced(Save.enqueue(1, "last"), first)
    assert replaced(Endless.enqueue(1), endless)
    buoy_clock.advance(200)

    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "last")]


def test_a_job_that_is_queued_gets_the_arguments_and_keeps_its_turn(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Save.enqueue(1, "a")
    buoy_clock.advance(600)
    buoy_app.broker.renew_leases({"documents": []})

    assert replaced(Save.enqueue(1, "b"), first)

    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "b")]


def test_when_it_runs_a_new_burst_begins(buoy_app: App, buoy_clock: Clock) -> None:
    first = Save.enqueue(1, "a")
    buoy_clock.advance(600)
    worker = FakeWorker(buoy_app, "documents")
    reservation = worker.take()

    second = Save.enqueue(1, "b")

    assert (second.state, second.id != first.id) == ("delayed", True)
    assert 400 <= due_in(buoy_app, second.id) <= 500
    worker.run(reservation)
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "a"), (1, "b")]


def test_while_an_operator_moves_it_a_new_burst_begins(buoy_app: App) -> None:
    first = Save.enqueue(1, "a")
    assert buoy_app.control.take("documents", [first.id], "mover")

    second = Save.enqueue(1, "b")

    assert second.state == "delayed"
    assert replaced(Save.enqueue(1, "c"), second)


def test_a_delay_of_the_call_counts_in_place_of_the_seconds(buoy_app: App) -> None:
    first = Save.using(delay=900).enqueue(1)
    assert 800 <= due_in(buoy_app, first.id) <= 900

    assert replaced(Save.using(delay=3000).enqueue(1), first)

    assert 1000 <= due_in(buoy_app, first.id) <= 1200


def test_it_may_expire_when_it_is_due(buoy_app: App, buoy_clock: Clock) -> None:
    class Soon(Save):
        expires = 200

    handle = Soon.enqueue(1)

    view = buoy_app.find(handle.id)
    assert view is not None
    payload = json.loads(view.raw)
    assert payload["expires_at"] - payload["enqueued_at"] == pytest.approx(700)
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}


@pytest.mark.parametrize(
    "text",
    [
        {"id": "x"},
        [{"id": "inner"}, '"id":"text"'],
        {"a": [{"id": "x", "b": {"id": "y"}}]},
        '\\"id":"x\u00e4\u2028\n',
    ],
)
def test_arguments_may_look_like_a_payload(buoy_app: App, buoy_clock: Clock, text: object) -> None:
    first = Save.enqueue(1)
    assert replaced(Save.enqueue(1, text), first)
    view = buoy_app.find(first.id)

    assert view is not None
    assert (view.args, view.id) == ([1, text], first.id)
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, str(text))]


def test_ids_may_be_any(buoy_app: App, buoy_clock: Clock) -> None:
    first = Save.using(id="a/b ä").enqueue(1, "a")
    assert replaced(Save.using(id="second").enqueue(1, "b"), first)
    assert first.holder is None

    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "b")]


def test_what_follows_another_job_replaces_too(
    buoy_app: App, buoy_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    Edit.enqueue_many([(1, "a"), (1, "b")])
    worker = FakeWorker(buoy_app, "orders")
    for _ in range(2):
        worker.run(worker.take())
    drain(buoy_app)
    buoy_clock.advance(600)

    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "b")]
    assert not [line for line in caplog.messages if "kept out" in line]


def test_a_failed_job_is_retried_unless_a_newer_one_waits(buoy_app: App, buoy_clock: Clock) -> None:
    Save.enqueue(1, "fail")
    buoy_clock.advance(600)
    drain(buoy_app)
    newer = Save.enqueue(1, "b")

    retry(buoy_app.control, list(find(buoy_app.monitor, Filter())))

    assert [view.id for view in find(buoy_app.monitor, Filter())] != [newer.id]
    buoy_clock.advance(600)
    assert drain(buoy_app) == {"done": 1}


def test_moving_keeps_the_newer_job(buoy_app: App, buoy_clock: Clock) -> None:
    first = Save.enqueue(1, "old")
    buoy_app.move("documents", "other")
    second = Save.enqueue(1, "new")
    buoy_app.command("DEL", buoy_app.key("documents", "ended"))

    moved = buoy_app.move("other", "documents")

    assert dict(moved.skipped) == {first.id: f"job {second.id} holds its claim in documents"}


def test_with_a_limit_it_waits_in_line_with_the_last_arguments(
    buoy_app: App, buoy_clock: Clock
) -> None:
    class Both(Save):
        plugins = [Debounce(5, key="document"), Limit(at_once=1)]

    handles = [Both.enqueue(document, "a") for document in (1, 2)]
    buoy_clock.advance(6)
    buoy_app.broker.renew_leases({"documents": []})
    assert [buoy_app.find(handle.id).state for handle in handles] == ["queued", "blocked"]  # type: ignore[union-attr]

    assert replaced(Both.enqueue(2, "b"), handles[1])

    assert drain(buoy_app) == {"done": 2}
    assert saved == [(1, "a"), (2, "b")]


def test_the_time_of_a_burst_is_forgotten(buoy_app: App, buoy_clock: Clock) -> None:
    Save.enqueue_many([(number,) for number in range(20)])
    buoy_clock.advance(3000)
    drain(buoy_app)

    Save.enqueue(30)

    assert buoy_app.command("ZCARD", buoy_app.key("documents", "paces")) == 1


@pytest.mark.parametrize("other", [Loner(key="document"), Throttle(60, key="document")])
def test_what_another_plugin_keeps_out_replaces_nothing(
    buoy_app: App, buoy_clock: Clock, other: Any
) -> None:
    class Both(Save):
        plugins = [Debounce(5, key="document"), other]

    first = Both.enqueue(1, "a")
    handle = Both.enqueue(1, "b")

    assert (handle.state, handle.holder) == ("exists", first.id)
    assert handle.code in ("claim_held", "throttled")
    buoy_clock.advance(6)
    assert drain(buoy_app) == {"done": 1}
    assert saved == [(1, "a")]


def test_the_status_of_the_job_that_waits_is_that_of_the_burst(
    buoy_app: App, buoy_clock: Clock
) -> None:
    class Shown(Save):
        plugins = [Debounce(5, key="document"), Status()]

    first = Shown.enqueue(1, "a")
    Shown.enqueue(1, "b")
    buoy_clock.advance(6)
    drain(buoy_app)

    found = status(first)
    assert found is not None
    assert found.state == "done"
    assert saved == [(1, "b")]


def test_sealed_arguments_are_refused(buoy_app: App) -> None:
    class Secret(Save):
        plugins = [Debounce(5), Sealed([new_key("one")])]

    with pytest.raises(ConfigurationError, match="expected arguments that are not sealed"):
        Secret.enqueue(1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 0}, "Debounce.seconds: expected from 0.001 to 100000000 seconds, got 0"),
        (
            {"seconds": 1, "at_most": "x"},
            "Debounce.at_most: expected from 0.001 to 100000000 seconds, got 'x'",
        ),
    ],
)
def test_options_are_checked(options: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Debounce(**options)

    assert str(raised.value) == said
