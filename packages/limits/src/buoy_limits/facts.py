"""What this package tells of a job: which limits count it, and which throttle it has set."""

from typing import Any

from buoy import App
from buoy.plugins.operators import KnownJob

PREFIXES = ("Limit:", "Lonely:", "Fair:", "Rate:", "Throttle:", "Debounce:")
"""The keys of this package begin with one of these."""


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns the keys of the limits with which a job was enqueued; nothing for a job without."""
    keys = [key for key in known.job.claims if key.startswith(PREFIXES)] if known.job else []
    return {"limits": keys} if keys else None
