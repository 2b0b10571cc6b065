"""The nursery and its children, as processes: what a worker hears of each job."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from buoy.executor.fork.nursery_process import NurseryProcess
from buoy.loading.served_app import ANY
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation
from tests.support.processes import wait_until

APP = "tests.support.nursery_jobs"
SECONDS = 120.0


class Worker:
    """The worker's end: sends orders, and keeps the messages that come."""

    def __init__(self, app: str = APP) -> None:
        self.nursery = NurseryProcess([app], ANY, -1)
        self.seen: list[dict[str, Any]] = []
        self.runs = 0
        self.ended = False

    def end(self, seconds: float = SECONDS) -> int | None:
        """End the nursery; returns its exit code."""
        self.ended = True
        return self.nursery.end(seconds)

    def wait_for(self, key: str, value: Any = None) -> dict[str, Any]:
        """The first message with this key, and this value if one is given."""
        last = time.monotonic() + SECONDS
        while time.monotonic() < last:
            self.seen += self.nursery.messages()
            for message in self.seen:
                if key in message and value in (None, message[key]):
                    return message
            assert self.nursery.open, f"the nursery is gone; it said {self.seen}"
            time.sleep(0.005)
        raise AssertionError(f"no {key} {value!r}, but {self.seen}")

    def start(self, job: str, *args: Any) -> str:
        """Order a run; returns its token."""
        self.runs += 1
        name = job if "." in job else f"{APP}.{job}"
        payload = Payload(name, list(args), {}, f"id {self.runs}").encoded()
        token = f"{self.runs}:w:1"
        self.nursery.send({"run": Reservation(f"id {self.runs}", token, "mail", payload)})
        return token

    def run(self, job: str, *args: Any) -> dict[str, Any]:
        """Order a run; returns the answer."""
        return self.wait_for("ended", self.start(job, *args))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """With a nursery for all tests that leave it as it was."""
    worker = Worker()
    worker.wait_for("ready")
    yield worker
    worker.end()


