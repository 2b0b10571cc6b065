"""How far a run is: what it reports, a plugin keeps."""

from typing import TYPE_CHECKING, Any

from .facts import seen_by_hooks

if TYPE_CHECKING:
    from ..connection.client import RedisSteps


def progress_steps(job: Any, done: float, of: float | None, note: str | None) -> "RedisSteps[None]":
    """Returns the steps by which the first plugin that keeps progress does so; raises
    AttributeError if there is none."""
    hooks = type(job)._hooks()
    if hooks is not None and hooks.keep_progress is not None:
        seen = seen_by_hooks(job)
        steps: RedisSteps[None] | None = hooks.keep_progress(job=seen, done=done, of=of, note=note)
        if steps is not None:
            return steps
    raise AttributeError(
        f"{type(job).__qualname__}.progress: expected a job with a plugin that keeps progress, got "
        "one without; add Status() to its plugins, of the package buoy-status"
    )
