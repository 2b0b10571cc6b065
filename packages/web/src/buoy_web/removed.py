"""Failed jobs that the dashboard removed: kept for ten minutes, so that this can be undone."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import astuple

from buoy import App
from buoy.plugins.operators import RemovedJob
from buoy.plugins.redis import JobView

SECONDS = 600
MOST = 2000
"""How many jobs one removal may have to be undone; more are removed for good."""


def stash(app: App, jobs: Sequence[JobView]) -> str:
    """Keep these jobs, which are about to be removed; returns a name for ``restore``."""
    name = secrets.token_hex(8)
    keep(app, name, jobs)
    return name


def keep(app: App, name: str, jobs: Sequence[JobView]) -> None:
    """Let ``restore`` put back these jobs, and no others, for this name."""
    text = json.dumps([astuple(RemovedJob.of(job)) for job in jobs])
    app.command("SET", stash_key(app, name), text, "EX", SECONDS)


def restore(app: App, name: str) -> list[str]:
    """Put the jobs of a removal back into the failed set; returns their ids."""
    text = app.command("GET", stash_key(app, name))
    if text is None:
        return []
    ids = app.failures.restore(RemovedJob(*fields) for fields in json.loads(text))
    app.command("DEL", stash_key(app, name))
    return ids


def stash_key(app: App, name: str) -> str:
    return f"{app.settings.namespace}:web:removed:{name}"
