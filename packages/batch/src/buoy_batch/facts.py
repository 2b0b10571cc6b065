"""What this package tells of a job: of which batches it is a member."""

from typing import Any

from buoy import App
from buoy.plugins.operators import KnownJob


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns the ids of the batches of a job; nothing for a job without."""
    ids = [f"{home}:{id}" for home, id in known.job.groups] if known.job else []
    return {"batches": ids} if ids else None
