"""``buoy workers``."""

from dataclasses import asdict

import click

from ..job import Job
from .output import json_option, show, stamp

COLUMNS = ("id", "state", "queues", "executor", "slots", "running", "started_at", "beat_at")


@click.command()
@json_option
def workers(as_json: bool) -> None:
    """Workers: what they serve and which jobs they have in hand.

    State "gone" means that the heartbeat stopped without a goodbye: the worker was killed, or it
    cannot reach Redis.
    """
    rows = [
        asdict(view)
        | {
            "state": "gone" if view.gone else view.state,
            "started_at": stamp(view.started_at or None),
            "beat_at": stamp(view.beat_at),
        }
        for view in Job.app.monitor.workers()
    ]
    show(rows, COLUMNS, as_json, "no workers")
