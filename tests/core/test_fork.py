"""The executor that forks, with a nursery that is played."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from buoy.executor.fork import executor as module
from buoy.executor.fork.executor import Fork
from buoy.executor.fork.nursery_process import NurseryProcess
from buoy.loading.served_app import ANY
from tests.support.reservations import held, runs


class Played:
    """Keeps the orders, and says what a test puts in."""

    def __init__(self, app: Sequence[str] = (), *_: object) -> None:
        self.orders: list[dict[str, Any]] = []
        self.says: list[Any] = []
        self.open = True
        self.ended_within: float | None = None

    def send(self, order: dict[str, Any]) -> None:
        self.orders.append(order)

    def messages(self, flags: int = 0) -> list[Any]:
        says, self.says = self.says, []
        return says

    def end(self, seconds: float) -> int | None:
        self.open, self.ended_within = False, seconds
        return 7

    @property
    def runs(self) -> list[str]:
        return [order["run"].id for order in self.orders if "run" in order]


@pytest.fixture
def fork(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fork]:
    """With two slots, and a nursery that is ready."""
    monkeypatch.setattr(module, "NurseryProcess", Played)
    # The first pause ends in no test by itself, however slow the machine is.
    monkeypatch.setattr("buoy.connection.backoff.FIRST_PAUSE", 1000.0)
    fork = Fork(["app"], slots=2)
    fork.nursery, fork.ready = Played(), True  # type: ignore[assignment]
    yield fork
    if not fork.closing:
        fork.close()


def nursery_of(fork: Fork) -> Played:
    nursery: Any = fork.nursery
    assert isinstance(nursery, Played)
    return nursery


def test_free_slots_are_filled_and_the_rest_waits(fork: Fork) -> None:
    assert fork.capacity() == 2
    assert not fork.needs_watching
    fork.start_jobs(held("a", "b", "c"))
    assert nursery_of(fork).runs == ["a", "b"]
    assert fork.needs_watching

    nursery_of(fork).says = [{"ended": "token of a", "outcome": "done"}]
    fork.take_finished()

    assert nursery_of(fork).runs == ["a", "b", "c"]


def test_an_answer_is_the_settlement_of_its_run(fork: Fork) -> None:
    fork.start_jobs(held("a"))
    nursery_of(fork).says = [{"ended": "token of a", "outcome": "failed", "payload": "{}"}]

    [settlement] = fork.take_finished()

    assert (settlement.id, settlement.outcome, settlement.payload) == ("a", "failed", "{}")
    assert fork.running == {}


def test_an_answer_that_makes_no_sense_is_a_failure(
    fork: Fork, caplog: pytest.LogCaptureFixture
) -> None:
    fork.start_jobs(held("a"))
    nursery_of(fork).says = ["what?", {"ended": "of no run", "outcome": "done"}]
    nursery_of(fork).says += [{"ended": "token of a", "outcome": "sings"}]

    [settlement] = fork.take_finished()

    assert settlement.outcome == "failed"
    assert "the nursery sent an answer that makes no sense" in settlement.payload
    assert "the nursery sent a message that makes no sense: 'what?'" in caplog.messages


def test_a_failure_that_the_nursery_could_not_log_is_logged_here(
    fork: Fork, caplog: pytest.LogCaptureFixture
) -> None:
    fork.start_jobs(held("a"))
    answer = {"ended": "token of a", "outcome": "failed", "payload": "{}"}
    nursery_of(fork).says = [answer | {"unlogged": ["shop.Error", "100 %s"]}]

    fork.take_finished()

    [record] = caplog.records
    assert (record.name, record.levelname) == ("buoy.job", "ERROR")
    assert " failed: shop.Error: 100 %s id=a " in record.getMessage()


def test_a_newer_run_of_a_job_starts_after_the_end_of_the_older_one(fork: Fork) -> None:
    old, new = runs("a")
    fork.start_jobs([old])
    fork.start_jobs([new])
    assert nursery_of(fork).runs == ["a"]

    nursery_of(fork).says = [{"ended": old.token, "outcome": "released"}]
    fork.take_finished()

    assert nursery_of(fork).runs == ["a", "a"]


def test_orders_name_the_runs(fork: Fork) -> None:
    fork.start_jobs(held("a", "b", "c"))
    fork.abandon(held("a", "c"))
    fork.kill()
    fork.terminate()

    assert nursery_of(fork).orders[2:] == [
        {"kill": ["token of a", "token of c"], "why": "lost"},
        {"kill": ["token of a", "token of b"], "why": "killed"},
        {"terminate": True},
    ]
    assert not fork.prefetched.waiting


class TestDeathOfTheNursery:
    def test_its_jobs_crash_and_those_that_wait_are_released(
        self, fork: Fork, caplog: pytest.LogCaptureFixture
    ) -> None:
        fork.start_jobs(held("a", "b", "c"))
        nursery_of(fork).open = False

        settlements = fork.take_finished()

        assert [(each.id, each.outcome) for each in settlements] == [
            ("a", "crashed"),
            ("b", "crashed"),
            ("c", "released"),
        ]
        again = "queued again: its process ended with the nursery"
        assert [line.partition(" id=")[0] for line in caplog.messages] == [
            "the nursery ended (exit code 7) with 2 jobs",
            f"a job {again}",
            f"a job {again}",
        ]
        lost = [vars(each) for each in caplog.records if each.name == "buoy.job"]
        assert [(each["job_id"], each["state"]) for each in lost] == [("a", "lost"), ("b", "lost")]
        assert (fork.capacity(), fork.running) == (0, {})

    def test_a_newer_run_that_waits_for_one_of_them_is_released(self, fork: Fork) -> None:
        old, new = runs("a")
        fork.start_jobs([old])
        fork.start_jobs([new])
        nursery_of(fork).open = False

        settlements = fork.take_finished()

        assert [(each.token, each.outcome) for each in settlements] == [
            (old.token, "crashed"),
            (new.token, "released"),
        ]
        assert (fork.exclusive.runs, fork.exclusive.waiting) == ({}, {})

    def test_a_job_at_the_limit_of_crashes_fails(self, fork: Fork) -> None:
        [job] = held("a")
        fork.start_jobs([job._replace(crash_limit_reached=True, lost=5)])
        nursery_of(fork).open = False

        [settlement] = fork.take_finished()

        assert settlement.outcome == "failed"
        assert "WorkerLost" in settlement.payload

    def test_a_new_one_is_started_after_a_pause(
        self, fork: Fork, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = nursery_of(fork)
        old.open = False
        fork.take_finished()
        fork.take_finished()
        assert fork.nursery is None
        assert 0 < fork.seconds_until_due() <= 30

        monkeypatch.setattr(fork.pause, "seconds_left", lambda: 0.0)
        fork.take_finished()
        assert nursery_of(fork) is not old
        assert fork.capacity() == 0

        nursery_of(fork).says = [{"ready": {}}]
        fork.take_finished()
        assert fork.capacity() == 2

    def test_a_system_that_refuses_a_process_is_asked_again(
        self, fork: Fork, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(*_: object) -> None:
            raise BlockingIOError(11, "no more processes")

        fork.nursery, fork.ready = None, False
        monkeypatch.setattr(module, "NurseryProcess", refuse)
        fork.take_finished()

        assert fork.nursery is None
        assert fork.seconds_until_due() > 0
        assert "no process to load the app" in caplog.text


def test_a_start_that_the_system_refuses_keeps_no_file_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr("buoy.executor.fork.nursery_process.subprocess.Popen", refuse)
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208

    with pytest.raises(BlockingIOError):
        NurseryProcess(["app"], ANY, 0)

    assert set(os.listdir("/dev/fd")) <= before  # noqa: PTH208


def test_close_gives_the_app_time_for_its_hook(fork: Fork) -> None:
    nursery = nursery_of(fork)
    fork.close()

    assert nursery.orders == [{"close": True}]
    assert nursery.ended_within == module.HOOK_SECONDS
