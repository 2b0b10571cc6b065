"""Unique jobs: the same job is not enqueued while its claim is held."""

import asyncio
import re
from typing import Any

import pytest

from buoy import (
    App,
    ClaimHeld,
    ConfigurationError,
    Deferred,
    Handle,
    Job,
    Plugin,
    QueueFull,
    hookimpl,
)
from buoy.testing import Clock, FakeWorker, drain, plugin_contract
from buoy_loner import Loner, holder

from .shop import Charge, Refund, state_and_holder


def test_loner_keeps_the_contract_of_plugins(buoy_app: App) -> None:
    for plugin in (Loner(), Loner(until="started"), Loner(key=()), Loner(on_conflict="raise")):
        plugin_contract(plugin)


def test_the_same_job_is_not_enqueued_again_and_the_handle_has_the_holder(
    buoy_app: App,
) -> None:
    first, second = Charge.enqueue(42), Charge.enqueue(42)

    assert state_and_holder(first) == ("queued", None)
    assert state_and_holder(second) == ("exists", first.id)
    assert second.reason == "its claim is held"
    assert drain(buoy_app) == {"done": 1}


def test_a_job_with_other_arguments_is_enqueued(buoy_app: App) -> None:
    handles = [Charge.enqueue(42), Charge.enqueue(43), Charge.enqueue(42, "hurry")]

    assert [handle.state for handle in handles] == ["queued"] * 3


def test_positional_and_keyword_arguments_make_the_same_job(buoy_app: App) -> None:
    Charge.enqueue(42, "hurry")

    assert Charge.enqueue(note="hurry", purchase_id=42).state == "exists"


def test_a_job_of_a_derived_class_is_another_job(buoy_app: App) -> None:
    Charge.enqueue(42)

    assert Refund.enqueue(42).state == "queued"
    assert Refund.enqueue(42).state == "exists"


def test_enqueue_many_enqueues_one_job_of_each(buoy_app: App) -> None:
    handles = Charge.enqueue_many([(1,), (2,), (1,), (2,), (3,)])

    first, second, *_ = handles
    exist = [("exists", first.id), ("exists", second.id)]
    assert [state_and_holder(handle) for handle in handles] == [
        *[("queued", None)] * 2,
        *exist,
        ("queued", None),
    ]


def test_enqueue_many_of_more_rows_than_one_round_trip_enqueues_one_job_of_each(
    buoy_app: App,
) -> None:
    handles = Charge.enqueue_many([(n % 1500,) for n in range(3000)])

    assert [handle.state for handle in handles] == ["queued"] * 1500 + ["exists"] * 1500


def test_a_delayed_job_holds_its_claim(buoy_app: App, buoy_clock: Clock) -> None:
    first = Charge.using(delay=60).enqueue(42)

    assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)
    assert state_and_holder(Charge.using(delay=10).enqueue(42)) == ("exists", first.id)
    buoy_clock.advance(61)
    assert drain(buoy_app) == {"done": 1}
    assert Charge.enqueue(42).state == "queued"


def test_aenqueue_enqueues_one_of_five_equal_jobs(buoy_app: App) -> None:
    async def at_once() -> list[Handle[None]]:
        handles = await asyncio.gather(*(Charge.aenqueue(42) for _ in range(5)))
        await buoy_app.aclose()
        return handles

    states = [handle.state for handle in asyncio.run(at_once())]

    assert sorted(states) == ["exists"] * 4 + ["queued"]


def test_a_claim_does_not_expire_while_its_job_lives(buoy_app: App, buoy_clock: Clock) -> None:
    year = 365 * 86_400
    first = Charge.using(delay=10 * year).enqueue(42)

    buoy_clock.advance(9 * year)

    assert not drain(buoy_app)
    assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)


