"""``buoy workers``."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from ..jobs.job import Job
from ..operations.views import WorkerView
from ..operations.worker_commands import WorkerCommand, pending_reason, send_command
from ..operations.worker_commands import forget as forget_worker
from ..text.printable import one_line
from ..worker.registration import ID
from .cells import Size
from .group import ListGroup
from .output import exit_unless, format_time, json_option, print_line, print_rows
from .params import SECONDS, TEXT
from .pause import report_pause
from .watch import watch_option

COLUMNS = (
    *("id", "state", "queues", "executor", "busy", "free", "memory"),
    *("running", "started_at", "beat_at"),
)
POLL_SECONDS = 0.2


@click.group(cls=ListGroup)
def workers() -> None:
    """Workers: list them with their queues and jobs in flight, send commands to them."""


@workers.command("list")
@json_option
@watch_option
def listing(as_json: bool) -> None:
    """List all workers, with their queues and jobs in flight.

    State "gone": the heartbeats stopped, and the worker did not say that it ends. It was killed, or
    it cannot reach Redis.
    """
    rows = [worker_row(view) for view in Job.app.monitor.workers()]
    if not as_json:
        rows = [row | {"running": ", ".join(row["running"]) or None} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json, empty="no workers")
    report_pause()


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def stop(ids: tuple[str, ...]) -> None:
    """Tell these workers, or all, to stop, as TERM does."""
    send_to_workers("stop", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def quiet(ids: tuple[str, ...]) -> None:
    """Tell these workers, or all, to take no new jobs, as USR2 does."""
    send_to_workers("quiet", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def resume(ids: tuple[str, ...]) -> None:
    """Tell these workers, or all, to take jobs again, as CONT does."""
    send_to_workers("resume", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
@click.option("--timeout", type=SECONDS, help="Seconds to wait.  [default: for ever]")
def wait(ids: tuple[str, ...], timeout: float | None) -> None:
    """Wait until these workers, or all, have no job in flight and have followed their commands.

    A worker that has ended is at rest; an id that no worker can have is an error. Ends with
    exit code 1 if the time is over before.
    """
    known = {view.id for view in Job.app.monitor.workers()}
    for id in ids:
        if id not in known:
            if not ID.fullmatch(id):
                raise unknown_worker(id)
            print_line(f"{id}: this worker is not there, or has ended", err=True)
    started = time.monotonic()
    while reasons := pending_reasons(ids):
        if timeout is not None and time.monotonic() - started >= timeout:
            lines = "".join(f"\n{one_line(reason)}" for reason in reasons)
            raise click.ClickException(f"not at rest after {timeout:g} s:{lines}")
        time.sleep(POLL_SECONDS)


def pending_reasons(ids: Sequence[str]) -> list[str]:
    """Returns a line for each of these workers, or of all, that is not at rest."""
    views = [view for view in Job.app.monitor.workers() if not ids or view.id in ids]
    return [f"{view.id}: {reason}" for view in views if (reason := pending_reason(view))]


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT, required=True)
def forget(ids: tuple[str, ...]) -> None:
    """Remove workers that are gone from the list. Their jobs do not change."""
    for view in require_workers(ids, gone=True):
        forgotten = forget_worker(Job.app.broker, view.id)
        print_line(f"{view.id}: forgotten" if forgotten else f"{view.id}: sends heartbeats again")


def send_to_workers(command: WorkerCommand, ids: Sequence[str]) -> None:
    """Send a command to these workers, or to all, and report it; ends with 1 if one is gone."""
    views = require_workers(ids, gone=False)
    sent = send_command(Job.app.broker, command, [view.id for view in views])
    for id, was_there in sent.items():
        print_line(f"{id}: {command}" if was_there else f"{id}: is gone")
    if not views:
        print_line("no workers")
    exit_unless(all(sent.values()))


def require_workers(ids: Sequence[str], *, gone: bool) -> list[WorkerView]:
    """Returns the workers with these ids, or all, that are gone (or are not).

    Raises ClickException for an id without such a worker.
    """
    found = {view.id: view for view in Job.app.monitor.workers() if view.gone == gone}
    for id in ids:
        if id not in found:
            raise unknown_worker(id, "a worker that is gone" if gone else "a worker")
    return [found[id] for id in ids] if ids else list(found.values())


def unknown_worker(id: str, wanted: str = "a worker") -> click.ClickException:
    """Returns the error for an id that no such worker has."""
    return click.ClickException(f"expected the id of {wanted}, got {id!r}; see buoy workers")


def worker_row(view: WorkerView) -> dict[str, Any]:
    """Returns a worker as a row of the table, and as an object of the JSON output."""
    return asdict(view) | {
        "busy": view.busy,
        "free": view.free,
        "memory": Size(view.memory),
        "state": "gone" if view.gone else view.state,
        "started_at": format_time(view.started_at or None),
        "beat_at": format_time(view.beat_at),
    }
