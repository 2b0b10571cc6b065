"""``buoy schedule``."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from buoy import ConfigurationError, Job
from buoy.plugins.commands import (
    TEXT,
    File,
    ListGroup,
    app_option,
    exit_unless,
    format_time,
    json_option,
    load_chosen_app,
    print_line,
    print_marked,
    print_rows,
    report_unknown,
    watch_option,
)

from ..entry import Entry
from ..entry_format import fields_of
from ..plain_language import describe_times
from ..schedule import format_names
from ..store import Store
from ..targets import run_now, shown_args, target_of
from ..visible import VisibleSchedule, format_local, local_time, queue_of, visible_schedule
from .options import count_option, sources

COLUMNS = ("name", "when", "next", "class", "queue", "source", "state")


def read_schedule(app: list[str], file: Path | None, env: str | None) -> VisibleSchedule:
    """Loads the app, and returns its schedule with that of the file and of Redis."""
    load_chosen_app(app)
    return visible_schedule(Job.app, file, env, with_app=bool(app))


def entry_in(visible: VisibleSchedule, name: str) -> Entry:
    """Returns the entry of a name. Raises ClickException when there is none."""
    try:
        return visible.schedule.entries[name]
    except KeyError:
        raise click.ClickException(
            f"no entry {name!r}: expected one that was set at run time, or one that -a or "
            "--schedule declares; give these options as the daemon has them"
        ) from None


@click.group(cls=ListGroup)
def schedule() -> None:
    """Recurring jobs: list them, check a file, run, pause and resume.

    Entries that were set at run time are always included; give -a for those of job classes and
    --schedule for those of a file.
    """


@schedule.command("list")
@sources
@json_option
@watch_option
def listing(app: list[str], file: Path | None, env: str | None, as_json: bool) -> None:
    """List all entries: their times in plain English, and when each fires next, in its own zone."""
    visible = read_schedule(app, file, env)
    entries = visible.schedule.entries
    rows = [row(visible, name) for name in sorted(entries)]
    print_rows(
        rows, COLUMNS, as_json=as_json, empty="no entries: set some, or give -a or --schedule"
    )
    errors = [error for entry in entries.values() if (error := visible.error_of(entry))]
    for error in [*visible.schedule.errors, *errors]:
        print_line(f"left out: {error}", err=True)
    for line in warnings(visible):
        print_line(line, err=True)


def warnings(visible: VisibleSchedule) -> Iterator[str]:
    """Yields warnings about a schedule for the operator."""
    if ahead := visible.ahead():
        yield (
            f"the last tick of {format_names(ahead)} is ahead of the clock of Redis, which was "
            "wrong then or is now; a running scheduler corrects it within two minutes"
        )
    if unknown := visible.paused_elsewhere():
        yield (
            f"paused, but in no schedule here: {format_names(unknown)}; to resume: "
            "buoy schedule resume NAME"
        )
    if visible.is_silent:
        polled_at = visible.runtime.polled_at
        polled = "ever polled" if polled_at is None else f"polled since {format_time(polled_at)}"
        yield f"no scheduler has {polled}; start one: buoy scheduler -a MODULE"


def row(visible: VisibleSchedule, name: str) -> dict[str, Any]:
    entry = visible.schedule.entries[name]
    state = visible.state_of(entry)
    ticks = list(islice(visible.ticks(entry), 5))
    fields = fields_of(entry)
    if "args" in fields:
        fields["args"] = json.loads(shown_args(entry))
    return fields | {
        "name": name,
        "when": describe_times(entry),
        "next": format_local(entry, ticks[0]) if ticks and state == "active" else None,
        "next_runs": [local_time(entry, tick).isoformat() for tick in ticks],
        "class": entry.job,
        "queue": queue_of(entry),
        "source": visible.schedule.sources[name],
        "state": state,
    }


@schedule.command("next")
@click.argument("name", type=TEXT)
@count_option(default=5, help="How many.")
@sources
def next_ticks(name: str, count: int, app: list[str], file: Path | None, env: str | None) -> None:
    """Show when an entry fires next, in its own zone."""
    visible = read_schedule(app, file, env)
    entry = entry_in(visible, name)
    print_line(f"{name}: {describe_times(entry)}")
    for tick in islice(visible.ticks(entry), count):
        print_line(f"  {format_local(entry, tick)}")
    if name in visible.runtime.paused:
        print_line("  but it is paused")


@schedule.command()
@click.argument("name", type=TEXT)
@sources
def run(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Enqueue the job of an entry now. The times of the entry are not affected."""
    handle = run_now(entry_in(read_schedule(app, file, env), name))
    if handle.state in ("queued", "blocked", "delayed"):
        print_line(f"{name}: job {handle.id} is {handle.state} in {handle.queue}")
    else:
        raise click.ClickException(f"{name}: nothing was enqueued: {handle.reason}")


@schedule.command()
@click.argument("name", type=TEXT)
@sources
def pause(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Pause an entry: it does not fire until it is resumed."""
    entry_in(read_schedule(app, file, env), name)
    changed = Store(Job.app).pause(name)
    print_line(f"{name} is paused" if changed else f"{name} was paused already")


@schedule.command()
@click.argument("name", type=TEXT)
def resume(name: str) -> None:
    """Resume an entry from now on. Ticks during the pause are not fired later."""
    store = Store(Job.app)
    runtime = store.load()
    set_names = (entry.name for entry in runtime.entries)
    known = {*runtime.paused, *runtime.start_times, *set_names}
    exit_unless(
        report_unknown([name], known, "an entry that is, or was, paused or set at run time")
    )
    changed = store.pause(name, resume=True)
    print_line(f"{name} is resumed" if changed else f"{name} was not paused")


@schedule.command()
@click.argument("file", type=File(path_type=Path))
@app_option(required=False)
@click.option(
    "--env", type=TEXT, help="Check the entries for this environment; without it, those for all."
)
def check(file: Path, app: list[str], env: str | None) -> None:
    """Check a schedule file before a deploy.

    An entry is wrong when daemons would leave it out. With -a the job classes are checked, too. The
    exit code is 1 when anything is wrong.
    """
    from ..schedule_file.reader import ALL, read_file

    load_chosen_app(app)
    reading = read_file(file, ALL if env is None else env)
    errors = list(reading.errors)
    for entry, environments in zip(reading.entries, reading.environments, strict=True):
        try:
            print_line(check_line(entry, environments, bool(app)))
        except ConfigurationError as wrong:
            errors.append(wrong)
    for note in reading.notes:
        print_line(f"note   {note}")
    for error in errors:
        print_marked("WRONG", {"fg": "red"}, f"  {error}")
    if not app:
        print_line("the job classes were not checked: give -a MODULE, as to the daemon", err=True)
    exit_unless(not errors)


def check_line(entry: Entry, environments: list[str], with_app: bool) -> str:
    """Returns a line about an entry. Raises ConfigurationError when daemons leave the entry out."""
    by_name = with_app and target_of(entry).job is None
    line = f"{entry.name}: {describe_times(entry)}"
    if entry.enabled:
        tick = entry.ticks.after(int(time.time()))
        line += "; next never" if tick is None else f"; next {format_local(entry, tick)}"
    line += f"; only with --env {', '.join(environments)}" if environments else ""
    line += f"; {entry.job} is no class of the app; it is pushed by name" if by_name else ""
    return f"{'ok ' if entry.enabled else 'off'}    {line}"
