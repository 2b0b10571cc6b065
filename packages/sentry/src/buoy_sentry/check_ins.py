"""Check-ins of cron monitors: one for each job of a schedule entry, over all its attempts.

The scheduler leaves the name and the times of the entry in ``job.plugin_data["scheduler"]``.
"""

import re
from hashlib import sha256
from typing import Any

from sentry_sdk.crons import capture_checkin

from buoy import Done, Job, Later, Released, RunInfo

from .sending import renew_transport

LONGEST_SLUG = 50
"""Characters."""
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
"""The units of periods that monitors know, with their seconds."""


def check_in(job: Job | None, run: RunInfo) -> None:
    """Tell the monitor of a scheduled job that a run has begun, or how the job has ended.

    Nothing is sent for other jobs, for entries whose times no monitor can have, and after a run
    that will be followed by another: the monitor then still waits for the end.
    """
    entry = entry_of(job)
    config = None if entry is None else config_of(entry)
    if entry is None or config is None or isinstance(run.outcome, Later | Released):
        return
    status = "in_progress" if run.outcome is None else "error"
    if isinstance(run.outcome, Done):
        status = "ok"
    renew_transport()
    capture_checkin(
        monitor_slug=slug_of(str(entry["entry"])),
        check_in_id=check_in_id(run.id),
        status=status,
        duration=None if run.outcome is None else run.seconds,
        monitor_config=config,
    )


def entry_of(job: Job | None) -> dict[str, Any] | None:
    """Returns what a job carries of its schedule entry; None if it was not scheduled."""
    found = None if job is None else job.plugin_data.get("scheduler")
    return found if isinstance(found, dict) and "entry" in found else None


def config_of(entry: dict[str, Any]) -> Any:
    """Returns the schedule of an entry as monitors have it; None if they cannot: their unit is the
    minute, and their crontabs have five fields."""
    match entry:
        case {"cron": str(cron), "tz": str(zone)} if len(cron.split()) == 5:
            return {"schedule": {"type": "crontab", "value": cron}, "timezone": zone}
        case {"every": int(seconds)}:
            for unit, length in UNITS:
                if seconds >= length and seconds % length == 0:
                    value = seconds // length
                    return {"schedule": {"type": "interval", "value": value, "unit": unit}}
    return None


def slug_of(entry: str) -> str:
    """Returns the slug of the monitor of an entry: its name in lower case, without other characters
    than Sentry allows. A name that loses more than its form gets a digest, so that no two entries
    share a monitor."""
    slug = re.sub(r"[^a-z0-9_]+", "-", entry.lower()).strip("-")
    readable = re.fullmatch(r"[\w. -]+", entry, re.ASCII) and not slug.isdecimal()
    if readable and len(slug) <= LONGEST_SLUG:
        return slug
    digest = sha256(entry.encode(errors="replace")).hexdigest()[:8]
    return f"{slug[: LONGEST_SLUG - 9].strip('-') or 'entry'}-{digest}"


def check_in_id(job: str) -> str:
    """Returns the id of the check-in of a job: equal for all its attempts, in any process."""
    return sha256(f"buoy check-in {job}".encode(errors="replace")).hexdigest()[:32]
