"""A private PostgreSQL for a test, where one is installed."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.support.processes import wait_until

OWNER = "postgres" if os.geteuid() == 0 else None
"""The user that runs the server, which refuses to run as root."""
OPTIONS = ("-c", "listen_addresses=", "-c", "fsync=off")


def programs() -> Path | None:
    """Returns the folder of the programs of PostgreSQL; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))  # Debian has none on PATH
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Postgres:
    """A server that runs. ``folder`` has its socket."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def query(self, text: str) -> list[Any]:
        """Send one command, and return the rows."""
        with psycopg.connect(host=self.folder, user="postgres", autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def is_up(self) -> bool:
        try:
            return self.query("select 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def connections(self) -> int:
        """Returns how many connections others have."""
        [[count]] = self.query(f"select count(*) {OTHERS}")
        return int(count)

    def wait_for_connections(self, count: int) -> None:
        """Wait until others have so many: one that has just been closed is seen for a moment."""
        wait_until(lambda: self.connections() == count, what=f"connections: {count}")

    def end_connections(self) -> None:
        """End all connections of others; returns when they have ended."""
        self.query(f"select pg_terminate_backend(pid) {OTHERS}")
        self.wait_for_connections(0)


OTHERS = "from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"


@contextmanager
def started(programs: Path) -> Iterator[Postgres]:
    """A server with nothing in it, in a folder that its user may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        if OWNER:
            shutil.chown(folder, OWNER)
        data = f"{folder}/data"
        words = ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
        as_owner: dict[str, Any] = {"user": OWNER, "cwd": folder}
        subprocess.run([programs / "initdb", *words], check=True, capture_output=True, **as_owner)
        command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *OPTIONS]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **as_owner) as server:
            try:
                postgres = Postgres(folder)
                wait_until(postgres.is_up, what="an answer of PostgreSQL")
                yield postgres
            finally:
                server.send_signal(signal.SIGINT)  # ends its connections, too
