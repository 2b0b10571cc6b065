"""``buoy loner``."""

from itertools import islice
from typing import Any

import click

from buoy import Job
from buoy.cli.output import count_option, json_option, show, stamp

from .store import Held, held

COLUMNS = ("claim", "class", "id", "queue", "since", "state")

queue_option = click.option("--queue", help="Places of this queue.")


@click.group(invoke_without_command=True)
@click.pass_context
def loner(ctx: click.Context) -> None:
    """Places of jobs that are unique: who holds them, and freeing them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(listing, queue=None, name=None, count=50, as_json=False)


@loner.command("list")
@queue_option
@click.option("--class", "name", help="Places of jobs of this class (its name as listed).")
@count_option
@json_option
def listing(queue: str | None, name: str | None, count: int, as_json: bool) -> None:
    """Who holds which place since when, queue by queue, the eldest first."""
    found = (each for each in held(Job.app, queue) if name in (None, each.name))
    show(map(row, islice(found, count or None)), COLUMNS, as_json, "no place is held")


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
@click.argument("words", metavar="CLAIM...", nargs=-1, required=True)
@queue_option
def release(words: tuple[str, ...], queue: str | None) -> None:
    """Free places, whoever holds them.

    Each is told by its claim, or by the id of the job that holds it. That job stays what it is, but
    the same one can be enqueued beside it now.
    """
    places = [each for each in held(Job.app, queue) if {each.claim, each.id} & {*words}]
    for each in places:
        if Job.app.release(each.queue, each.claim):
            click.echo(f"{each.claim} is free; job {each.id} goes on without it")
    known = {word for each in places for word in (each.claim, each.id)}
    unknown = [word for word in dict.fromkeys(words) if word not in known]
    for word in unknown:
        click.echo(
            f"{word}: expected a claim that is held, or the id of its holder; see buoy loner list",
            err=True,
        )
    if unknown:
        raise SystemExit(1)
