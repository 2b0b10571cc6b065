"""The demo, as its users see it: what it says, how it ends, and that it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support.processes import MARK, WITHIN, command_of, environ_of, pids, wait_until

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "examples" / "demo.py")
SETTINGS = ("BUOY_", "SHOP_", "NO_COLOR", "CI", "TERM", "COLUMNS", "LINES")

INTERRUPTED = "demo: interrupted; all processes that it started have ended\n"
GOOD_END = "\nNothing was lost, and nothing was charged or mailed twice.\n\n"
WEB_HINT = "The dashboard shows all of it: make demo ARGS=--web\n"

# Makes its standard input the terminal of its session, as a terminal window does.
IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by /proc")


class Show:
    """A demo that runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = uuid4().hex
        self.errors = folder / "errors"
        self.temporary = folder / "tmp"
        self.seen = b""

    def start(self, *options: str, **environ: str) -> None:
        self.source, stdout = os.pipe()
        self.launch([sys.executable, DEMO, *options], stdout=stdout, environ=environ)
        os.close(stdout)

    def start_in_terminal(self, **environ: str) -> None:
        self.source, terminal = os.openpty()
        termios.tcsetwinsize(terminal, (30, 100))
        command = [sys.executable, "-c", IN_TERMINAL, sys.executable, DEMO]
        environ = {"TERM": "xterm", **environ}
        self.launch(command, stdin=terminal, stdout=terminal, environ=environ)
        os.close(terminal)

    def launch(
        self, command: list[str], stdout: int, environ: dict[str, str], stdin: int | None = None
    ) -> None:
        os.set_blocking(self.source, False)
        clean = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
        self.temporary.mkdir()
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=stdout,
                stderr=errors,
                env=clean | {MARK: self.mark, "TMPDIR": str(self.temporary)} | environ,
                cwd=self.folder,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """All that was printed so far."""
        with suppress(OSError):  # nothing for now, or the terminal is gone
            while data := os.read(self.source, 1 << 16):
                self.seen += data
        return self.seen.decode().replace("\r\n", "\n")

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output or self.has_ended(), WITHIN, what=self.told)
        assert text in self.output, self.told()

    def processes(self) -> list[int]:
        return [pid for pid in pids() if self.mark.encode() in environ_of(pid)]

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait for the end of the demo and of all that it started; returns the exit code."""
        wait_until(self.has_ended, WITHIN, what=lambda: f"an end:\n{self.told()}")
        wait_until(lambda: not self.processes(), what=self.left)
        return self.process.returncode

    def has_ended(self) -> bool:
        assert self.output is not None  # a full pipe would hold it up
        return self.process.poll() is not None

    def stop_reading(self) -> None:
        with suppress(OSError):
            os.close(self.source)
        self.source = -1

    def left(self) -> str:
        return "\n".join(f"left: {pid} {command_of(pid)}" for pid in self.processes())

    def told(self) -> str:
        return f"{self.output}\n-- errors\n{self.errors.read_text()}"

    def close(self) -> None:
        left = self.processes()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.stop_reading()


@pytest.fixture
def show() -> Iterator[Show]:
    # A short path, so that all that it leaves behind is in this folder, sockets too.
    with tempfile.TemporaryDirectory() as folder:
        show = Show(Path(folder))
        yield show
        show.close()


def numbers(output: str) -> dict[str, float]:
    """The summary."""
    lines = re.findall(r"^(\w[\w ]*?) +([\d.]+)  \S", output, re.MULTILINE)
    return {name: float(number) for name, number in lines}


def check_summary(output: str) -> None:
    found = numbers(output)
    assert list(found) == [
        *("orders", "mailed", "charged", "packed", "jobs done", "runs"),
        *("retried", "failed", "replayed", "repeated", "reports", "seconds"),
    ]
    assert found["orders"] == found["mailed"] == found["charged"] == found["packed"] == 54
    assert found["jobs done"] == 162
    ends = ("jobs done", "retried", "failed", "repeated")
    assert found["runs"] == sum(found[end] for end in ends)
    assert found["retried"] >= 25
    assert found["failed"] == found["replayed"] > 2
    assert found["repeated"] >= 1
    assert found["reports"] >= 2
    assert found["seconds"] > 0
    assert output.endswith(GOOD_END + WEB_HINT)


def test_plain_lines_where_there_is_no_terminal(show: Show) -> None:
    show.start()

    assert show.end() == 0, show.told()
    assert show.errors.read_text() == ""
    assert "\x1b" not in show.output
    check_summary(show.output)
    lines = show.output.splitlines()
    # The worker that is killed may have charged a purchase without a line of it.
    assert sum(" EUR from " in line for line in lines) >= 50
    assert sum(" papers for " in line for line in lines) >= 50
    assert sum("451, b'busy" in line for line in lines) == 20
    assert sum(" failed: HTTPError: " in line for line in lines) >= 9
    for told in ("6 more are rolled back: ", " customers click twice: ", "the web tells "):
        assert told in show.output
    assert list(show.temporary.iterdir()) == []


def test_the_dashboard_shows_the_shop_until_it_is_ended(show: Show) -> None:
    show.start("--web")
    show.wait_for("the dashboard is at ")
    show.wait_for(" until Ctrl-C.\n")
    assert GOOD_END in show.output
    [address] = set(re.findall(r"http://\S+/", show.output))

    assert "shop.jobs.ChargePurchase" in httpx.get(f"{address}classes", timeout=60).text

    def one_is_gone() -> bool:  # and no other one is late with its heartbeat
        workers = httpx.get(f"{address}api/workers", timeout=60).json()["workers"]
        return sorted(worker["gone"] for worker in workers) == [False, False, True]

    wait_until(one_is_gone, what=show.told)
    show.interrupt()

    assert show.end() == 0, show.told()
    assert show.errors.read_text() == ""
    assert list(show.temporary.iterdir()) == []


def test_a_display_on_a_terminal(show: Show) -> None:
    show.start_in_terminal()

    assert show.end() == 0, show.told()
    assert "█" in show.output
    stays = "\n".join(on_screen(show.output))
    assert "█" not in stays
    assert " papers for " not in stays
    assert "is killed by kill -9 while it runs " in stays
    check_summary(stays)


def on_screen(output: str) -> list[str]:
    """What stays when a terminal has heeded the two movements that the demo uses."""
    lines, row = [""], 0
    for number, movement, text in re.findall(r"\x1b\[(\d*)(\w)|([^\x1b]+)", output):
        if movement == "A":
            row -= int(number)
        elif movement == "J":
            lines[row:] = [""]
        for character in text.replace("\r", ""):
            if character == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            else:
                lines[row] += character
    return lines


@pytest.mark.parametrize("name", ["NO_COLOR", "CI", "TERM"])
def test_plain_lines_where_they_are_wanted(show: Show, name: str) -> None:
    show.start_in_terminal(**{name: "dumb" if name == "TERM" else "1"})
    show.wait_for(" EUR from ")
    show.interrupt()
    show.end()

    assert "\x1b" not in show.output


MOMENTS: dict[str, Callable[[Show], object]] = {
    "server": lambda show: wait_until(lambda: len(show.processes()) > 1),
    "workers": lambda show: show.wait_for("slots each"),
    "scheduler": lambda show: show.wait_for("a report every"),
    "busy": lambda show: show.wait_for(" EUR from "),
    "replaced": lambda show: show.wait_for("takes its place"),
    "retried": lambda show: show.wait_for("buoy failed retry --all"),
}
"""Moments between which the processes that run are others."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_at_any_moment_leaves_nothing(show: Show, moment: str) -> None:
    show.start()
    MOMENTS[moment](show)

    show.interrupt()

    assert show.end() == 130, show.told()
    assert show.errors.read_text() == INTERRUPTED
    assert list(show.temporary.iterdir()) == []


