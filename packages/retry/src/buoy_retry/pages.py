"""What this package adds to the timeline of a job on the dashboard. Only buoy-web imports it."""

from collections.abc import Iterator, Mapping
from typing import Any

from buoy.plugins.redis import JobView
from buoy_web import Card, Event

from .attempts import history


def attempts(facts: Mapping[str, Any], job: JobView | None) -> Iterator[Event]:
    """Returns the failed attempts of a job; not the one for which it is in the failed set, which
    knows more of it."""
    found = history(job) if job else []
    if job and job.state == "failed" and found and found[-1].wait is None:
        found.pop()
    for each in found:
        worker = f" · {each.worker}" if each.worker else ""
        text = f"{each.error}: {each.message}{worker}"
        yield Event(each.at, "failed", f"Attempt {each.attempt} failed", text)


PARTS = [Card("retry", template=None, events=attempts)]
