"""What this package tells of a job: where its next run goes on."""

from typing import Any

from buoy import App
from buoy.plugins.commands import format_time
from buoy.plugins.operators import KnownJob

from .errors import StepsError
from .progress import Progress
from .store import NAME


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns with what the next run of a job begins, and when its progress was kept last; nothing
    for a job without progress, and for progress that cannot be read."""
    stored = known.job.plugin_data.get(NAME) if known.job else None
    try:
        progress = Progress.parsed(stored)
    except StepsError:
        return None
    if stored is None:
        return None
    told = {"kept_at": format_time(progress.kept_at)} if progress.kept_at else {}
    return told | {"next_run": next_run(progress)}


def next_run(progress: Progress) -> str:
    """Returns with what the next run begins, as people are told it."""
    if progress.step is None:
        return "begins with its first step"
    if progress.cursor is None:
        return f"begins step {progress.step!r} anew"
    return f"goes on in step {progress.step!r} behind its cursor"