def test_enqueueing_again_with_the_same_id_is_no_conflict(buoy_app: App) -> None:
    Charge.using(id="once").enqueue(42)

    again = Charge.using(id="once").enqueue(42)

    assert (again.state, again.reason, again.holder) == ("exists", "this id is known", "once")
    assert holder(Charge, 42) == "once"


def test_a_job_that_a_full_queue_refuses_takes_no_claim(buoy_app: App) -> None:
    class Bounded(Charge):
        max_length = 1

    Charge.enqueue(1)

    with pytest.raises(QueueFull):
        Bounded.enqueue(42)

    assert holder(Bounded, 42) is None


def test_a_push_by_name_takes_no_claim(buoy_app: App) -> None:
    Charge.enqueue(42)

    assert buoy_app.push(Charge.name, [42], queue="purchasing").state == "queued"
    assert drain(buoy_app) == {"done": 2}


def test_in_inline_mode_no_claim_is_held(buoy_app: App) -> None:
    class Here(Charge):
        app = App("redis://127.0.0.1:1", inline=True)

    handles = [Here.enqueue(1), Here.using(delay=60).enqueue(1), Here.enqueue(1)]

    assert [state_and_holder(handle) for handle in handles] == [("queued", None)] * 3
    assert holder(Here, 1) is None


ANOTHER_QUEUE = (
    f"{Charge.name}: Loner: expected its own queue 'purchasing', got 'express': a claim is held "
    "within one queue, so this job could be in both queues at once; write a class of its own for "
    "jobs of another queue"
)


