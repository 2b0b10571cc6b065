"""A user of Redis with just the rights that the documentation lists can do all that buoy does."""

import re
import shlex
import signal
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from buoy import App, Job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy.operations.doctor import examine
from buoy_status import cancel, status, wait_for
from tests.docs.blocks import Page
from tests.support.processes import Site, wait_until
from tests.together.test_commands import ACTING, READING, TREE, VALUES

from .apps.jobs import Note, Wait
from .apps.scheduled import Chime
from .apps.statuses import Work
from .apps.together import Pay

EXECUTORS = ["fork", "inline", "thread", "async"]


@pytest.fixture
def url(server: Server, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address with such a user; nothing that it asked for was refused."""
    [line] = re.findall(
        r"^ACL SETUSER .*?(?=\n```)", Page("docs/redis.md").text(), re.MULTILINE | re.DOTALL
    )
    site.app.command(*shlex.split(line.replace("\\\n", " ")))
    site.app.command("ACL", "LOG", "RESET")
    url = server.url.replace("redis://", "redis://shop:PASSWORD@")
    monkeypatch.setattr(Job, "app", App(url, lease=1.0))
    yield url
    assert [
        dict(zip(each[::2], each[1::2], strict=True)) for each in site.app.command("ACL", "LOG")
    ] == []


def buoy(*words: str, code: int | None = 0) -> str:
    result = CliRunner().invoke(main, words, env={"BUOY_MAIL_URL": "memory://"})
    assert code is None or result.exit_code == code, result.output
    assert "NOPERM" not in result.output
    return result.output


@pytest.mark.parametrize("executor", EXECUTORS)
def test_workers_have_what_they_need(site: Site, url: str, executor: str) -> None:
    site.lease = 3.0  # a worker that misses heartbeats for a lease would not be told anything
    worker = site.worker("--executor", executor, "-c", "1", url=url, queues="*", app="statuses")
    handle = Work.enqueue("first", "gate")
    site.note("began", "first")
    Work.using(delay=0.3).enqueue("second", "gate")
    [view] = Job.app.monitor.workers()
    for word in ("quiet", "resume", "stop"):
        assert buoy("workers", word, view.id) == f"{view.id}: {word}\n"
    site.open("gate")
    worker.wait()
    assert wait_for(handle, timeout=120).result == "first"  # type: ignore[union-attr]


def test_producers_and_plugins_have_what_they_need(site: Site, url: str) -> None:
    Note.enqueue_many([("a",), ("b",)])
    one = Note.using(delay=60).enqueue("c")
    two = Note.using(delay=60).enqueue("d")
    Job.app.reschedule(one.id)
    assert Job.app.cancel(two.id) == "delayed"
    assert Job.app.dequeue(Note, "a")
    Pay.enqueue()
    assert Pay.enqueue().state == "exists"
    watched = Work.enqueue("x", "gate")
    assert status(watched)
    assert cancel(watched.id)
    Job.app.move("default", "other")
    examine(Job.app)


def test_a_scheduler_has_what_it_needs(site: Site, url: str) -> None:
    log = site.folder / "scheduler.log"
    with log.open("wb") as file:
        process = site.start(["scheduler", "-a", "tests.system.apps.scheduled"], file, url)
    wait_until(lambda: site.app.monitor.peek(Chime.queue), what=log.read_text)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


def test_commands_have_what_they_need(site: Site, url: str) -> None:
    site.app.command("ZADD", "buoy:workers", 1, "gone")
    buoy("workers", "forget", "gone")
    pausing = [["queues", word, "mail"] for word in ("pause", "resume")]
    for words in [*(words for words, _, _ in ACTING), *pausing]:
        for queue in ("mail", "good"):
            Wait.using(queue=queue).enqueue("a", "gate")
            Wait.using(queue=queue, delay=60).enqueue("b", "gate")
        buoy(*words, code=None)  # some name jobs that are not there: they have looked for them
    for path in READING:
        given = [VALUES[str(p.name)] for p in TREE[path].params if p.param_type_name == "argument"]
        buoy(*path, *given, code=None)
    buoy("schedule", "pause", "Chime", "-a", "tests.system.apps.scheduled", code=None)
    buoy("loner", "release", "loner:x", code=1)
    buoy("mail", "failures", "--to", "ops@example.com", "--since-last")
