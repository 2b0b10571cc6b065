"""Commands on many jobs: their filters as one value, and the options --all and --dry-run."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import Any

import click

from .options import require_queue
from .output import Row, exit_unless, print_line, print_rows
from .params import TEXT

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

PREVIEWED = 10
"""How many jobs --dry-run lists."""

ids_argument = click.argument("ids", nargs=-1, type=TEXT)


def filter_options(make_filter: Callable[..., Any], *options: Decorator) -> Decorator:
    """Returns a decorator that adds options to a command. The command gets no values of them, but
    ``wanted``: what ``make_filter`` returns for the values that have names of its parameters."""
    names = signature(make_filter).parameters

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_filter(**values: Any) -> Any:
            given = {name: values.pop(name) for name in names if name in values}
            return command(wanted=make_filter(**given), **values)

        decorated: Command = with_filter
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def bulk_command(
    filtered: Decorator,
    *,
    all_help: str,
    dry_run: Callable[..., Any],
    selecting: Sequence[str] = (),
) -> Decorator:
    """Returns a decorator for a command that changes many jobs. It adds ids, the filters of
    ``filtered``, --all and --dry-run, and refuses to change all jobs without --all.

    The command returns whether all that was meant is done; otherwise the exit code is 1. With
    --dry-run ``dry_run`` is called with the filter, in place of the command. ``selecting``: names
    of further options of the command that say which jobs are meant; ``dry_run`` gets them, too.
    """

    def decorate(command: Command) -> Command:
        @ids_argument
        @filtered
        @click.option("--all", "everything", is_flag=True, help=all_help)
        @click.option("--dry-run", "preview", is_flag=True, help="Only list the jobs; change none.")
        @wraps(command)
        def with_care(wanted: Any, everything: bool, preview: bool, **others: Any) -> None:
            chosen = {name: others[name] for name in selecting}
            selects = any(value is not None for value in chosen.values())
            if wanted == type(wanted)() and not everything and not selects:
                raise click.UsageError("expected ids, filters or --all, got none of them")
            if wanted.queue is not None:
                require_queue(wanted.queue)
            exit_unless(dry_run(wanted, **chosen) if preview else command(wanted, **others))

        return with_care

    return decorate


def print_preview(rows: Sequence[Row], columns: Sequence[str], empty: str) -> None:
    """Print what --dry-run shows of jobs: how many there are, and the first ten."""
    first = f"; the first {PREVIEWED}" if len(rows) > PREVIEWED else ""
    if rows:
        matching = "1 job matches" if len(rows) == 1 else f"{len(rows)} jobs match"
        print_line(f"{matching}, none is changed{first}:")
    print_rows(rows[:PREVIEWED], columns, empty=empty)
