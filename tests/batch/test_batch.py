"""Batches: what they count, and what follows."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from buoy import (
    App,
    BrokerError,
    ConfigurationError,
    Deferred,
    InvalidArguments,
    Job,
    NoCurrentJob,
    Plugin,
    Rejected,
    hookimpl,
)
from buoy.broker.forwarding import forward
from buoy.testing import Clock, drain
from buoy_batch import Batch, BatchOver, Progress, current_batch
from buoy_loner import Loner
from buoy_retry import Retry

from .shop import OtherRow, Report, Row, Splits


def batch_of(*jobs: tuple[Any, ...], **options: Any) -> Batch:
    """A closed batch of these jobs, with all that may follow."""
    with Batch(queue="mail", **options) as batch:
        follow_all(batch)
        for job, *args in jobs:
            batch.enqueue(job, *args)
    return batch


def follow_all(batch: Batch) -> None:
    batch.on_success(Report, "success")
    batch.on_complete(Report, "complete")
    batch.on_death(Report, "death")


def followed(app: App) -> list[str]:
    """What has followed so far."""
    return sorted(str(job.args[0]) for job in app.monitor.peek("mail", count=100))


def progress_of(batch: Batch) -> Progress:
    progress = batch.progress()
    assert progress is not None
    return progress


def counts(batch: Batch) -> dict[str, int]:
    names = ("done", "failed", "expired", "cancelled", "lost", "pending")
    progress = progress_of(batch)
    found = {name: getattr(progress, name) for name in names}
    assert progress.total == sum(found.values())
    return {name: count for name, count in found.items() if count}


def test_success_follows_when_all_members_have_ended_well(buoy_app: App) -> None:
    batch = batch_of((Row, 1), (OtherRow, 2), description="two rows")
    assert (counts(batch), followed(buoy_app)) == ({"pending": 2}, [])
    drain(buoy_app, "rows")
    assert (counts(batch), followed(buoy_app)) == ({"pending": 1, "done": 1}, [])
    drain(buoy_app, "others")

    assert (counts(batch), followed(buoy_app)) == ({"done": 2}, ["complete", "success"])
    progress = progress_of(batch)
    assert (progress.state, progress.description) == ("succeeded", "two rows")
    assert 0 < progress.opened <= progress.completed <= progress.succeeded


def test_a_failed_member_lets_death_follow_at_once(buoy_app: App) -> None:
    with Batch(queue="mail") as batch:
        follow_all(batch)
        batch.enqueue(Row, 13)
        drain(buoy_app, "rows")
        assert followed(buoy_app) == ["death"]
        assert progress_of(batch).state == "open"
    assert (counts(batch), followed(buoy_app)) == ({"failed": 1}, ["complete", "death"])
    assert progress_of(batch).state == "complete"


def test_success_follows_when_a_failed_member_ends_well_at_last(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = batch_of((Row, 13), (Row, 1))
    drain(buoy_app, "rows")
    assert counts(batch) == {"failed": 1, "done": 1}
    monkeypatch.setattr("tests.batch.shop.UNLUCKY", -1)
    assert buoy_app.failures.retry(buoy_app.monitor.failed(["rows"]))
    drain(buoy_app, "rows")

    assert (counts(batch), followed(buoy_app)) == ({"done": 2}, ["complete", "death", "success"])


class Retried(Row):
    plugins = [Retry(limit=1, delay=0)]


def test_a_member_that_is_tried_again_has_not_ended(buoy_app: App) -> None:
    batch = batch_of((Retried, 13))
    assert drain(buoy_app, "rows") == {"delayed": 1, "failed": 1}
    assert (counts(batch), followed(buoy_app)) == ({"failed": 1}, ["complete", "death"])


@pytest.mark.parametrize("act", ["cancel", "dequeue"])
def test_a_member_that_somebody_takes_out_is_cancelled(buoy_app: App, act: str) -> None:
    with Batch(queue="mail") as batch:
        handle = batch.enqueue(Row, 1)
        batch.enqueue(Row, 2)
    getattr(buoy_app, act)(handle.id)
    drain(buoy_app, "rows")

    assert counts(batch) == {"cancelled": 1, "done": 1}


class Expiring(Row):
    expires = 60


def test_a_member_that_expires_counts_so(buoy_app: App, buoy_clock: Clock) -> None:
    batch = batch_of((Expiring, 1))
    buoy_clock.advance(61)
    assert drain(buoy_app, "rows") == {"rejected": 1}
    assert (counts(batch), followed(buoy_app)) == ({"expired": 1}, ["complete"])


def test_members_that_are_moved_are_still_members(buoy_app: App) -> None:
    batch = batch_of((Row, 1))
    buoy_app.move("rows", "others")
    drain(buoy_app, "others")

    assert counts(batch) == {"done": 1}


class Single(Row):
    plugins = [Loner()]


class Never(Plugin):
    @hookimpl
    def before_enqueue(self, job: Job) -> Rejected:
        return Rejected("never")


class Refused(Row):
    plugins = [Never()]


def test_what_is_kept_out_is_no_member(buoy_app: App) -> None:
    with Batch() as batch:
        states = [batch.enqueue(job, 1).state for job in (Single, Single, Refused, Row)]
    assert states == ["queued", "exists", "rejected", "queued"]
    assert counts(batch) == {"pending": 2}


def test_a_member_that_is_enqueued_twice_is_one(buoy_app: App) -> None:
    with Batch() as batch:
        assert [batch.enqueue(Row.using(id="a"), 1).state for _ in range(2)] == ["queued", "exists"]
    assert counts(batch) == {"pending": 1}
    drain(buoy_app, "rows")
    assert counts(batch) == {"done": 1}


class Bounded(Row):
    max_length = 2


def test_what_the_queue_has_no_room_for_is_no_member(buoy_app: App) -> None:
    batch = Batch()
    with pytest.raises(Exception, match="is full"):
        batch.enqueue_many(Bounded, [(each,) for each in range(5)])
    assert counts(batch) == {"pending": 2}


def test_a_batch_without_members_is_complete_when_it_is_closed(buoy_app: App) -> None:
    batch = batch_of()
    assert (counts(batch), followed(buoy_app)) == ({}, ["complete", "success"])


def test_members_add_members_also_when_the_batch_is_closed(buoy_app: App) -> None:
    batch = batch_of((Splits, 3))
    drain(buoy_app, "rows")
    assert (counts(batch), followed(buoy_app)) == ({"done": 4}, ["complete", "success"])


def test_a_batch_that_is_over_takes_no_members(buoy_app: App) -> None:
    batch = batch_of()
    with pytest.raises(BatchOver) as raised:
        batch.enqueue(Row, 1)
    wanted = f"batch {batch.id}: expected one that takes members, got one that is"
    assert str(raised.value) == f"{wanted} complete"

    unknown = Batch.by_id("mail:none")
    for act in (lambda: unknown.enqueue(Row, 1), unknown.close):
        with pytest.raises(BatchOver, match="known"):
            act()
    assert unknown.progress() is None


def test_all_members_are_cancelled_at_once(buoy_app: App) -> None:
    with Batch(queue="mail") as batch:
        follow_all(batch)
        batch.enqueue_many(Row, [(each,) for each in range(150)])
        batch.enqueue(OtherRow.using(delay=60), 1)
        with batch.nest(description="inner") as inner:
            inner.enqueue(OtherRow, 2)
    batch.cancel()
    with pytest.raises(BatchOver, match=r"got one that is cancelled$"):
        batch.enqueue(Row, 1)
    settle_ends(buoy_app)

    assert counts(batch) == {"cancelled": 152}
    assert counts(inner) == {"cancelled": 1}
    assert followed(buoy_app) == ["complete"]


def test_members_that_were_moved_are_cancelled_too(buoy_app: App) -> None:
    batch = batch_of((Row.using(id="one"), 1), (Row, 2))
    Row.using(queue="others", id="one").enqueue(3)  # no member
    buoy_app.move("rows", "moved")
    batch.cancel()
    settle_ends(buoy_app)

    assert counts(batch) == {"cancelled": 2}
    assert drain(buoy_app, "others", "moved") == {"done": 1}


def fill_and_raise(batch: Batch) -> None:
    with batch:
        batch.enqueue(Row, 1)
        raise ZeroDivisionError


def settle_ends(app: App) -> None:
    """Let workers see to what is on its way."""
    for queue in app.monitor.queue_names():
        forward(app.broker, queue)


def test_a_block_that_raises_cancels_its_batch(buoy_app: App) -> None:
    batch = Batch()
    with pytest.raises(ZeroDivisionError):
        fill_and_raise(batch)
    settle_ends(buoy_app)
    assert counts(batch) == {"cancelled": 1}

    with pytest.raises(ZeroDivisionError), Batch() as empty:
        _ = 1 / 0
    assert empty.progress() is None


def test_a_nested_batch_is_a_member(buoy_app: App) -> None:
    with Batch(queue="mail") as outer:
        follow_all(outer)
        with outer.nest() as inner:
            inner.on_success(Report, "inner")
            inner.enqueue(Row, 1)
    assert counts(outer) == {"pending": 1}
    drain(buoy_app, "rows")

    assert (counts(inner), counts(outer)) == ({"done": 1}, {"done": 1})
    assert followed(buoy_app) == ["complete", "inner", "success"]


def test_a_nested_batch_with_a_failed_member_has_failed(buoy_app: App) -> None:
    with Batch(queue="mail") as outer:
        follow_all(outer)
        with outer.nest() as inner:
            inner.enqueue(Row, 13)
    drain(buoy_app, "rows")
    assert counts(outer) == {"failed": 1}
    assert followed(buoy_app) == ["complete", "death"]


def test_members_that_were_never_enqueued_can_be_counted_as_lost(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch(queue="mail")
    follow_all(batch)
    batch.enqueue(Row, 1)
    with monkeypatch.context() as patched:
        patched.setattr(App, "_enqueue_steps", died)
        with pytest.raises(KeyboardInterrupt):
            batch.enqueue(Row, 2)
    batch.close()
    drain(buoy_app, "rows")
    assert (counts(batch), batch.repair()) == ({"done": 1, "pending": 1}, 0)

    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", -60.0)
    assert (batch.repair(), batch.repair()) == (1, 0)
    assert (counts(batch), followed(buoy_app)) == ({"done": 1, "lost": 1}, ["complete"])


def died(self: object, jobs: object) -> Any:
    raise KeyboardInterrupt


def test_repair_leaves_alone_what_is_somewhere(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", -60.0)
    with Batch(queue="mail") as batch:
        batch.enqueue_many(Row, [(1,), (2,)])
        batch.enqueue(OtherRow.using(delay=60), 1)
        batch.nest().enqueue(Row, 1)
    buoy_app.move("rows", "others")
    assert batch.repair() == 0
    buoy_app.cancel(buoy_app.monitor.peek("others")[0].id)  # its end is on its way
    assert batch.repair() == 0


def test_awaiting_twins(buoy_app: App) -> None:
    async def use() -> Batch:
        async with Batch(queue="mail") as batch:
            follow_all(batch)
            await batch.aenqueue(Row, 1)
            await batch.aenqueue_many(Row, [(2,), (3,)])
        progress = await batch.aprogress()
        assert progress is not None
        assert progress.pending == 3
        assert await batch.arepair() == 0
        failing = Batch()
        with pytest.raises(ZeroDivisionError):
            await afill_and_raise(failing)
        assert progress_state(await failing.aprogress()) == "cancelled"
        await buoy_app.aclose()
        return batch

    batch = asyncio.run(use())
    drain(buoy_app, "rows")
    assert counts(batch) == {"done": 3}


async def afill_and_raise(batch: Batch) -> None:
    async with batch:
        await batch.aenqueue(Row, 1)
        raise ZeroDivisionError


def progress_state(progress: Progress | None) -> str:
    assert progress is not None
    return progress.state


# What follows


class Urgent(Report):
    expires = 5
    plugins = [Loner()]


def test_what_follows_does_not_expire_and_is_due_from_the_end_on(
    buoy_app: App, buoy_clock: Clock
) -> None:
    with Batch(queue="mail") as batch:
        batch.on_success(Urgent, "at once")
        batch.on_success(Urgent.using(delay=100), "later")
        batch.on_success(Report.using(queue="others"), "elsewhere")
        batch.enqueue(Row, 1)
    buoy_clock.advance(1000)
    drain(buoy_app, "rows")

    [now] = buoy_app.monitor.peek("mail")
    assert now.args == ["at once"]
    [later] = buoy_app.monitor.delayed("mail")
    assert later.args == ["later"]
    assert 1090 < (later.at or 0) - later.enqueued_at < 1200
    assert [job.args for job in buoy_app.monitor.peek("others")] == [["elsewhere"]]
    assert [claim.id for claim in buoy_app.monitor.claims("mail")]
    [view] = [each for each in buoy_app.monitor.queues() if each.name == "mail"]
    assert (view.latency or 0) < 100
    assert drain(buoy_app, "mail", "others") == {"done": 2}


class Later(Plugin):
    """Defers the first enqueueing of each job."""

    @hookimpl
    def before_enqueue(self, job: Job) -> Deferred | None:
        if job.id in {each.id for each in kept}:
            return None
        kept.append(job)
        return Deferred("for a while")


kept: list[Job] = []


class Deferring(Row):
    plugins = [Later()]


def test_a_member_that_a_plugin_defers_counts_when_it_comes(buoy_app: App) -> None:
    with Batch(queue="mail") as batch:
        follow_all(batch)
        assert batch.enqueue(Deferring, 1).state == "deferred"
    drain(buoy_app, "rows")
    assert counts(batch) == {"pending": 1}

    buoy_app.submit(kept[-1])
    drain(buoy_app, "rows")
    assert (counts(batch), followed(buoy_app)) == ({"done": 1}, ["complete", "success"])


def test_the_first_job_of_a_chain_is_the_member(buoy_app: App) -> None:
    with Batch(queue="mail") as batch:
        batch.enqueue(Row.then(OtherRow, 13), 1)
    drain(buoy_app)
    assert counts(batch) == {"done": 1}


# What is refused


def refused(act: Callable[[], object], error: type[Exception]) -> str:
    with pytest.raises(error) as raised:
        act()
    return str(raised.value)


def test_what_follows_is_declared_before_the_first_member(buoy_app: App) -> None:
    batch = Batch()
    batch.enqueue(Row, 1)
    assert refused(lambda: batch.on_success(Report, "late"), InvalidArguments) == (
        f"batch {batch.id}: on_success: expected the jobs that follow before the first member, got "
        "one after it, when members may have ended"
    )


def test_what_follows_is_checked_when_it_is_declared(buoy_app: App) -> None:
    with pytest.raises(InvalidArguments):
        Batch().on_success(Report)  # type: ignore[call-arg]
    batch = Batch()
    assert refused(lambda: batch.on_death(Refused, 1), InvalidArguments) == (
        f"{Refused.name}: expected a job that is enqueued when the members of batch {batch.id} "
        "have ended, got one that a plugin keeps out: never"
    )


def test_jobs_of_another_app_are_no_members(buoy_app: App) -> None:
    batch = Batch(app=App())
    assert refused(lambda: batch.enqueue(Row, 1), InvalidArguments) == (
        f"batch {batch.id}: expected jobs of its own app, got {Row.name} of another; what two "
        "servers keep cannot be counted together"
    )


def test_an_inline_app_has_no_batches(buoy_app: App) -> None:
    with buoy_app.inline():
        message = refused(lambda: Batch().enqueue(Row, 1), ConfigurationError)
    assert message == (
        "batch: expected an app with Redis, got one that is inline: nobody would count the "
        "members; in tests, enqueue them and call buoy.testing.drain(app)"
    )


@pytest.mark.parametrize("text", [5, None, "two\nlines", "\ud800", "x" * 1001])
def test_a_description_is_a_line(text: Any) -> None:
    message = refused(lambda: Batch(description=text), ConfigurationError)
    wanted = "Batch.description: expected a text of one line, of at most 1000 characters, got "
    assert message.startswith(wanted)


@pytest.mark.parametrize("id", ["", "x", "a:b:c", "a b:c", ":x", "x:", None, 5])
def test_only_the_id_of_a_batch_finds_one(id: Any) -> None:
    with pytest.raises(ConfigurationError):
        Batch.by_id(id)


def test_a_batch_is_known_by_its_id(buoy_app: App) -> None:
    batch = batch_of((Row, 1))
    assert repr(Batch.by_id(batch.id)) == repr(batch) == f"Batch.by_id('{batch.id}')"
    assert Batch.by_id(batch.id).progress() == batch.progress()


def test_only_members_have_a_batch(buoy_app: App) -> None:
    with pytest.raises(NoCurrentJob):
        current_batch()
    Splits.enqueue(2)
    with pytest.raises(NoCurrentJob, match=r"^current_batch: expected a member of a batch, got "):
        drain(buoy_app, "rows", raise_errors=True)


class Follows(Row):
    def perform(self, number: int = 0) -> None:
        with self.after_success():
            Batch().enqueue(Row, 1)


def test_members_are_enqueued_at_once(buoy_app: App) -> None:
    Follows.enqueue(1)
    with pytest.raises(InvalidArguments, match="enqueued at once"):
        drain(buoy_app, "rows", raise_errors=True)


def test_what_redis_refuses_raises(buoy_app: App) -> None:
    batch = Batch()
    buoy_app.command("SET", buoy_app.key("default", "groups"), "x")
    with pytest.raises(BrokerError):
        batch.enqueue(Row, 1)
