"""Which job holds which claim. No other file of this package asks Redis."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ParamSpec

from buoy import App, ConfigurationError, Job
from buoy.plugins import Performs, plugins_of

from .plugin import Loner
from .uniqueness import PREFIX, claim_of

P = ParamSpec("P")


def holder(job: type[Performs[P, Any]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """Returns the id of the job that keeps a job of this class and these arguments from being
    enqueued; None if there is none, or in inline mode.

    Raises ConfigurationError when the class has no Loner.
    """
    declared: Any = job
    unique: Job = declared.app.build(declared, *args, **kwargs)
    loners = plugins_of(unique, Loner)
    if not loners:
        raise ConfigurationError(
            f"{unique.name}: expected Loner among the plugins of its class, got none"
        )
    if unique.app.is_inline:
        return None
    claims = [claim_of(unique, loner.key) for loner in loners]
    holders = (unique.app.monitor.holder(unique.queue, claim) for claim in claims)
    return next((id for id in holders if id is not None), None)


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim that is held, and the job that holds it.

    ``since`` is when that job was enqueued, in epoch seconds. ``state`` is where the job is, "gone"
    if somebody has deleted it by hand; then ``name`` and ``since`` are None.
    """

    claim: str
    id: str
    queue: str
    name: str | None
    since: float | None
    state: str


def held_claims(app: App, queue: str | None = None) -> Iterator[HeldClaim]:
    """Yields the claims of this plugin that are held in one queue, or in all, queue by queue; in a
    queue those of the oldest jobs come first."""
    monitor = app.monitor
    for name in monitor.queue_names() if queue is None else [queue]:
        views = {view for view in monitor.claims(name) if view.claim.startswith(PREFIX)}
        for view in sorted(views, key=lambda view: view.id):
            job = monitor.find(view.id, name)
            if monitor.holder(name, view.claim) != view.id:
                continue  # the job has ended since the claims were read
            facts = (job.name, job.enqueued_at, job.state) if job else (None, None, "gone")
            yield HeldClaim(view.claim, view.id, name, *facts)
