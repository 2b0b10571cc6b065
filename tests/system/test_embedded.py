"""`embedded://DIR`: one server for real processes, however they come and go."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select

import pytest

from buoy.embedded.server import Server, find_server
from tests.support.processes import WITHIN, Site, alive, command_of, pids, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")

# A user: sends the commands that it reads, a line each, and prints the replies.
USER = """
import os, subprocess, sys, threading, time
from buoy import App
app = App(sys.argv[1])
for line in sys.stdin:
    match line.split():
        case ["fork", *words]:
            if words:
                joining = threading.Thread(target=app.command, args=["PING"])
                joining.start()
                while joining.is_alive() and not os.path.exists(words[0]):
                    time.sleep(0.001)
            child = os.fork()
            if child == 0:
                time.sleep(600)
                os._exit(0)
            print(child, flush=True)
        case ["exec"]:
            print(subprocess.Popen(["sleep", "600"], close_fds=False).pid, flush=True)
        case ["reconnect", *words]:
            app.broker.client.close()
            print(app.command(*words), flush=True)
        case words:
            print(app.command(*words), flush=True)
"""

# Users that come all at once: they wait for the end of the input, and again before they end.
CROWD = """
import os, sys
from buoy import App
App("unix:///nowhere").broker  # what takes long is loaded
begin, end = os.pipe(), os.pipe()
for _ in range(8):
    if os.fork() == 0:
        os.close(begin[1]), os.close(end[1])
        os.read(begin[0], 1)
        reply = App(sys.argv[1]).command("INCR", "n")
        os.write(1, b"%d\\n" % reply)
        os.read(end[0], 1)
        os._exit(0)
os.close(begin[1])
sys.stdin.read()
"""

# Users that come when the one before them goes, in two rows.
ROWS = """
import os, sys, time
from buoy import App
App("unix:///nowhere").broker
for row in range(2):
    if os.fork() == 0:
        for round in range(5):
            child = os.fork()
            if child == 0:
                App(sys.argv[1]).command("INCR", "n")
                os._exit(0)
            if os.waitpid(child, 0)[1] != 0:
                os._exit(1)
            time.sleep(round * (0.01 + 0.003 * row))
        os._exit(0)
sys.exit(any([os.wait()[1] for row in range(2)]))
"""


class User(subprocess.Popen[bytes]):
    """A process that has joined."""

    def __init__(self, url: str, script: str = USER, cwd: Path | None = None) -> None:
        super().__init__(
            [sys.executable, "-c", script, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd=cwd,
        )

    def say(self, words: str) -> str:
        self.tell(words)
        return self.hear()

    def tell(self, words: str) -> None:
        assert self.stdin
        self.stdin.write(words.encode() + b"\n")

    def hear(self) -> str:
        assert self.stdout
        assert select([self.stdout], [], [], WITHIN)[0], "it says nothing"
        return self.stdout.readline().decode().strip()

    def leave(self) -> None:
        with suppress(BrokenPipeError):
            self.communicate()

    def shoot(self) -> None:
        self.kill()
        self.communicate()


class Folder:
    """A folder with a server, and the processes that live in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"embedded://{path}"
        self.users: list[User] = []

    def user(self, script: str = USER, url: str = "", cwd: Path | None = None) -> User:
        self.users.append(User(url or self.url, script, cwd))
        return self.users[-1]

    @property
    def inhabitants(self) -> list[int]:
        return [pid for pid in pids() if cwd_of(pid) == str(self.path) and alive(pid)]

    @property
    def caretakers(self) -> list[int]:
        return [pid for pid in self.inhabitants if "buoy.embedded.caretaker" in command_of(pid)]

    @property
    def servers(self) -> list[int]:
        words = ("buoy.embedded.caretaker", "/bin/sh")
        return [
            pid for pid in self.inhabitants if not any(word in command_of(pid) for word in words)
        ]

    def kill(self, whom: str) -> None:
        """Kill servers or caretakers; the other one does not outlive it."""
        for pid in getattr(self, whom):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.inhabitants, what=self.told)

    def is_left(self) -> bool:
        return not self.inhabitants and not os.path.lexists(self.path / "redis.sock")

    def wait_until_left(self) -> None:
        wait_until(self.is_left, what=self.told)

    def told(self) -> str:
        return "an empty folder: " + "; ".join(map(command_of, self.inhabitants))

    def close(self) -> None:
        for user in self.users:
            user.shoot()
        try:
            wait_until(self.is_left, what=self.told)
        finally:
            for pid in self.inhabitants:
                os.kill(pid, signal.SIGKILL)