@pytest.mark.parametrize("inline", [False, True])
def test_another_queue_than_that_of_the_class_is_refused(buoy_app: App, inline: bool) -> None:
    buoy_app._inline = inline
    call = Charge.using(queue="express")

    with pytest.raises(ConfigurationError, match=f"^{re.escape(ANOTHER_QUEUE)}$"):
        call.enqueue(42)
    with pytest.raises(ConfigurationError, match=f"^{re.escape(ANOTHER_QUEUE)}$"):
        call.enqueue_many([(42,)])

    assert Charge.using(queue="purchasing").enqueue(42).state == "queued"
    assert buoy_app.monitor.queue_names() in (["purchasing"], [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": "done"}, "Loner.until: expected 'started' or 'finished', got 'done'"),
        (
            {"on_conflict": "wait"},
            "Loner.on_conflict: expected 'skip' or 'raise' or 'replace', got 'wait'",
        ),
        (
            {"key": ["account"]},
            "Loner.key: expected the name of an argument, or a tuple of names, got ['account']",
        ),
        (
            {"key": ("account", 1)},
            "Loner.key: expected the name of an argument, or a tuple of names, got ('account', 1)",
        ),
    ],
)
def test_a_wrong_option_is_refused_where_it_is_declared(options: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
        Loner(**options)


class Insistent(Charge):
    plugins = [Loner(on_conflict="raise")]


def held_by(first: Handle[Any]) -> str:
    return (
        f"{Insistent.name}: expected no other job to hold its claim in queue 'purchasing', "
        f"but job {first.id} holds it"
    )


def test_on_conflict_raise_raises_an_error_with_the_handle(buoy_app: App) -> None:
    first = Insistent.enqueue(42)
    assert first.state == "queued"

    with pytest.raises(ClaimHeld) as raised:
        Insistent.enqueue(42)

    assert str(raised.value) == held_by(first)
    assert state_and_holder(raised.value.handle) == ("exists", first.id)
    assert raised.value.handle.identifier == first.identifier
    drain(buoy_app)
    assert Insistent.enqueue(42).state == "queued"


def test_when_one_of_many_rows_raises_the_others_are_enqueued(buoy_app: App) -> None:
    first = Insistent.enqueue(2)

    with pytest.raises(ClaimHeld) as raised:
        Insistent.enqueue_many([(1,), (2,), (3,)])

    assert str(raised.value) == held_by(first)
    assert drain(buoy_app) == {"done": 3}


def test_on_conflict_raise_accepts_the_same_id_again(buoy_app: App) -> None:
    Insistent.using(id="once").enqueue(42)

    assert state_and_holder(Insistent.using(id="once").enqueue(42)) == ("exists", "once")


class Newest(Charge):
    plugins = [Loner(key="purchase_id", on_conflict="replace")]

    def perform(self, purchase_id: int, note: str = "") -> None: ...


def waiting(app: App) -> list[tuple[str, list[Any]]]:
    views = [*app.monitor.peek("purchasing"), *app.monitor.delayed("purchasing")]
    return [(view.id, view.args) for view in views]


def test_with_replace_the_job_that_waits_gets_the_new_arguments(buoy_app: App) -> None:
    first, other = Newest.enqueue(42, "a"), Newest.enqueue(43)

    second = Newest.enqueue(42, "b")

    assert (second.state, second.code, second.holder) == ("exists", "replaced", first.id)
    assert second.reason == "the job that waits has its arguments now"
    assert waiting(buoy_app) == [(first.id, [42, "b"]), (other.id, [43])]
    assert holder(Newest, 42) == first.id
    assert drain(buoy_app) == {"done": 2}
    assert Newest.enqueue(42).state == "queued"


def test_with_replace_a_delayed_job_gets_the_new_time(buoy_app: App) -> None:
    first = Newest.using(delay=60).enqueue(42)

    Newest.using(delay=600).enqueue(42, "later")

    [view] = buoy_app.monitor.delayed("purchasing")
    assert (view.id, view.args) == (first.id, [42, "later"])
    assert view.at is not None
    assert view.at - view.enqueued_at == pytest.approx(600, abs=60)

    assert Newest.enqueue(42, "now").code == "replaced"
    assert drain(buoy_app) == {"done": 1}


def test_with_replace_a_job_that_runs_is_left_alone(buoy_app: App) -> None:
    first = Newest.enqueue(42, "a")
    worker = FakeWorker(buoy_app, "purchasing")
    worker.take()

    second = Newest.enqueue(42, "b")

    assert (second.state, second.code, second.holder) == ("exists", "claim_held", first.id)
    found = buoy_app.find(first.id)
    assert found is not None
    assert found.args == [42, "a"]


class DeferOnce(Plugin):
    """Defers every job once, as a plugin does that waits for the end of a transaction."""

    @hookimpl
    def before_enqueue(self, job: Job) -> Deferred | None:
        if job in deferred_jobs:
            return None
        deferred_jobs.append(job)
        return Deferred("not yet")


deferred_jobs: list[Job] = []


@pytest.mark.parametrize("plugins", [[Loner(), DeferOnce()], [DeferOnce(), Loner()]])
def test_a_deferred_job_takes_its_claim_when_it_is_submitted(
    buoy_app: App, plugins: list[Plugin]
) -> None:
    patient: Any = type("Patient", (Job,), {"plugins": plugins, "perform": lambda self: None})
    deferred_jobs.clear()

    assert state_and_holder(patient.enqueue()) == ("deferred", None)
    assert holder(patient) is None
    assert patient.enqueue().state == "deferred"

    first, second = (buoy_app.submit(job) for job in deferred_jobs)

    assert state_and_holder(first) == ("queued", None)
    assert state_and_holder(second) == ("exists", first.id)


@pytest.mark.parametrize(("until", "state"), [("finished", "exists"), ("started", "queued")])
def test_a_job_that_enqueues_itself_meets_its_own_claim(
    buoy_app: App, until: Any, state: str
) -> None:
    states: list[str] = []

    class EnqueuesItself(Job):
        plugins = [Loner(until=until)]

        def perform(self) -> None:
            if not states:
                states.append(EnqueuesItself.enqueue().state)

    EnqueuesItself.enqueue()
    drain(buoy_app)

    assert states == [state]
    assert holder(EnqueuesItself) is None