@pytest.fixture
def own_worker() -> Iterator[Worker]:
    """With a nursery for one test."""
    worker = Worker()
    worker.wait_for("ready")
    yield worker
    if not worker.ended:
        worker.end()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a job writes a process id."""
    return tmp_path / "pid"


def pid_in(file: Path) -> int:
    wait_until(file.exists)
    return int(file.read_text())


def is_alive(pid: int) -> bool:
    try:
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


def failure_in(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["outcome"] == "failed", answer
    failure: dict[str, Any] = json.loads(answer["payload"])["failure"]
    return failure


class TestStart:
    def test_an_app_that_is_loaded_tells_its_settings(self) -> None:
        worker = Worker()

        assert "url" in worker.wait_for("ready")["ready"]

        assert worker.end() == 0

    def test_an_app_that_cannot_be_loaded_says_why(self) -> None:
        worker = Worker("tests.support.there_is_no_such_module")

        assert "expected a module that can be imported" in worker.wait_for("broken")["broken"]

        worker.end()


class TestAnswers:
    def test_a_job_runs_and_is_done(self, worker: Worker, tmp_path: Path) -> None:
        answer = worker.run("Works", str(tmp_path / "word"))

        assert answer["outcome"] == "done"
        assert (answer["name"], answer["waited"]) == (f"{APP}.Works", 0.0)
        assert 0.0 < answer["seconds"] < SECONDS
        assert (tmp_path / "word").read_text() == "worked"

    def test_several_jobs_run_at_once(self, worker: Worker, tmp_path: Path) -> None:
        files = [tmp_path / str(number) for number in range(3)]
        for each in files:
            worker.start("Waits", str(each))

        assert len({pid_in(each) for each in files}) == 3

    def test_a_job_that_raises_has_failed(self, worker: Worker) -> None:
        failure = failure_in(worker.run("Fails"))

        assert (failure["error"], failure["message"]) == ("ValueError", "no")

    def test_a_job_that_cannot_be_loaded_has_failed(self, worker: Worker) -> None:
        failure = failure_in(worker.run("shop.NoSuchJob"))

        assert failure["cause"] == "not run"

    def test_a_limit_that_is_none_is_a_failure(self, worker: Worker) -> None:
        failure = failure_in(worker.run("Odd"))

        assert "a number, more than 0" in failure["message"]

    @pytest.mark.parametrize(
        ("how", "cause"), [("exit", "exit 3 without a result"), ("kill", "signal 9 (SIGKILL)")]
    )
    def test_a_death_is_a_failure_with_its_cause(
        self, worker: Worker, how: str, cause: str
    ) -> None:
        failure = failure_in(worker.run("Dies", how))

        assert (failure["error"], failure["cause"]) == ("buoy.errors.DirtyExit", cause)
        assert failure["peak_memory"] > 1 << 20

    @pytest.mark.parametrize("closes", [False, True])
    def test_a_job_may_scribble_into_all_files_and_close_them(
        self, worker: Worker, closes: bool
    ) -> None:
        assert worker.run("Scribbles", closes)["outcome"] == "done"
        assert worker.run("Works")["outcome"] == "done"

    def test_the_client_of_redis_is_loaded_once_when_a_job_has_needed_it(
        self, own_worker: Worker
    ) -> None:
        answer = own_worker.run("NeedsRedis")

        assert answer.pop("seconds") > 0.0
        assert answer == {
            "ended": "1:w:1",
            "outcome": "done",
            "payload": "",
            "wait": 0.0,
            "name": f"{APP}.NeedsRedis",
            "waited": 0.0,
            "commands": [],
        }
        assert own_worker.run("Works")["outcome"] == "done"


class TestLimits:
    def test_a_job_that_runs_too_long_is_told_to_end(self, worker: Worker, file: Path) -> None:
        failure = failure_in(worker.run("Late", str(file)))

        assert failure["message"] == "the job ran longer than its timeout of 3 s: ended by TERM"

    def test_a_job_that_uses_too_much_memory_is_killed(self, worker: Worker, file: Path) -> None:
        failure = failure_in(worker.run("Large", str(file)))

        assert failure["error"] == "buoy.errors.MemoryExceeded"
        assert "its max_memory of 1 MiB" in failure["message"]


class TestOrders:
    def test_killed_jobs_fail(self, worker: Worker, file: Path) -> None:
        token = worker.start("Waits", str(file))
        pid_in(file)
        worker.nursery.send({"kill": [token], "why": "killed"})

        failure = failure_in(worker.wait_for("ended", token))

        assert "told to kill it (USR1)" in failure["message"]

    def test_a_lost_job_is_released_when_its_process_is_gone(
        self, worker: Worker, file: Path
    ) -> None:
        token = worker.start("Waits", str(file))
        pid = pid_in(file)
        worker.nursery.send({"kill": [token], "why": "lost"})

        assert worker.wait_for("ended", token) == {"ended": token, "outcome": "released"}
        assert not is_alive(pid)

    def test_terminated_jobs_are_released(self, worker: Worker, file: Path) -> None:
        token = worker.start("Waits", str(file))
        pid_in(file)
        worker.nursery.send({"terminate": True})

        answer = worker.wait_for("ended", token)
        assert (answer["outcome"], answer["name"]) == ("released", f"{APP}.Waits")
        assert 0.0 < answer["seconds"] < SECONDS

    def test_a_term_that_the_nursery_has_not_sent_ends_no_job(
        self, worker: Worker, file: Path
    ) -> None:
        token = worker.start("Waits", str(file))
        pid = pid_in(file)
        os.kill(pid, signal.SIGTERM)
        os.kill(worker.nursery.process.pid, signal.SIGTERM)

        assert worker.run("Works")["outcome"] == "done"
        assert is_alive(pid)
        assert not [each for each in worker.seen if each.get("ended") == token]

    def test_an_order_that_makes_no_sense_is_passed_over(self, worker: Worker) -> None:
        for order in ({"run": 7}, {"run": ["too", "few"]}, {"kill": 7, "why": 8}, {"what": 1}):
            worker.nursery.send(order)

        assert worker.run("Works")["outcome"] == "done"

    def test_close_ends_it_in_order(self, own_worker: Worker) -> None:
        own_worker.nursery.send({"close": True})

        assert own_worker.nursery.process.wait(SECONDS) == 0


class TestWhatIsLeft:
    def test_a_process_that_a_job_leaves_behind_is_killed(self, worker: Worker, file: Path) -> None:
        assert worker.run("Leaves", str(file))["outcome"] == "done"

        wait_until(lambda: not is_alive(pid_in(file)))

    def test_the_table_is_empty_when_all_jobs_are_gone(
        self, own_worker: Worker, file: Path
    ) -> None:
        token = own_worker.start("Waits", str(file))
        pid = pid_in(file)
        assert pid in own_worker.nursery.table.used_sessions()
        own_worker.nursery.send({"kill": [token], "why": "lost"})
        own_worker.wait_for("ended", token)
        for _ in range(2):
            own_worker.run("Works")

        wait_until(lambda: not own_worker.nursery.table.used_sessions())

    def test_jobs_die_with_a_nursery_that_is_killed(self, own_worker: Worker, file: Path) -> None:
        own_worker.start("Waits", str(file))
        pid = pid_in(file)
        own_worker.nursery.process.kill()

        assert own_worker.end() == -signal.SIGKILL
        wait_until(lambda: not is_alive(pid))

    def test_a_nursery_that_does_not_end_is_killed_and_its_jobs_with_it(
        self, own_worker: Worker, file: Path
    ) -> None:
        own_worker.start("Waits", str(file))
        pid = pid_in(file)
        os.kill(own_worker.nursery.process.pid, signal.SIGSTOP)

        assert own_worker.end(0.05) is None
        wait_until(lambda: not is_alive(pid))


def test_an_order_to_a_nursery_that_is_gone_does_nothing(own_worker: Worker) -> None:
    nursery = own_worker.nursery
    nursery.process.kill()
    nursery.process.wait()

    for _ in range(3):  # the first of these finds out
        nursery.send({"terminate": True})

    assert not nursery.open