def slow_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Servers that take their time from now on; the file has a line for each that was started."""
    starts, slow = tmp_path / "starts", tmp_path / "slow-server"
    slow.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = --version ] || {{ echo started >>{starts}; sleep 0.3; }}\n'
        f'exec {find_server()} "$@"\n'
    )
    slow.chmod(0o700)
    monkeypatch.setenv("BUOY_REDIS_SERVER", str(slow))
    return starts


def is_open(pid: int, path: Path) -> bool:
    return any(target_of(file) == str(path) for file in Path(f"/proc/{pid}/fd").iterdir())


def target_of(link: Path) -> str:
    with suppress(OSError):  # a file may be closed while one looks
        return str(link.readlink())
    return ""


def cwd_of(pid: int) -> str:
    return target_of(Path(f"/proc/{pid}/cwd"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "data")
    yield folder
    folder.close()


class TestCome:
    def test_eight_at_once_get_one_server(self, folder: Folder) -> None:
        crowd = folder.user(CROWD)

        assert sorted(crowd.hear() for _ in range(8)) == [str(n) for n in range(1, 9)]
        assert len(folder.servers) == len(folder.caretakers) == 1

    def test_one_folder_has_many_names(self, folder: Folder) -> None:
        first = folder.user()
        second = folder.user(url="embedded://./data", cwd=folder.path.parent)

        assert first.say("SET key value") == "b'OK'"
        assert second.say("GET key") == "b'value'"

    def test_a_starter_that_dies_amid_the_start_leaves_it_to_others(
        self, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        starts = slow_server(tmp_path, monkeypatch)
        starter, other = folder.user(), folder.user()
        starter.tell("PING")
        wait_until(starts.exists)
        # It becomes a user at once, and waits for the server.
        other.tell("PING")
        wait_until(lambda: is_open(other.pid, folder.path / "users.lock"))

        starter.shoot()

        assert other.hear() == "b'PONG'"
        assert len(starts.read_text().split()) == len(folder.servers) == 1

    def test_a_child_that_is_forked_amid_the_start_does_not_prevent_the_next(
        self, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        starts = slow_server(tmp_path, monkeypatch)
        user = folder.user()
        child = int(user.say(f"fork {starts}"))
        try:
            folder.kill("servers")

            assert user.say("PING") == "b'PONG'"
        finally:
            os.kill(child, signal.SIGKILL)


class TestGo:
    def test_data_outlives_its_users(self, folder: Folder) -> None:
        first = folder.user()
        assert first.say("SET key value") == "b'OK'"

        first.leave()
        folder.wait_until_left()

        assert folder.user().say("GET key") == "b'value'"

    def test_nothing_is_left_of_killed_users(self, folder: Folder) -> None:
        users = [folder.user(), folder.user()]
        for user in users:
            user.say("PING")

        for user in users:
            user.shoot()

        folder.wait_until_left()

    def test_others_keep_the_server_of_a_killed_starter(self, folder: Folder) -> None:
        starter, other = folder.user(), folder.user()
        starter.say("PING")
        other.say("PING")
        before = folder.servers

        starter.shoot()

        assert folder.user().say("PING") == other.say("reconnect PING") == "b'PONG'"
        assert folder.servers == before

    def test_a_long_path_leaves_nothing_elsewhere(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / ("a" * 150))
        user = folder.user()
        user.say("PING")
        socket = (folder.path / "redis.sock").readlink()
        assert socket.exists()

        user.shoot()
        folder.wait_until_left()

        assert not socket.parent.exists()

    def test_forked_children_are_users_and_programs_are_not(self, folder: Folder) -> None:
        user = folder.user()
        user.say("PING")
        child, program = int(user.say("fork")), int(user.say("exec"))
        try:
            user.kill()
            user.wait()
            assert folder.user().say("PING") == "b'PONG'"
            folder.users.pop().shoot()
            assert len(folder.servers) == 1

            os.kill(child, signal.SIGKILL)

            folder.wait_until_left()
            assert alive(program)
        finally:
            for pid in (child, program):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def test_a_user_may_come_while_the_last_one_leaves(self, folder: Folder) -> None:
        rows = folder.user(ROWS)
        assert rows.wait(WITHIN) == 0

        assert folder.user().say("GET n") == "b'10'"


class TestMishap:
    @pytest.mark.parametrize("victim", ["servers", "caretakers"])
    def test_the_next_user_starts_a_killed_server_again(self, folder: Folder, victim: str) -> None:
        first = folder.user()
        first.say("SET key value")
        before = folder.servers

        folder.kill(victim)

        assert folder.user().say("GET key") == "b'value'"
        assert first.say("reconnect GET key") == "b'value'"
        assert len(folder.servers) == 1
        assert folder.servers != before

    def test_a_user_brings_a_killed_server_back(self, folder: Folder) -> None:
        user = folder.user()
        user.say("SET key value")

        folder.kill("servers")

        assert user.say("GET key") == "b'value'"

    def test_a_caretaker_that_is_told_to_end_takes_the_server_along(self, folder: Folder) -> None:
        user = folder.user()
        user.say("SET key value")

        [caretaker] = folder.caretakers
        os.kill(caretaker, signal.SIGTERM)
        folder.wait_until_left()

        assert user.say("GET key") == "b'value'"


class EmbeddedServer(Server):
    """Nobody starts it here: who comes does."""

    @property
    def url(self) -> str:
        return f"embedded://{self.folder}"


class TestWorker:
    @pytest.fixture
    def site(self, folder: Folder, make_site: Callable[..., Site]) -> Site:
        return make_site(EmbeddedServer(folder.path))

    def test_a_worker_on_an_embedded_server_runs_what_others_enqueue(
        self, site: Site, folder: Folder
    ) -> None:
        code, output = site.run("enqueue", "tests.system.apps.jobs.Note", '["early"]', *TO)
        assert code == 0, output
        folder.wait_until_left()

        worker = site.worker(queues="default,urgent")
        site.note("ran", "early")
        for name in ("EnqueueUrgent", "Note"):
            assert site.run("enqueue", f"tests.system.apps.jobs.{name}", f'["{name}"]', *TO)[0] == 0
        site.note("ran", "EnqueueUrgent")
        site.note("ran", "Note")
        site.note("ran", "urgent by EnqueueUrgent")
        code, output = site.run("queues", "list", "--json")
        assert {row["name"] for row in json.loads(output)} == {"default", "urgent"}

        worker.stop()
        folder.wait_until_left()

    def test_a_worker_goes_on_when_its_embedded_server_was_killed(
        self, site: Site, folder: Folder
    ) -> None:
        site.worker()
        assert site.run("enqueue", "tests.system.apps.jobs.Note", '["one"]', *TO)[0] == 0
        site.note("ran", "one")

        for pid in folder.servers:
            os.kill(pid, signal.SIGKILL)

        assert site.run("enqueue", "tests.system.apps.jobs.Note", '["two"]', *TO)[0] == 0
        site.note("ran", "two")

    def test_nothing_is_left_of_a_killed_worker(self, site: Site, folder: Folder) -> None:
        worker = site.worker()
        assert site.run("enqueue", "tests.system.apps.jobs.Wait", '["slow", "gate"]', *TO)[0] == 0
        site.note("began", "slow")

        worker.kill()

        folder.wait_until_left()

    def test_an_older_server_is_told_in_words(self, site: Site, folder: Folder) -> None:
        folder.path.mkdir()
        (folder.path / "server.json").write_text('{"server": "valkey", "major": 99, "minor": 0}')

        worker = site.worker()

        assert worker.wait() == 1
        assert re.search(
            r"^Error: embedded://\S+: expected a server that reads the data of valkey 99\.0, got ",
            worker.log,
            re.MULTILINE,
        )


TO = ("--queue", "default")
