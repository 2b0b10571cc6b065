"""What a worker knows and logs of queues that fail."""

from math import inf

import pytest

from buoy.errors import BrokerError, Unavailable
from buoy.worker.outages import Outages
from tests.support.clock import pauses_stand_still

AWAY = Unavailable("Redis does not answer", sent=False)
WRONG = BrokerError("wrong type")


@pytest.fixture
def outages(monkeypatch: pytest.MonkeyPatch) -> Outages:
    pauses_stand_still(monkeypatch)
    return Outages()


def test_an_outage_of_redis_is_logged_once_for_all_queues(
    outages: Outages, caplog: pytest.LogCaptureFixture
) -> None:
    for queue in ("mail", "pdf", "mail"):
        outages.record(queue, AWAY)
    assert caplog.messages == [f"{AWAY}; trying again until it is back"]
    assert outages.with_wakeups(["mail", "pdf", "other"]) == []

    caplog.clear()
    outages.record("mail", None)
    assert caplog.messages == []
    outages.record("pdf", None)
    outages.record("pdf", None)

    assert caplog.messages == ["Redis is back"]
    assert outages.with_wakeups(["mail", "pdf"]) == ["mail", "pdf"]


def test_a_refusal_is_logged_once_for_its_queue_and_again_when_it_changes(
    outages: Outages, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (WRONG, WRONG, BrokerError("no right")):
        outages.record("mail", error)
    outages.record("pdf", WRONG)
    assert [message.partition(";")[0] for message in caplog.messages] == [
        "queue=mail is blocked: wrong type",
        "queue=mail is blocked: no right",
        "queue=pdf is blocked: wrong type",
    ]
    assert outages.with_wakeups(["mail", "other", "pdf"]) == ["other"]

    outages.record("mail", None)

    assert caplog.messages[-1] == "queue=mail works again"
    assert set(outages.queues()) == {"pdf"}


def test_a_failing_queue_is_tried_again_after_a_pause(outages: Outages) -> None:
    assert outages.may_try("mail")
    assert outages.seconds_to_next_try() == inf

    outages.record("mail", AWAY)

    assert not outages.may_try("mail")
    assert outages.may_try("pdf")
    assert 0 < outages.seconds_to_next_try() <= 1.0
    outages.backoffs["mail"].clear()
    assert outages.may_try("mail")
    assert outages.seconds_to_next_try() == 0.0
