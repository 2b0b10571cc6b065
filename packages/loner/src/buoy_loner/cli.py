"""``buoy loner``."""

from typing import Any

import click

from buoy import Job
from buoy.cli.options import class_option, known_queue, none_in, queue_option
from buoy.cli.output import (
    all_known,
    count_option,
    end,
    json_option,
    say,
    show_some,
    stamp,
)
from buoy.cli.params import TEXT

from .store import Held, held

COLUMNS = ("claim", "class", "id", "queue", "since", "state")

NONE = "no place is held"
WANTED = "a claim that is held, or the id of its holder"


@click.group(invoke_without_command=True)
@click.pass_context
def loner(ctx: click.Context) -> None:
    """Places of jobs that are unique: who holds them, and freeing them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing, queue=None, name=None, count=50, as_json=False)


@loner.command("list")
@queue_option("Places of this queue.")
@class_option
@count_option
@json_option
def listing(queue: str | None, name: str | None, count: int, as_json: bool) -> None:
    """Who holds which place since when, queue by queue, the eldest first."""
    found = (each for each in held(Job.app, queue) if name in (None, each.name))
    empty = none_in(queue, NONE)
    show_some(map(row, found), COLUMNS, count, as_json=as_json, empty=empty)


def row(each: Held) -> dict[str, Any]:
    return {
        "claim": each.claim,
        "class": each.name,
        "id": each.id,
        "queue": each.queue,
        "since": stamp(each.since),
        "state": each.state,
    }


@loner.command()
@click.argument("words", metavar="CLAIM...", nargs=-1, required=True, type=TEXT)
@queue_option("Places of this queue.")
def release(words: tuple[str, ...], queue: str | None) -> None:
    """Free places, whoever holds them.

    Each is told by its claim, or by the id of the job that holds it. That job stays what it is, but
    the same one can be enqueued beside it now.
    """
    if queue is not None:
        known_queue(queue)
    places = [each for each in held(Job.app, queue) if {each.claim, each.id} & {*words}]
    for each in places:
        if Job.app.release(each.queue, each.claim):
            say(f"{each.claim} is free; job {each.id} goes on without it")
    known = {word for each in places for word in (each.claim, each.id)}
    end(all_known(words, known, WANTED))
