"""``buoy schedule``."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from buoy import App, ConfigurationError, Job
from buoy.plugins.commands import (
    TEXT,
    File,
    app_option,
    exit_unless,
    format_time,
    json_option,
    load_chosen_app,
    print_line,
    print_rows,
    report_unknown,
)

from ..care import AHEAD
from ..cron import zone_of
from ..entry import Entry
from ..firing import run_now, target_of
from ..schedule import Schedule, some, written
from ..spelling import fields_of
from ..store import Kept, Store
from ..ticks import walk
from ..words import described
from .options import count_option, sources

COLUMNS = ("name", "when", "next", "class", "queue", "source", "state")
FAR = 10**10
SILENT = 10.0
"""Seconds after which the silence of all daemons is worth a word."""


@dataclass
class Known:
    """The schedule as far as this command can see it, and the time in Redis."""

    schedule: Schedule
    kept: Kept
    now: int
    with_app: bool

    def entry(self, name: str) -> Entry:
        """The entry of that name."""
        try:
            return self.schedule.entries[name]
        except KeyError:
            raise click.ClickException(
                f"no entry {name!r}: expected one that was set at run time, or one that -a or "
                "--schedule leads to; give them as the daemon has them"
            ) from None

    def fault(self, entry: Entry) -> ConfigurationError | None:
        """Why daemons leave an entry out, if they do. Without their app that cannot be told."""
        try:
            target_of(entry)
        except ConfigurationError as error:
            return error if self.with_app else None
        return None

    def ticks(self, entry: Entry) -> Iterator[int]:
        """The next ticks of an entry. A mark that is ahead of the clock will be taken back."""
        since = self.kept.since.get(entry.name, 0)
        start = self.now if since > self.now + AHEAD else max(self.now, since)
        return walk(entry.ticks, start, FAR)

    def ahead(self) -> list[str]:
        """The entries whose marks are ahead of the clock."""
        found = {name for name, since in self.kept.since.items() if since > self.now + AHEAD}
        entries = [(name, queue_and_app(each)) for name, each in self.schedule.entries.items()]
        pairs = [(name, place) for name, place in entries if place is not None]
        for app, queue in {place for _, place in pairs}:
            names = [name for name, place in pairs if place == (app, queue)]
            ticks = Store(app).last_ticks(queue, names)
            found |= {name for name, tick in ticks.items() if tick > self.now + AHEAD}
        return sorted(found & set(self.schedule.entries))


def known(app: list[str], file: Path | None, env: str | None) -> Known:
    load_chosen_app(app)
    store = Store(Job.app)
    kept = store.load()
    return Known(written(file, env).with_kept(kept), kept, int(store.now()), bool(app))


@click.group(invoke_without_command=True)
@click.pass_context
def schedule(ctx: click.Context) -> None:
    """Recurring jobs: list them, check a file, run, pause and resume.

    Entries that were set at run time are always known; those of job classes by -a, those of a file
    by --schedule.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing, app=[], file=None, env=None, as_json=False)


@schedule.command("list")
@sources
@json_option
def listing(app: list[str], file: Path | None, env: str | None, as_json: bool) -> None:
    """All entries, when they fire in plain language, and when next, in their own zone."""
    all = known(app, file, env)
    rows = [row(all, name) for name in sorted(all.schedule.entries)]
    empty = "no entries: set some, or give -a or --schedule"
    print_rows(rows, COLUMNS, as_json=as_json, empty=empty)
    faults = [fault for entry in all.schedule.entries.values() if (fault := all.fault(entry))]
    for error in [*all.schedule.errors, *faults]:
        print_line(f"left out: {error}", err=True)
    for line in remarks(all):
        print_line(line, err=True)


def remarks(all: Known) -> Iterator[str]:
    """What else is to be known of a schedule."""
    if ahead := all.ahead():
        yield (
            f"the last tick of {some(ahead)} is ahead of the clock of Redis, which was wrong then "
            "or is now; a scheduler that runs puts it right within two minutes"
        )
    if unknown := sorted(all.kept.paused - set(all.schedule.entries)):
        yield (
            f"paused, but not known here: {some(unknown)}; to take that back: "
            "buoy schedule resume NAME"
        )
    if all.kept.seen is None or abs(all.now - all.kept.seen) > SILENT:
        since = "ever" if all.kept.seen is None else f"since {format_time(all.kept.seen)}"
        yield f"no scheduler has looked {since}; start one: buoy scheduler -a MODULE"


