"""``buoy workers``."""

import time
from collections.abc import Sequence
from dataclasses import asdict

import click

from ..jobs.job import Job
from ..operations.monitor import WorkerView
from ..operations.worker_commands import forget as forget_worker
from ..operations.worker_commands import unrest, wish
from ..text.printable import one_line
from .output import end, json_option, say, show, stamp
from .params import SECONDS, TEXT

COLUMNS = ("id", "state", "queues", "executor", "slots", "running", "started_at", "beat_at")
LOOK_SECONDS = 0.2


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def workers(ctx: click.Context, as_json: bool) -> None:
    """Workers: what they serve and which jobs they have in hand; tell them to stop or pause.

    State "gone" means that the heartbeat stopped without a goodbye: the worker was killed, or it
    cannot reach Redis.
    """
    if ctx.invoked_subcommand is None:
        rows = [worker_row(view) for view in Job.app.monitor.workers()]
        show(rows, COLUMNS, as_json, "no workers")


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def stop(ids: tuple[str, ...]) -> None:
    """Tell workers to stop, as TERM does: these, or all."""
    tell("stop", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def quiet(ids: tuple[str, ...]) -> None:
    """Tell workers to take nothing new, as USR2 does: these, or all."""
    tell("quiet", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
def resume(ids: tuple[str, ...]) -> None:
    """Tell workers to take jobs again, as CONT does: these, or all."""
    tell("resume", ids)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT)
@click.option("--timeout", type=SECONDS, help="Seconds to wait.  [default: for ever]")
def wait(ids: tuple[str, ...], timeout: float | None) -> None:
    """Wait until workers, these or all, have no job in hand and have done as they were told.

    One that has ended is at rest. Exit code 1 when the time is over before.
    """
    known = {view.id for view in Job.app.monitor.workers()}
    for id in ids:
        if id not in known:
            say(f"{id}: there is no such worker, or no more", err=True)
    started = time.monotonic()
    while reasons := [
        f"{view.id}: {reason}"
        for view in Job.app.monitor.workers()
        if (not ids or view.id in ids) and (reason := unrest(view))
    ]:
        if timeout is not None and time.monotonic() - started >= timeout:
            lines = "".join(f"\n{one_line(reason)}" for reason in reasons)
            raise click.ClickException(f"not at rest after {timeout:g} s:{lines}")
        time.sleep(LOOK_SECONDS)


@workers.command()
@click.argument("ids", nargs=-1, type=TEXT, required=True)
def forget(ids: tuple[str, ...]) -> None:
    """Take workers that are gone off the list: you know why. Their jobs are not touched."""
    for view in expected(ids, gone=True):
        done = forget_worker(Job.app.broker, view.id)
        say(f"{view.id}: forgotten" if done else f"{view.id}: is back at work")


def tell(word: str, ids: Sequence[str]) -> None:
    there = expected(ids, gone=False)
    told = wish(Job.app.broker, word, [view.id for view in there])
    for id, heard in told.items():
        say(f"{id}: {word}" if heard else f"{id}: is gone")
    if not there:
        say("no workers")
    end(all(told.values()))


def expected(ids: Sequence[str], *, gone: bool) -> list[WorkerView]:
    """The workers of these ids, or all, that are gone or not; ends the command unless each is."""
    found = {view.id: view for view in Job.app.monitor.workers() if view.gone == gone}
    for id in ids:
        if id not in found:
            wanted = "a worker that is gone" if gone else "a worker"
            raise click.ClickException(f"expected the id of {wanted}, got {id!r}; see buoy workers")
    return [found[id] for id in ids] if ids else list(found.values())


def worker_row(view: WorkerView) -> dict[str, object]:
    return asdict(view) | {
        "state": "gone" if view.gone else view.state,
        "started_at": stamp(view.started_at or None),
        "beat_at": stamp(view.beat_at),
    }