@pytest.mark.parametrize("moment", ["server", "busy"])
def test_ctrl_c_again_and_again_is_as_good_as_once(show: Show, moment: str) -> None:
    show.start()
    MOMENTS[moment](show)

    show.interrupt()
    while len(show.processes()) > 1:
        show.interrupt()

    assert show.end() == 130, show.told()
    assert show.errors.read_text() == INTERRUPTED


def test_ctrl_c_while_python_starts(show: Show) -> None:
    show.start()

    show.interrupt()

    code = show.end()
    assert code != 0
    assert show.output == "" or code == 130, show.told()  # it may have been faster than this test


def test_ctrl_c_in_a_terminal(show: Show) -> None:
    show.start_in_terminal()
    show.wait_for("█")

    os.write(show.source, b"\x03")

    assert show.end() == 130, show.told()
    assert "█" not in "\n".join(on_screen(show.output))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_in_order_too(show: Show, number: signal.Signals) -> None:
    show.start()
    show.wait_for(" EUR from ")

    show.process.send_signal(number)

    assert show.end() == 130, show.told()
    assert show.errors.read_text() == INTERRUPTED


@pytest.mark.parametrize("moment", ["server", "busy"])
def test_kill_9_leaves_no_process(show: Show, moment: str) -> None:
    show.start()
    MOMENTS[moment](show)

    show.process.kill()

    assert show.end() == -signal.SIGKILL


def test_a_reader_that_leaves_ends_it(show: Show) -> None:
    show.start()
    show.wait_for("slots each")

    show.stop_reading()

    assert show.end() == 1
    assert show.errors.read_text() == ""


def test_a_worker_that_dies_unasked_ends_it(show: Show) -> None:
    show.start()
    show.wait_for(" EUR from ")
    [(_, second)] = re.findall(r"workers (\d+) and (\d+) start", show.output)

    os.kill(int(second), signal.SIGKILL)

    assert show.end() == 1
    expected = "demo: a worker has ended unexpectedly. The workers' log ends with:"
    assert show.errors.read_text().startswith(expected)


def test_a_server_that_cannot_be_had_is_told(show: Show) -> None:
    show.start(BUOY_REDIS_SERVER="/no/such/server")

    assert show.end() == 1
    assert show.output == ""
    assert show.errors.read_text() == (
        "demo: BUOY_REDIS_SERVER: expected an executable file or a command on PATH, "
        "got '/no/such/server'. Correct it, or unset it to have a server looked for.\n"
    )