def row(all: Known, name: str) -> dict[str, Any]:
    entry = all.entry(name)
    state = state_of(all, entry)
    ticks = list(islice(all.ticks(entry), 5))
    return fields_of(entry) | {
        "name": name,
        "when": described(entry),
        "next": local(entry, ticks[0]) if ticks and state == "active" else None,
        "next_runs": [moment(entry, tick).isoformat() for tick in ticks],
        "class": entry.job,
        "queue": queue_of(entry),
        "source": all.schedule.sources[name],
        "state": state,
    }


def state_of(all: Known, entry: Entry) -> str:
    if all.fault(entry):
        return "left out"
    if not entry.enabled:
        return "off"
    return "paused" if entry.name in all.kept.paused else "active"


@schedule.command("next")
@click.argument("name", type=TEXT)
@count_option(default=5, help="How many.")
@sources
def following(name: str, count: int, app: list[str], file: Path | None, env: str | None) -> None:
    """When an entry fires next, in its own zone."""
    all = known(app, file, env)
    entry = all.entry(name)
    print_line(f"{name}: {described(entry)}")
    for tick in islice(all.ticks(entry), count):
        print_line(f"  {local(entry, tick)}")
    if name in all.kept.paused:
        print_line("  but it is paused")


@schedule.command()
@click.argument("name", type=TEXT)
@sources
def run(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Enqueue the job of an entry now, out of turn."""
    handle = run_now(known(app, file, env).entry(name))
    if handle.state in ("queued", "delayed"):
        print_line(f"{name}: job {handle.id} is {handle.state} in {handle.queue}")
    else:
        raise click.ClickException(f"{name}: nothing was enqueued: {handle.reason}")


@schedule.command()
@click.argument("name", type=TEXT)
@sources
def pause(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Let an entry not fire until it is resumed."""
    known(app, file, env).entry(name)
    changed = Store(Job.app).pause(name)
    print_line(f"{name} is paused" if changed else f"{name} was paused already")


@schedule.command()
@click.argument("name", type=TEXT)
def resume(name: str) -> None:
    """Let an entry fire again, from now on: what fell into the pause is not made up for."""
    store = Store(Job.app)
    kept = store.load()
    known = {*kept.paused, *kept.since, *(entry.name for entry in kept.entries)}
    expected = "an entry that is, or was, paused or set at run time"
    exit_unless(report_unknown([name], known, expected))
    changed = store.pause(name, resume=True)
    print_line(f"{name} goes on" if changed else f"{name} was not paused")


@schedule.command()
@click.argument("file", type=File(path_type=Path))
@app_option(required=False)
@click.option("--env", type=TEXT, help="Look at what is meant for this environment; else for any.")
def check(file: Path, app: list[str], env: str | None) -> None:
    """Look for what is wrong in a schedule file, before a deploy.

    Wrong is what daemons would leave out. With -a the job classes are looked at, too. Exit code 1
    when something is wrong.
    """
    from ..file import ALL, read_file

    load_chosen_app(app)
    reading = read_file(file, ALL if env is None else env)
    errors = list(reading.errors)
    for entry, only in zip(reading.entries, reading.only, strict=True):
        try:
            print_line(verdict(entry, only, bool(app)))
        except ConfigurationError as wrong:
            errors.append(wrong)
    for line in [*(f"note   {note}" for note in reading.notes), *(f"WRONG  {e}" for e in errors)]:
        print_line(line)
    if not app:
        print_line("the job classes were not looked at: say -a MODULE, as to the daemon", err=True)
    exit_unless(not errors)


def verdict(entry: Entry, only: list[str], with_app: bool) -> str:
    """What becomes of an entry; raises ConfigurationError when daemons leave it out."""
    by_name = with_app and target_of(entry).job is None
    words = f"{entry.name}: {described(entry)}"
    if entry.enabled:
        tick = entry.ticks.after(int(time.time()))
        words += "; next never" if tick is None else f"; next {local(entry, tick)}"
    words += f"; only with --env {', '.join(only)}" if only else ""
    words += f"; {entry.job} is no class of the app, but a name" if by_name else ""
    return f"{'ok ' if entry.enabled else 'off'}    {words}"


def queue_of(entry: Entry) -> str | None:
    place = queue_and_app(entry)
    return entry.queue if place is None else place[1]


def queue_and_app(entry: Entry) -> tuple[App, str] | None:
    try:
        target = target_of(entry)
    except ConfigurationError:
        return None
    return target.app, target.queue


def moment(entry: Entry, tick: int) -> datetime:
    return datetime.fromtimestamp(tick, zone_of(entry.tz))


def local(entry: Entry, tick: int) -> str:
    """A tick as the wall clock of the entry shows it."""
    return moment(entry, tick).strftime("%a %Y-%m-%d %H:%M:%S %Z")
