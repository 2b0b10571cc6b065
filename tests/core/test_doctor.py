import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App, Job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy.model.entry import Entry
from buoy.model.handover import Handover
from buoy.model.reservation import RoundTripRequest, Settlement
from buoy.operations.doctor import examine, failures, handovers, overdue, unserved, workers
from buoy.operations.finding import Finding
from buoy.operations.inspection import Inspection, skew_between
from buoy.operations.server_checks import clock, memory, persistence
from buoy.operations.worker_commands import forget
from buoy.testing import Clock, FakeWorker, drain

HOUR = 3600.0


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int) -> None:
        if purchase_id < 0:
            raise ValueError(f"{purchase_id} is no purchase")


def inspected(app: App) -> Inspection:
    """Returns what the checks need, as it is now."""
    inspection = Inspection(app)
    app.monitor.run_steps(inspection.read())
    return inspection


def inspected_after(
    app: App, seconds: float, moment: Callable[[Inspection], float | None]
) -> Inspection:
    """Returns the same exactly so many seconds after a moment. They have passed on the clock of the
    app: on a busy machine some more have."""
    inspection = inspected(app)
    since = moment(inspection)
    assert since is not None
    assert -0.01 < inspection.now - since - seconds < 600
    inspection.now = since + seconds
    return inspection


@pytest.fixture
def inspection(buoy_app: App) -> Inspection:
    return inspected(buoy_app)


def found(app: App, subject: str) -> Finding:
    [finding] = [each for each in examine(app) if each.subject == subject]
    return finding


def work(app: App) -> None:
    """Look at the queues as a worker does, and run what is there."""
    drain(app)


def configure(app: App, **settings: str) -> None:
    for name, value in settings.items():
        app.command("CONFIG", "SET", name.replace("_", "-"), value)


