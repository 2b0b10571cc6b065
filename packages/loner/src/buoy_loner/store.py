"""Who holds which place; the only file that asks Redis."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from buoy import App, ConfigurationError
from buoy.jobs.job import P, Performs, built
from buoy.model.options import Options

from .place import PREFIX, place
from .plugin import Loner


def holder(job: type[Performs[P, Any]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """The id of the job that holds the place of a job with these arguments, if one does."""
    declared: Any = job
    one = built(declared, (list(args), dict(kwargs)), Options())
    loners = [plugin for plugin in one.declared if isinstance(plugin, Loner)]
    if not loners:
        raise ConfigurationError(
            f"{one.name}: expected Loner among the plugins of its class, got none"
        )
    if one.app.is_inline:
        return None
    found = (one.app.monitor.holder(one.queue, place(one, each.key)) for each in loners)
    return next((id for id in found if id is not None), None)


@dataclass(frozen=True, slots=True)
class Held:
    """A place that is held, and the job that holds it.

    ``since``: when that was enqueued, in epoch seconds. ``state``: where it is; "gone" if somebody
    has deleted it by hand.
    """

    claim: str
    id: str
    queue: str
    name: str | None
    since: float | None
    state: str


def held(app: App, queue: str | None = None) -> Iterator[Held]:
    """The places that are held, queue by queue, those of the eldest jobs first."""
    monitor = app.monitor
    for name in monitor.queue_names() if queue is None else [queue]:
        found = {view for view in monitor.claims(name) if view.claim.startswith(PREFIX)}
        for view in sorted(found, key=lambda view: view.id):
            job = monitor.find(view.id, name)
            if monitor.holder(name, view.claim) != view.id:
                continue  # it has just ended
            facts = (job.name, job.enqueued_at, job.state) if job else (None, None, "gone")
            yield Held(view.claim, view.id, name, *facts)
