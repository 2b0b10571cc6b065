"""Schedulers as real processes: killed, frozen, cut off, and fed with nonsense."""

import random
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from buoy_scheduler import enqueue_at, enqueue_in, remove_schedule, set_schedule
from tests.support.processes import Site, WorkerProcess, alive, holds_for, wait_until
from tests.support.proxy import Proxy

from .apps.jobs import Note
from .apps.scheduled import Chime, Tick

EACH_SECOND = f"tick: {{every: 1s, class: {Tick.name}, missed: all}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "schedule.yml"
    file.write_text(EACH_SECOND)
    return file


def scheduler(
    site: Site, file: Path | None = None, *options: str, app: str = "scheduled", url: str = ""
) -> WorkerProcess:
    """Start a scheduler; it takes a moment until it serves."""
    command = ["scheduler", "-a", f"tests.system.apps.{app}", *options]
    command += [] if file is None else ["--schedule", str(file)]
    log = site.folder / f"scheduler-{len(site.workers)}.log"
    with log.open("wb") as output:
        process = site.start(command, output, url)
    site.workers.append(WorkerProcess(process, log))
    return site.workers[-1]


def waiting(site: Site, queue: str = "ticks") -> int:
    return site.view(queue).queued


def ticks(site: Site, entry: str = "tick", queue: str = "ticks") -> int:
    """How many ticks there were from the entry's beginning to the last that was fired."""
    command = site.app.command
    since = command("HGET", site.app.key(queue, "scheduler"), entry)
    last = command("HGET", site.app.key(queue, "meta"), f"newer:cron:{entry}")
    return 0 if last is None else int(last) - int(since.split()[0])


def test_each_tick_is_fired_once_though_daemons_are_killed_and_frozen(
    site: Site, file: Path
) -> None:
    daemons = [scheduler(site, file) for _ in range(3)]
    wait_until(lambda: waiting(site) > 0)
    random.seed(7)
    frozen: list[WorkerProcess] = []
    for _ in range(8):
        victim = daemons.pop(random.randrange(len(daemons)))
        if random.random() < 0.5:
            victim.kill()
            daemons.append(scheduler(site, file))
        else:
            victim.signal(signal.SIGSTOP)
            frozen.append(victim)
        if len(frozen) > 1:
            thawed = frozen.pop(0)
            thawed.signal(signal.SIGCONT)
            daemons.append(thawed)
        time.sleep(random.uniform(0.3, 1.0))
    for each in frozen:
        each.signal(signal.SIGCONT)
    before = ticks(site)
    wait_until(lambda: ticks(site) > before + 1, what=site.logs)

    for each in [*daemons, *frozen]:
        each.wait_for_log("serves")  # one that has just started does not hear of its end yet
        each.stop()

    assert waiting(site) == ticks(site) >= 5


def test_after_all_daemons_were_dead_the_next_one_makes_up(site: Site, file: Path) -> None:
    first = scheduler(site, file)
    wait_until(lambda: waiting(site) > 0)
    first.kill()
    time.sleep(2.5)
    before = waiting(site)
    second = scheduler(site, file)
    wait_until(lambda: waiting(site) >= before + 3, what=site.logs)
    second.stop()

    assert waiting(site) == ticks(site)


def test_an_outage_of_redis_is_waited_for(own_site: Site, file: Path) -> None:
    site = own_site
    daemon = scheduler(site, file)
    wait_until(lambda: waiting(site) > 0)
    cost = daemon.cpu_seconds
    site.server.kill()
    daemon.wait_for_log("trying again")
    holds_for(2.5, lambda: alive(daemon.pid))
    assert daemon.cpu_seconds - cost < 1.0
    site.server.start()
    daemon.wait_for_log("Redis is back")
    before = waiting(site)
    wait_until(lambda: waiting(site) > before + 1, what=site.logs)
    daemon.stop()

    assert waiting(site) == ticks(site)
    assert daemon.log.count("trying again") == 1


def test_a_daemon_may_start_before_redis(own_site: Site, file: Path) -> None:
    own_site.server.kill()
    daemon = scheduler(own_site, file)
    daemon.wait_for_log("trying again")
    holds_for(0.5, lambda: "serves" not in daemon.log)
    own_site.server.start()
    daemon.wait_for_log("serves 2 entries, next ")
    wait_until(lambda: waiting(own_site) > 0, what=own_site.logs)
    daemon.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_end_a_daemon_at_once_even_when_redis_is_silent(
    site: Site, file: Path, number: signal.Signals
) -> None:
    with Proxy(site.server.url) as proxy:
        daemon = scheduler(site, file, url=f"{proxy.url}?socket_timeout=600")
        daemon.wait_for_log("serves")
        proxy.freeze()
        time.sleep(0.2)
        daemon.signal(number)
        assert daemon.wait() == 0
        assert "ends" in daemon.log


