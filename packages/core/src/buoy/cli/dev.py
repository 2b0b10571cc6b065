"""``buoy dev``."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from ..process.logs import configure
from ..settings import FALLBACKS, text_setting, variable_of
from ..text.urls import masked
from .options import app_option, log_format_option, quiet_option, require_unix, verbose_option
from .program import program
from .table import CYAN, GREEN, YELLOW, Style, styled
from .terminal import has_colors
from .worker import concurrency_option, executor_option, queues_option

if TYPE_CHECKING:
    from ..worker.reloader import Program

COMPANIONS = ("scheduler", "web")
"""Commands of plugins that run beside the worker, where they are installed."""
WITHOUT_LEVELS = {"web"}
"""Those that have no -v and --quiet."""
FOLDER = ".buoy"
"""Where the private server keeps its data."""
STYLES: list[Style] = [GREEN, CYAN, YELLOW]
DRAIN_SECONDS = 1.0
"""Seconds to wait for the last lines of a program that has ended, which its children may hold."""


@click.command()
@app_option(required=True)
@queues_option
@executor_option
@concurrency_option
@verbose_option
@quiet_option
@log_format_option
def dev(
    app: list[str],
    queues: str,
    executor: str,
    concurrency: int | None,
    verbose: bool,
    quiet: bool,
) -> None:
    """Develop: run a worker and, if installed, the scheduler and the dashboard.

    They start again when a .py file changes. Without a URL in the settings they share a private
    server, which keeps its data in .buoy. One Ctrl-C ends all; running jobs end first.
    """
    require_unix()
    from ..worker.reloader import Program, Reloader

    configure(verbose - quiet)
    given = {"app": ",".join(app), "queues": queues, "executor": executor}
    given |= {"concurrency": str(concurrency or "")}
    os.environ.update({variable_of(name): value for name, value in given.items() if value})
    root = click.get_current_context().find_root()
    installed = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    names = ["worker", *(name for name in COMPANIONS if name in installed)]
    lines = Lines(["dev", *names])
    lines.write("dev", f"{', '.join(names)} with {choose_server()}")
    level = ["-v"] * verbose + ["--quiet"] * quiet
    programs = [
        Program(
            name,
            [*program().command, name, *([] if name in WITHOUT_LEVELS else level)],
            {"PYTHONUNBUFFERED": "1", "BUOY_PARENT": str(os.getpid())},
        )
        for name in names
    ]
    code = Reloader(programs, lines.start, lambda text: lines.write("dev", text)).run()
    lines.drain()
    raise SystemExit(code)


def choose_server() -> str:
    """Start a private server if no setting has a URL. Returns how it is called.

    Raises BrokerError if it cannot be started.
    """
    from ..jobs.job import Job

    url = text_setting("url") or os.environ.get(FALLBACKS["url"])
    if url:
        return f"Redis at {masked(url)}"
    folder = Path(FOLDER).absolute()
    with suppress(OSError):  # the server tells what is wrong with the folder
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    os.environ["BUOY_URL"] = f"embedded://{folder}"
    Job.app.broker.client.call("PING")
    return f"a private server; other programs join it by BUOY_URL=embedded://{folder}"


class Lines:
    """Prints the output of several programs, each line behind the name of its program."""

    def __init__(self, names: list[str]) -> None:
        self.colored = has_colors(sys.stdout)
        self.lock = threading.Lock()
        self.readers: list[threading.Thread] = []
        longest = max(map(len, names))
        self.prefixes = {
            name: styled(f"{name:{longest}} | ", STYLES[number % len(STYLES)] if number else {})
            for number, name in enumerate(names)
        }

    def write(self, name: str, line: str) -> None:
        """Print one line of a program."""
        with self.lock, suppress(OSError):  # the terminal is gone
            click.echo(self.prefixes[name] + line, color=self.colored)

    def start(self, program: "Program") -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own: a Ctrl-C in the terminal reaches it only
        through this process."""
        process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **program.environment},
            process_group=0,
        )
        reader = threading.Thread(
            target=self.relay, args=(program.name, process.stdout), daemon=True
        )
        reader.start()
        self.readers.append(reader)
        return process

    def relay(self, name: str, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self.write(name, line.decode(errors="replace").rstrip("\r\n"))

    def drain(self) -> None:
        """Wait for the last lines."""
        for reader in self.readers:
            reader.join(DRAIN_SECONDS)
