"""Programs that only enqueue and look run on any system, and with any Python."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from buoy import App
from buoy.embedded.server import Server
from tests.support.processes import ROOT

PRODUCER = """
import tests.support.no_unix
import asyncio
import buoy
import buoy_aftercommit, buoy_loner, buoy_mailer, buoy_otel, buoy_retry, buoy_scheduler
import buoy_sentry, buoy_status


class Order(buoy.Job):
    name = "shop.Order"
    plugins = [buoy_loner.Loner(), buoy_retry.Retry(), buoy_status.Status()]

    def perform(self, number, text="ü"): ...


first = Order.enqueue(1)
second = asyncio.run(Order.aenqueue(2))
try:
    Order.enqueue(1)
except buoy.ClaimHeld as error:
    assert error.holder == first.id
app = buoy.Job.app
Order.using(delay=5).enqueue_many([(n,) for n in range(3, 6)])
[queue] = app.monitor.queues()
print(queue.queued, queue.delayed, first.identifier)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(port=True) as server:
        yield server


def run(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"BUOY_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def command(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    code = f"import tests.support.no_unix; from buoy.cli import main; main({list(words)})"
    return run(url, "-c", code)


def test_a_program_enqueues_and_looks(server: Server) -> None:
    App(server.url).command("FLUSHALL")  # other tests may have enqueued something
    ended = run(server.url, "-c", PRODUCER)

    assert ended.stderr == ""
    there = ended.stdout.split()
    here = run(server.url, "-c", PRODUCER.replace("import tests.support.no_unix\n", ""))
    assert there[:2] == ["2", "3"]
    assert there[2] == here.stdout.split()[2], here.stderr


def test_a_queue_that_is_called_worker_is_a_word_like_others(server: Server) -> None:
    words = ["buoy", "queues", "peek", "worker"]
    start = f"import sys, tests.support.no_unix; sys.argv[:] = {words}; import buoy; print('there')"

    ended = run(server.url, "-c", start)

    assert (ended.stdout, ended.stderr) == ("there\n", "")


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "queues",
        "workers",
        "workers stop --help",
        "failed",
        "doctor",
        "enqueue tests.Nothing [1] --queue mail",
        "job x --help",
        "loner list",
        "retry list",
        "delayed list",
        "schedule list",
        "mail --help",
    ],
)
def test_commands_look_after_jobs(server: Server, words: str) -> None:
    ended = command(server.url, *words.split())

    assert "Traceback" not in ended.stderr
    assert ended.stdout or ended.stderr


@pytest.mark.parametrize(
    "words", ["worker -a tests.system.apps.jobs -q x", "scheduler -a tests.system.apps.jobs"]
)
def test_what_runs_jobs_says_what_it_needs(server: Server, words: str) -> None:
    ended = command(server.url, *words.split())

    name = words.split(maxsplit=1)[0]
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: -c {name}: expected a Unix system (Linux, macOS), got win32; this system can "
        "enqueue and manage jobs, but not run them\n"
    )


def test_a_server_of_its_own_is_not_to_be_had() -> None:
    ended = command("embedded://./data", "queues")

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: embedded://")
    assert ended.stderr.endswith(
        "expected a system with Unix's file locks, got win32. Name a Redis server in BUOY_URL: "
        "redis://HOST\n"
    )
