"""Due times, and the answers to an enqueueing, as values."""

import pytest

from buoy.model.due import NOW, Due
from buoy.model.enqueue_answer import EnqueueAnswer

DUES = [(NOW, ""), (Due(in_ms=5000), "+5000"), (Due(at_ms=7_000), "7000"), (Due(at_ms=0), "0")]


@pytest.mark.parametrize(("due", "argument"), DUES)
def test_a_due_time_is_written_for_the_script_and_read_again(due: Due, argument: str) -> None:
    assert due.argument == argument
    assert Due.parse(argument) == due
    assert due.is_now is (argument == "")


def test_the_wait_is_counted_from_when_the_job_was_enqueued() -> None:
    assert NOW.wait_ms() == 0
    assert Due(in_ms=5000).wait_ms(9.0) == 5000
    assert Due(at_ms=10_500).wait_ms(9.0) == 1500
    assert Due(at_ms=10_500).wait_ms(20.0) == 0


ANSWERS = [
    ("queued", EnqueueAnswer("queued")),
    ("delayed", EnqueueAnswer("delayed")),
    ("exists", EnqueueAnswer("exists")),
    ("exists a b", EnqueueAnswer("exists", holder="a b")),
    ("ended", EnqueueAnswer("ended")),
    ("older cron:my entry", EnqueueAnswer("older", field="cron:my entry")),
    ("full 0", EnqueueAnswer("full", length=0)),
    ("full 12", EnqueueAnswer("full", length=12)),
]


@pytest.mark.parametrize(("text", "answer"), ANSWERS)
def test_an_answer_of_the_script_is_parsed(text: str, answer: EnqueueAnswer) -> None:
    assert EnqueueAnswer.parse(text) == answer
    assert str(answer) == text


def test_a_repeated_enqueue_counts_a_known_id_as_stored_but_not_a_held_claim() -> None:
    known, held, ended = map(EnqueueAnswer.parse, ("exists", "exists a", "ended"))
    assert known.of_repeated(NOW).kind == ended.of_repeated(NOW).kind == "queued"
    assert known.of_repeated(Due(in_ms=1)).kind == "delayed"
    assert held.of_repeated(NOW) is held
