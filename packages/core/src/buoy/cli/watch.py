"""``--watch``: shows a listing again and again, in place."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import wraps
from io import StringIO
from typing import Any, NoReturn, TextIO

import click

from ..errors import BuoyError
from .cells import cut_end, first_columns, width
from .output import CHANGES, print_line
from .params import SECONDS
from .table import RED, Changes
from .terminal import has_colors, is_terminal

INTERVAL = 2.0
LEAST_INTERVAL = 0.1
OTHER_SCREEN, FIRST_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""Show another screen without a cursor, and the first one as it was."""
HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


class Frame(StringIO):
    """Catches what a listing prints, as if it were the terminal."""

    def isatty(self) -> bool:
        return True


def watch_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option ``--watch`` to a listing."""

    @wraps(command)
    def watched(*args: Any, watch: float | None, **options: Any) -> Any:
        context = click.get_current_context()
        if watch is None:
            return command(*args, **options)
        require_terminal(options)
        return repeat(context, lambda: command(*args, **options), max(watch, LEAST_INTERVAL))

    return click.option(
        "--watch",
        type=SECONDS,
        is_flag=False,
        flag_value=str(INTERVAL),
        metavar="[SECONDS]",
        help="Show the list again and again, every 2 seconds or as often as you say, and mark what "
        "has changed, until Ctrl-C.",
    )(watched)


def require_terminal(options: dict[str, Any]) -> None:
    """Raise UsageError if the output cannot be shown in place."""
    if options.get("as_json"):
        raise click.UsageError("expected --watch or --json, got both")
    if not is_terminal(sys.stdout):
        raise click.UsageError(
            "--watch: expected a terminal, but the output is none; without --watch, the list is "
            "printed once"
        )
    if os.environ.get("TERM") == "dumb":
        raise click.UsageError("--watch: expected a terminal that can be redrawn, got TERM=dumb")


def repeat(context: click.Context, listing: Callable[[], Any], interval: float) -> None:
    """Show a listing every ``interval`` seconds until Ctrl-C."""
    context.color = has_colors(sys.stdout)
    changes = context.meta[CHANGES] = Changes()
    title = f"every {interval:g} s: {context.command_path}, Ctrl-C ends"
    terminal = sys.stdout
    with other_screen(terminal):
        while True:
            terminal.write(frame(title, printed(listing)))
            terminal.flush()
            changes.next_time()
            time.sleep(interval)


def printed(listing: Callable[[], Any]) -> str:
    """Returns what a listing prints. Errors of Redis are part of it: the next may be better."""
    caught = Frame()
    with redirect_stdout(caught), redirect_stderr(caught):
        try:
            listing()
        except (BuoyError, click.ClickException) as error:
            print_line(str(error), style=RED)
        except SystemExit:
            pass  # it tells programs that something is missing; people have read it
    return caught.getvalue()


def frame(title: str, text: str) -> str:
    """Returns what replaces the last frame; it has no more lines than the terminal."""
    columns, height = shutil.get_terminal_size()
    lines = [cut_end(f"{title}  {time.strftime('%H:%M:%S')}", columns), ""]
    for line in text.splitlines():
        lines += folded(line, columns)
    if len(lines) > height:
        hidden = len(lines) - height + 1
        lines[height - 1 :] = [cut_end(f"… {hidden} more lines", columns)]
    lines = [f"{line}{REST_OF_LINE}" for line in lines]
    return HOME + "\n".join(lines) + REST_OF_SCREEN


def folded(line: str, columns: int) -> Iterator[str]:
    """Returns a line in pieces that fit. Tables fit already; other lines lose their style."""
    rest = click.unstyle(line)
    if width(rest) <= columns:
        yield line
        return
    while piece := first_columns(rest, columns):
        yield piece
        rest = rest[len(piece) :]


@contextmanager
def other_screen(terminal: TextIO) -> Iterator[None]:
    """Within the block another screen is shown; Ctrl-C and TERM end the block."""

    def end(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    terminal.write(OTHER_SCREEN)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        terminal.write(FIRST_SCREEN)
        terminal.flush()
        signal.signal(signal.SIGTERM, before)
