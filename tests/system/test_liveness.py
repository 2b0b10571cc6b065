"""``buoy worker --check``: the probe of containers."""

import signal
import socket
from pathlib import Path

from tests.support.processes import Site, WorkerProcess, wait_until

HOST = socket.gethostname()


LEASE = 30.0
"""Seconds, where workers have to be alive: on a busy machine they may be late with a heartbeat."""


def check(site: Site, *options: str) -> tuple[int, str]:
    return site.run("worker", "--check", *options)


def serving(worker: WorkerProcess) -> WorkerProcess:
    worker.wait_for_log(" serves default")
    return worker


def test_a_worker_of_this_host_that_sends_heartbeats_is_alive(site: Site) -> None:
    site.lease = LEASE
    assert check(site) == (1, f"no worker of host {HOST} sends heartbeats\n")
    worker = serving(site.worker("--executor", "inline"))

    code, said = check(site)

    assert (code, said.startswith(f"worker {HOST}-{worker.pid}-")) == (0, True)
    assert said.endswith(" sends heartbeats\n")
    serving(site.worker("--executor", "inline"))
    assert check(site) == (0, f"2 workers of host {HOST} send heartbeats\n")


def test_a_worker_that_hangs_is_not_alive(site: Site) -> None:
    worker = serving(site.worker("--executor", "inline"))
    worker.signal(signal.SIGSTOP)

    wait_until(lambda: check(site)[0] == 1)

    worker.signal(signal.SIGCONT)
    wait_until(lambda: check(site)[0] == 0)


def test_a_pidfile_tells_which_worker_is_meant(site: Site) -> None:
    file = site.folder / "worker.pid"
    worker = site.worker("--executor", "inline", "--pidfile", str(file))
    other = serving(site.worker("--executor", "inline"))
    serving(worker)

    wait_until(lambda: check(site, "--pidfile", str(file))[0] == 0)
    worker.signal(signal.SIGSTOP)
    wait_until(lambda: check(site, "--pidfile", str(file))[0] == 1)
    said = f"no worker of host {HOST}, process {worker.pid}, sends heartbeats\n"
    assert check(site, "--pidfile", str(file)) == (1, said)
    wait_until(lambda: check(site)[1].startswith(f"worker {HOST}-{other.pid}-"))
    worker.kill()
    assert check(site, "--pidfile", str(file)) == (1, f"there is no process {worker.pid}\n")


def test_the_pidfile_of_a_supervisor_stands_for_its_workers(site: Site) -> None:
    site.lease = LEASE
    file = site.folder / "supervisor.pid"
    options = ["--executor", "inline", "--processes", "2", "--pidfile", str(file)]
    supervisor = site.worker(*options)
    wait_until(lambda: supervisor.log.count(" serves default") == 2)

    said = f"2 workers of host {HOST}, process {supervisor.pid}, send heartbeats\n"
    assert check(site, "--pidfile", str(file)) == (0, said)


def test_while_redis_is_away_a_worker_counts_as_alive(own_site: Site) -> None:
    file = own_site.folder / "worker.pid"
    worker = serving(own_site.worker("--executor", "inline", "--pidfile", str(file)))
    own_site.server.kill()

    code, said = check(own_site, "--pidfile", str(file))

    assert (code, said.endswith("; workers wait for it, a restart would not help\n")) == (0, True)
    worker.kill()
    assert check(own_site, "--pidfile", str(file))[0] == 1


def test_a_pidfile_must_hold_a_number(site: Site, tmp_path: Path) -> None:
    said = "Error: --pidfile: expected a file with a process id, got "
    assert check(site, "--pidfile", "no-such") == (1, f"{said}no-such: No such file or directory\n")
    file = tmp_path / "odd"
    file.write_text("word\n")
    assert check(site, "--pidfile", str(file)) == (1, f"{said}{file}: no number\n")


def test_the_probe_needs_no_app_and_a_worker_does(site: Site) -> None:
    assert check(site, "-a", "no.such")[0] == 1
    code, said = site.run("worker")
    assert (code, "Missing option '-a' / '--app' (or BUOY_APP, or app in" in said) == (2, True)