class TestRedis:
    def test_the_doctor_names_what_is_fine(self, buoy_app: App) -> None:
        subjects = {each.subject: each for each in examine(buoy_app)}

        assert list(subjects) == [
            *("eviction", "memory", "persistence", "clock"),
            *("queues", "workers", "delayed jobs", "hand-overs", "groups", "failures", "keys"),
            *("places", "members"),
        ]
        assert subjects["eviction"].text == "nothing is evicted (policy noeviction)"
        assert subjects["memory"].text.endswith(" MiB used, no limit set")
        assert subjects["clock"].text == "this machine and Redis differ by 0.0 s"
        assert [each.subject for each in subjects.values() if each.state != "ok"] == ["persistence"]

    def test_eviction_of_jobs_is_wrong_once_there_is_a_limit(self, buoy_app: App) -> None:
        with Server() as server:
            app = App(server.url)
            configure(app, maxmemory_policy="allkeys-lru")
            assert found(app, "eviction") == Finding(
                "eviction", "ok", "nothing is evicted (policy allkeys-lru)"
            )

            configure(app, maxmemory="1gb")
            assert found(app, "eviction") == Finding(
                "eviction",
                "wrong",
                "expected maxmemory-policy noeviction, got allkeys-lru: a full Redis throws data "
                "away",
                "CONFIG SET maxmemory-policy noeviction, and set it in redis.conf, too",
            )

    def test_memory_is_short_before_it_is_full(self, inspection: Inspection) -> None:
        mib = 2**20
        inspection.info |= {"used_memory": str(79 * mib), "maxmemory": str(100 * mib)}
        assert list(memory(inspection)) == [Finding("memory", "ok", "79 MiB of 100 MiB used")]

        inspection.info["used_memory"] = str(80 * mib)
        assert list(memory(inspection)) == [
            Finding(
                "memory",
                "note",
                "expected less than 80% of 100 MiB to be used, got 80 MiB: a full Redis refuses "
                "new jobs",
                "see which queue grows (buoy queues), start workers for it, or raise maxmemory",
            )
        ]
        inspection.info["used_memory"] = str(100 * mib)
        assert [each.state for each in memory(inspection)] == ["wrong"]

    def test_without_an_append_only_file_a_crash_loses_jobs(self, buoy_app: App) -> None:
        assert found(buoy_app, "persistence") == Finding(
            "persistence",
            "note",
            "expected an append-only file, got none: a crash of Redis loses jobs",
            "CONFIG SET appendonly yes, and set it in redis.conf, too",
        )

        with Server(appendonly=True) as server:
            finding = found(App(server.url), "persistence")
        assert finding == Finding("persistence", "ok", "an append-only file is written")

    def test_a_redis_that_cannot_write_to_its_disk(self, inspection: Inspection) -> None:
        inspection.info |= {"aof_enabled": "1", "aof_last_write_status": "err"}
        assert list(persistence(inspection)) == [
            Finding(
                "persistence",
                "wrong",
                "expected Redis to write to its disk, got aof_last_write_status:err: it may refuse "
                "all jobs",
                "see the log of Redis; is its disk full?",
            )
        ]

    def test_clocks_that_differ_are_told(self, inspection: Inspection) -> None:
        inspection.skew = 7.2
        [finding] = clock(inspection)
        assert (finding.state, finding.text, finding.advice) == (
            "wrong",
            "expected less than 5 s between this machine and Redis, got +7 s: times given with "
            "at= and expires are wrong by as much",
            "synchronise the clocks (NTP)",
        )

        inspection.skew = -100.0
        assert "got -100 s" in next(clock(inspection)).text

    @pytest.mark.parametrize(
        ("told", "skew"), [(90.0, 10.0), (100.0, 0.0), (103.0, 0.0), (106.0, 0.0), (110.0, -4.0)]
    )
    def test_the_time_that_an_answer_takes_is_no_difference(self, told: float, skew: float) -> None:
        assert skew_between(100.0, told, 106.0) == skew

    def test_the_time_that_all_further_reading_takes_is_no_difference(
        self, inspection: Inspection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = time.time() + 60
        monkeypatch.setattr("time.time", lambda: late)
        assert next(clock(inspection)).state == "ok"

    def test_a_cluster_is_examined_too(self, cluster: Any) -> None:
        app = App(cluster.url)
        assert {each.subject for each in examine(app)} >= {"memory", "persistence", "clock"}


def seen_at(inspection: Inspection) -> float | None:
    moment: float | None = inspection.queues[0].seen_at
    return moment


def due_at(inspection: Inspection) -> float | None:
    moment: float | None = inspection.queues[0].next_due_at
    return moment


class TestQueues:
    def test_a_queue_that_nobody_ever_served(self, buoy_app: App) -> None:
        Charge.enqueue(1)
        Charge.using(delay=60).enqueue_many([(2,), (3,)])

        assert list(unserved(inspected(buoy_app))) == [
            Finding(
                "queue purchasing",
                "wrong",
                "queued 1, delayed 2, but no worker has ever looked at it",
                "start one: buoy worker -a MODULE -q purchasing",
            )
        ]

    def test_a_queue_that_is_served_no_more(self, buoy_app: App, buoy_clock: Clock) -> None:
        work(buoy_app)
        Charge.enqueue(1)
        work(buoy_app)
        Charge.enqueue(2)

        buoy_clock.advance(59)
        assert list(unserved(inspected_after(buoy_app, 59, seen_at))) == [
            Finding("queues", "ok", "known: 1; all that hold jobs are served")
        ]

        buoy_clock.advance(4)
        [finding] = unserved(inspected_after(buoy_app, 63, seen_at))
        assert finding.state == "wrong"
        assert finding.text == ("queued 1, delayed 0, but no worker has looked at it for 63 s")

    def test_an_empty_queue_needs_no_worker(self, buoy_app: App, buoy_clock: Clock) -> None:
        Charge.enqueue(1)
        work(buoy_app)
        buoy_clock.advance(HOUR)

        assert [each.state for each in unserved(inspected(buoy_app))] == ["ok"]

    def test_jobs_that_are_stuck_on_their_way_to_another_queue(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        Charge.enqueue(1)
        worker = FakeWorker(buoy_app, Charge.queue)
        entry = Entry("p-1", b"{}", "Pack")
        child = (Handover("n", "c-1", "warehouse", entry).encoded(),)
        settled = Settlement.of(worker.take(), "done", children=[child])
        buoy_app.broker.advance_queue("fake", RoundTripRequest(Charge.queue, 9, 0, 0, [settled]))
        buoy_app.command("ZADD", buoy_app.key("none", "handovers"), 1, "odd")
        fine = [Finding("hand-overs", "ok", "no job is stuck on its way to another queue")]
        assert list(handovers(inspected(buoy_app))) == fine

        buoy_clock.advance(61)
        late = inspected_after(buoy_app, 61, lambda found: found.handovers[Charge.queue].oldest)
        assert list(handovers(late)) == [
            Finding(
                f"queue {Charge.queue}",
                "wrong",
                "jobs on their way to other queues: 1, to warehouse; the oldest for 61 s",
                f"workers of {Charge.queue} hand them over, and log what is in the way; or do it "
                f"now: buoy queues repair {Charge.queue}",
            )
        ]

    def test_delayed_jobs_that_nobody_makes_ready(self, buoy_app: App, buoy_clock: Clock) -> None:
        Charge.using(delay=10).enqueue(1)
        buoy_clock.advance(69)
        assert list(overdue(inspected_after(buoy_app, 59, due_at))) == [
            Finding("delayed jobs", "ok", "none is overdue")
        ]

        buoy_clock.advance(3)
        assert list(overdue(inspected_after(buoy_app, 62, due_at))) == [
            Finding(
                "queue purchasing",
                "wrong",
                "delayed jobs are overdue by up to 62 s",
                "workers queue delayed jobs when they are due: start one for this queue",
            )
        ]

    def test_failures_that_grow(self, buoy_app: App, buoy_clock: Clock) -> None:
        Charge.enqueue_many([(-1,), (-2,)])
        work(buoy_app)
        assert list(failures(inspected(buoy_app))) == [
            Finding(
                "queue purchasing",
                "note",
                "failed in the last hour: 2, in the one before: 0",
                "buoy failed list --queue purchasing --since 1h",
            )
        ]

        buoy_clock.advance(HOUR + 1)
        Charge.enqueue_many([(-3,), (-4,)])
        work(buoy_app)
        assert list(failures(inspected(buoy_app))) == [Finding("failures", "ok", "not growing")]

        Charge.enqueue(-5)
        work(buoy_app)
        [finding] = failures(inspected(buoy_app))
        assert finding.text == "failed in the last hour: 3, in the one before: 2"


class TestWorkers:
    @pytest.fixture
    def gone(self, buoy_app: App) -> Callable[[float], Finding]:
        """What is found of a worker that has been gone for so long, beside one that works."""

        def gone(seconds: float) -> Finding:
            now = inspected(buoy_app).now
            beat_at = round(1000 * (now - seconds))
            buoy_app.command("HSET", "buoy:worker:w-1", "state", "running")
            buoy_app.command("ZADD", "buoy:workers", beat_at, "w-1", beat_at, "w-2")
            inspection = inspected(buoy_app)
            inspection.now = now
            [finding] = workers(inspection)
            return finding

        return gone

    def test_a_worker_that_beats_is_fine(self, buoy_app: App) -> None:
        buoy_app.command("HSET", "buoy:worker:w-1", "state", "running")
        buoy_app.command("ZADD", "buoy:workers", 1000, "w-1")

        assert list(workers(inspected(buoy_app))) == [Finding("workers", "ok", "1 at work")]

    def test_a_worker_that_is_gone_is_noted_until_it_is_forgotten(
        self, buoy_app: App, gone: Callable[[float], Finding]
    ) -> None:
        assert gone(90) == Finding(
            "worker w-2",
            "note",
            "its heartbeats stopped 90 s ago, jobs in flight: 0",
            "see its log and the kernel's (killed? out of memory?); then buoy workers forget w-2",
        )
        assert forget(buoy_app.broker, "w-2")
        assert list(workers(inspected(buoy_app))) == [Finding("workers", "ok", "1 at work")]

    def test_a_gone_worker_is_a_finding_until_its_jobs_are_taken(
        self, buoy_app: App, gone: Callable[[float], Finding]
    ) -> None:
        Charge.enqueue(1)
        buoy_app.broker.advance_queue("w-2", RoundTripRequest("purchasing", 1, 1))

        assert gone(5000) == Finding(
            "worker w-2",
            "wrong",
            "its heartbeats stopped 5000 s ago, jobs in flight: 1",
            "see its log and the kernel's (killed? out of memory?); its jobs need another worker",
        )


class TestCommand:
    def run(self, url: str, *words: str) -> Result:
        return CliRunner().invoke(main, ["--url", url, "doctor", *words])

    @pytest.fixture(autouse=True)
    def fresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The command finds its app by itself."""
        monkeypatch.setenv("BUOY_URL", "")
        monkeypatch.setattr(Job, "app", App())

    def test_the_exit_code_of_the_doctor_is_1_when_something_is_wrong(self) -> None:
        with Server(appendonly=True) as server:
            result = self.run(server.url)
            assert result.exit_code == 0, result.output
            assert result.output.splitlines()[2:6] == [
                "ok     persistence: an append-only file is written",
                "ok     clock: this machine and Redis differ by 0.0 s",
                "ok     queues: known: 0; all that hold jobs are served",
                "ok     workers: 0 at work",
            ]

            configure(App(server.url), appendonly="no")
            result = self.run(server.url)
            assert result.exit_code == 0
            assert self.run(server.url, "--strict").exit_code == 1
            assert result.output.splitlines()[2:4] == [
                "NOTE   persistence: expected an append-only file, got none: a crash of Redis "
                "loses jobs",
                "       -> CONFIG SET appendonly yes, and set it in redis.conf, too",
            ]

            configure(App(server.url), maxmemory_policy="allkeys-lru", maxmemory="1gb")
            result = self.run(server.url)
            assert result.exit_code == 1
            assert result.output.startswith("WRONG  eviction: expected maxmemory-policy noeviction")

    def test_the_doctor_prints_one_array_as_json(self, buoy_server: Server) -> None:
        App(buoy_server.url).command("FLUSHALL")  # other tests leave what cannot be read
        result = self.run(buoy_server.url, "--json", "--strict")
        rows = json.loads(result.output)
        assert result.exit_code == 1
        assert rows[2] == {
            "subject": "persistence",
            "state": "note",
            "text": "expected an append-only file, got none: a crash of Redis loses jobs",
            "advice": "CONFIG SET appendonly yes, and set it in redis.conf, too",
        }

    def test_a_redis_that_is_away_is_told(self) -> None:
        result = self.run("redis://127.0.0.1:1/0")
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