def test_bad_entries_stop_nothing_and_hup_reads_the_file_again(site: Site, file: Path) -> None:
    file.write_text(
        EACH_SECOND + "nobody: {every: 1s, class: shop.Nobody}\n"
        "date: {cron: 0 0 30 2 *}\n"
        "zone: {every: 1s, tz: Mars}\n"
        f"far: {{every: 1s, first: 1{'0' * 400}}}\n"
        "yaml: {every: [\n"
    )
    entry = '{"every": 60, "first": 1' + "0" * 400 + "}"
    site.app.command("HSET", "buoy:scheduler", "entry:redis", entry, "version", 1)
    daemon = scheduler(site, file)
    wait_until(lambda: waiting(site) > 0, what=site.logs)
    for name in ("nobody", "date", "zone", "far", "yaml", "redis"):
        daemon.wait_for_log(f"schedule entry {name!r}")
        assert daemon.log.count(f"schedule entry {name!r}") == 1

    file.write_text(f"later: {{every: 1s, class: {Note.name}, queue: later}}\n")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: waiting(site, "later") > 0, what=site.logs)
    file.unlink()
    daemon.signal(signal.SIGHUP)
    daemon.wait_for_log("schedule file: expected a complete one; until then later as before")
    before = waiting(site, "later")
    wait_until(lambda: waiting(site, "later") > before + 1, what=site.logs)
    daemon.stop()


def test_an_entry_of_the_run_time_is_fired_by_this_and_by_later_daemons(
    site: Site,
) -> None:
    first = scheduler(site)
    first.wait_for_log("serves")
    set_schedule("tick", Tick, every="1s")
    wait_until(lambda: waiting(site) > 0, what=site.logs)
    first.kill()
    before = waiting(site)
    second = scheduler(site)
    wait_until(lambda: waiting(site) > before, what=site.logs)
    remove_schedule("tick")
    second.stop()


def test_what_a_class_declares_runs_in_a_worker(site: Site) -> None:
    daemon = scheduler(site)
    worker = site.worker("--executor", "inline", queues="chimes", app="scheduled")
    site.note("ran", "chime")
    daemon.stop()
    worker.stop()
    assert Chime.name in daemon.log


def test_delayed_jobs_need_no_daemon(site: Site) -> None:
    enqueue_in(0.3, Note, "soon")
    enqueue_at(datetime.now(UTC) + timedelta(seconds=0.5), Note, "later")
    site.worker("--executor", "inline")
    site.note("ran", "later")
    site.settled()
    assert site.words() == ["soon", "later"]


def test_a_daemon_writes_its_pid_file_while_it_runs(site: Site, file: Path) -> None:
    pidfile = site.folder / "scheduler.pid"
    daemon = scheduler(site, file, "--pidfile", str(pidfile))
    daemon.wait_for_log("serves")
    assert int(pidfile.read_text()) == daemon.pid
    daemon.stop()
    assert not pidfile.exists()


def test_the_probe_of_containers_finds_the_daemons_of_this_host(site: Site, file: Path) -> None:
    host, pidfile = socket.gethostname(), site.folder / "scheduler.pid"
    assert site.run("scheduler", "--check") == (1, f"no scheduler of host {host} polls Redis\n")
    daemon = scheduler(site, file, "--pidfile", str(pidfile))
    daemon.wait_for_log("serves")

    alive = 0, f"scheduler {host}:{daemon.pid} polls Redis\n"
    assert site.run("scheduler", "--check") == alive
    assert site.run("scheduler", "--check", "--pidfile", str(pidfile)) == alive
    other = scheduler(site, file)
    other.wait_for_log("serves")
    assert site.run("scheduler", "--check") == (0, f"2 schedulers of host {host} poll Redis\n")
    daemon.kill()
    assert site.run("scheduler", "--check") == (0, f"scheduler {host}:{other.pid} polls Redis\n")
    dead = 1, f"there is no process {daemon.pid}\n"
    assert site.run("scheduler", "--check", "--pidfile", str(pidfile)) == dead


def test_the_probe_of_a_scheduler_waits_for_redis_too(own_site: Site) -> None:
    own_site.server.kill()

    code, said = own_site.run("scheduler", "--check")

    assert (code, said.endswith("; schedulers wait for it, a restart would not help\n")) == (
        0,
        True,
    )


def test_an_app_that_runs_jobs_inline_has_no_scheduler(site: Site) -> None:
    site.environ["BUOY_INLINE"] = "1"
    code, said = site.run("scheduler", "-a", "tests.system.apps.scheduled")
    assert code == 1
    assert said == "Error: BUOY_INLINE: expected 0 for a scheduler, got 1\n"


def test_an_idle_daemon_costs_next_to_nothing(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "far.yml"
    file.write_text("far: {cron: '0 0 1 1 *', class: x, queue: far}\n")
    daemon = scheduler(site, file, app="jobs")
    daemon.wait_for_log("serves")
    began, cost, switches = time.monotonic(), daemon.cpu_seconds, voluntary(daemon.pid)
    time.sleep(3.0)
    assert daemon.cpu_seconds - cost <= 0.5
    switches = voluntary(daemon.pid) - switches
    assert switches < 10 * (time.monotonic() - began)
    daemon.stop()


def voluntary(pid: int) -> int:
    """How often a process has gone to sleep."""
    [line] = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    ]
    return int(line.split()[1])
