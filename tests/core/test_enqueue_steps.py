"""The steps of an enqueue, without Redis: each yields commands, or seconds to wait."""

from typing import Any

import pytest

from buoy.broker.broker import Broker
from buoy.broker.producer_broker import ENQUEUE_PAUSES
from buoy.broker.scripts import script
from buoy.connection.client import RedisSteps
from buoy.errors import BrokerError, EnqueueError, Unavailable
from buoy.model.due import Due
from buoy.model.enqueue_answer import QUEUED
from buoy.model.entry import Entry
from buoy.settings import settings

JOB = Entry("a1", b"{}", "Job")
STORED: list[Any] = [None]


def broker(*, registered: bool = True) -> Broker:
    made = Broker(settings(environ={}))
    if registered:
        made.registered["mail"] = float("inf")
    return made


def outage(*, sent: bool) -> Unavailable:
    return Unavailable("away", sent=sent)


def script_of(step: Any) -> str:
    """The name of the script that a step runs."""
    [[evalsha, sha, *_]] = step
    assert evalsha == "EVALSHA"
    names = {script("buoy.broker", name).sha: name for name in ("push", "push_new", "enqueue")}
    return names[sha]


def fail(steps: RedisSteps[Any], error: BrokerError, times: int) -> list[Any]:
    """Fail so many tries of the same steps; returns the pauses behind them."""
    pauses = []
    for _ in range(times):
        pauses.append(steps.throw(error))
        next(steps)
    return pauses


class TestChoiceOfTheScript:
    def test_plain_jobs_are_pushed(self) -> None:
        assert script_of(next(broker().enqueue_steps("mail", [JOB]))) == "push"

    def test_plain_jobs_with_new_ids_are_not_looked_for(self) -> None:
        assert script_of(next(broker().enqueue_steps("mail", [JOB], new=True))) == "push_new"

    def test_a_job_that_is_due_later_takes_the_whole_script(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB, JOB._replace(due=Due(in_ms=5))], new=True)

        assert script_of(next(steps)) == "enqueue"

    def test_a_limit_takes_the_whole_script(self) -> None:
        assert script_of(next(broker().enqueue_steps("mail", [JOB], max_length=5))) == "enqueue"

    def test_new_ids_may_be_known_once_a_try_was_sent(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB], new=True)
        next(steps)

        assert steps.throw(outage(sent=False)) == ENQUEUE_PAUSES[0]
        assert script_of(next(steps)) == "push_new"
        assert steps.throw(outage(sent=True)) == ENQUEUE_PAUSES[1]
        assert script_of(next(steps)) == "push"


class TestRetries:
    def test_each_pause_is_followed_by_a_try(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB])
        next(steps)

        assert fail(steps, outage(sent=False), len(ENQUEUE_PAUSES)) == list(ENQUEUE_PAUSES)
        with pytest.raises(EnqueueError, match="nothing was enqueued") as raised:
            steps.throw(outage(sent=False))
        assert raised.value.enqueued is False

    def test_one_try_that_was_sent_leaves_the_outcome_unknown(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB])
        next(steps)

        fail(steps, outage(sent=True), 1)
        fail(steps, outage(sent=False), len(ENQUEUE_PAUSES) - 1)
        with pytest.raises(EnqueueError, match="it is unknown whether that is stored") as raised:
            steps.throw(outage(sent=False))
        assert raised.value.enqueued is None

    def test_a_job_that_is_known_after_a_repeat_was_stored_by_the_first_try(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB])
        next(steps)
        fail(steps, outage(sent=True), 1)

        with pytest.raises(StopIteration) as end:
            steps.send([[[b"exists"], [], None]])
        assert end.value.value == [QUEUED]

    def test_a_refusal_is_not_tried_again(self) -> None:
        steps = broker().enqueue_steps("mail", [JOB])
        next(steps)

        with pytest.raises(EnqueueError, match="refused"):
            steps.throw(BrokerError("refused"))


class TestPages:
    def test_jobs_of_earlier_pages_stay_enqueued(self) -> None:
        steps = broker().enqueue_steps("mail", [Entry(str(n), b"{}") for n in range(1001)])
        next(steps)
        steps.send(STORED)

        with pytest.raises(EnqueueError, match="the 1000 jobs before are enqueued") as raised:
            steps.throw(BrokerError("refused"))
        assert raised.value.ids == ["1000"]

    def test_no_jobs_take_no_step(self) -> None:
        with pytest.raises(StopIteration) as end:
            next(broker().enqueue_steps("mail", []))
        assert end.value.value == []


def test_a_queue_that_is_not_registered_is_registered_first() -> None:
    steps = broker(registered=False).enqueue_steps("mail", [JOB])

    added, *_ = next(steps)  # type: ignore[misc]  # it is a list of commands
    assert added == ["SADD", "buoy:queues", "mail"]
    assert script_of(steps.send([1, 0, None, [b"1", b"0"]])) == "push"
