"""``buoy loner``."""

from typing import Any

import click

from buoy import Job
from buoy.plugins.commands import (
    TEXT,
    ListGroup,
    class_option,
    count_option,
    empty_text,
    exit_unless,
    format_time,
    json_option,
    print_first_rows,
    print_line,
    queue_option,
    report_unknown,
    require_queue,
    watch_option,
)

from .claims import HeldClaim, held_claims

COLUMNS = ("claim", "class", "id", "queue", "since", "state")

NONE = "no claim is held"
WANTED = "a claim that is held, or the id of its holder"


@click.group(cls=ListGroup)
def loner() -> None:
    """Unique jobs: which job holds which claim, and how to release a claim."""


@loner.command("list")
@queue_option("Claims in this queue.")
@class_option
@count_option
@json_option
@watch_option
def listing(queue: str | None, name: str | None, count: int, as_json: bool) -> None:
    """The claims that are held, by which job and since when, queue by queue, the oldest first."""
    claims = (each for each in held_claims(Job.app, queue) if name in (None, each.name))
    empty = empty_text(queue, NONE)
    print_first_rows(map(row, claims), COLUMNS, count, as_json=as_json, empty=empty)


def row(claim: HeldClaim) -> dict[str, Any]:
    return {
        "claim": claim.claim,
        "class": claim.name,
        "id": claim.id,
        "queue": claim.queue,
        "since": format_time(claim.since),
        "state": claim.state,
    }


@loner.command()
@click.argument("claims", metavar="CLAIM...", nargs=-1, required=True, type=TEXT)
@queue_option("Claims in this queue.")
def release(claims: tuple[str, ...], queue: str | None) -> None:
    """Release claims, whichever job holds them.

    Name each by its claim, or by the id of the job that holds it. That job
    continues unchanged, but an equal job can be enqueued beside it now.
    """
    if queue is not None:
        require_queue(queue)
    meant = [each for each in held_claims(Job.app, queue) if {each.claim, each.id} & {*claims}]
    for claim in meant:
        if Job.app.release(claim.queue, claim.claim):
            print_line(f"{claim.claim} is free; job {claim.id} continues without it")
    known = {name for claim in meant for name in (claim.claim, claim.id)}
    exit_unless(report_unknown(claims, known, WANTED))
