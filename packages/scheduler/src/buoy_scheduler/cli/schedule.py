"""``buoy schedule``."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from buoy import ConfigurationError, Job
from buoy.cli.options import app_option
from buoy.cli.output import json_option, show, stamp
from buoy.loading import load_app
from buoy.registry import registry

from ..cron import zone_of
from ..entry import Entry, EntryError
from ..firing import run_now, target_of
from ..schedule import Schedule, written
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
        """The next ticks of an entry."""
        return walk(entry.ticks, max(self.now, self.kept.since.get(entry.name, 0)), FAR)


def known(app: list[str], file: Path | None, env: str | None) -> Known:
    load_app(app)
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
    show(rows, COLUMNS, as_json, "no entries: set some, or give -a or --schedule")
    faults = [fault for entry in all.schedule.entries.values() if (fault := all.fault(entry))]
    for error in [*all.schedule.errors, *faults]:
        click.echo(f"left out: {error}", err=True)
    if all.kept.seen is None or all.now - all.kept.seen > SILENT:
        since = "ever" if all.kept.seen is None else f"since {stamp(all.kept.seen)}"
        click.echo(
            f"no scheduler has looked {since}; start one: buoy scheduler -a MODULE", err=True
        )


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
    return "paused" if entry.name in all.kept.paused else "active"


@schedule.command("next")
@click.argument("name")
@count_option(default=5, help="How many.")
@sources
def following(name: str, count: int, app: list[str], file: Path | None, env: str | None) -> None:
    """When an entry fires next, in its own zone."""
    all = known(app, file, env)
    entry = all.entry(name)
    click.echo(f"{name}: {described(entry)}")
    for tick in islice(all.ticks(entry), count):
        click.echo(f"  {local(entry, tick)}")
    if name in all.kept.paused:
        click.echo("  but it is paused")


@schedule.command()
@click.argument("name")
@sources
def run(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Enqueue the job of an entry now, out of turn."""
    handle = run_now(known(app, file, env).entry(name))
    if handle.state in ("queued", "delayed"):
        click.echo(f"{name}: job {handle.id} is {handle.state} in {handle.queue}")
    else:
        raise click.ClickException(f"{name}: nothing was enqueued: {handle.reason}")


@schedule.command()
@click.argument("name")
@sources
def pause(name: str, app: list[str], file: Path | None, env: str | None) -> None:
    """Let an entry not fire until it is resumed."""
    known(app, file, env).entry(name)
    changed = Store(Job.app).pause(name)
    click.echo(f"{name} is paused" if changed else f"{name} was paused already")


@schedule.command()
@click.argument("name")
def resume(name: str) -> None:
    """Let an entry fire again, from now on: what fell into the pause is not made up for."""
    changed = Store(Job.app).pause(name, resume=True)
    click.echo(f"{name} goes on" if changed else f"{name} was not paused")


@schedule.command()
@click.argument("file", type=click.Path(path_type=Path))
@app_option(required=False)
def check(file: Path, app: list[str]) -> None:
    """Look for what is wrong in a schedule file, before a deploy. With -a the job classes are
    looked at, too. Exit code 1 when something is wrong."""
    from ..file import ALL, read_file

    load_app(app)
    reading = read_file(file, ALL)
    for entry in reading.entries:
        try:
            if app:
                check_class(entry)
        except ConfigurationError as wrong:
            reading.errors.append(wrong)
        else:
            tick = entry.ticks.after(int(time.time()))
            upcoming = "never" if tick is None else local(entry, tick)
            click.echo(f"ok     {entry.name}: {described(entry)}; next {upcoming}")
    for error in reading.errors:
        click.echo(f"WRONG  {error}")
    if reading.errors:
        raise SystemExit(1)


def check_class(entry: Entry) -> None:
    if entry.job not in registry:
        raise EntryError(entry.name, f"class: expected a job class of the app, got {entry.job!r}")
    target_of(entry)


def queue_of(entry: Entry) -> str | None:
    try:
        return target_of(entry).queue
    except ConfigurationError:
        return entry.queue


def moment(entry: Entry, tick: int) -> datetime:
    return datetime.fromtimestamp(tick, zone_of(entry.tz))


def local(entry: Entry, tick: int) -> str:
    """A tick as the wall clock of the entry shows it."""
    return moment(entry, tick).strftime("%a %Y-%m-%d %H:%M:%S %Z")
