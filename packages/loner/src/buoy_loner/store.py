"""Who holds which place; the only file that asks Redis."""

from typing import Any

from buoy import ConfigurationError
from buoy.handle import Options
from buoy.job import P, Performs, built

from .place import place
from .plugin import Loner


def holder(job: type[Performs[P, Any]], /, *args: P.args, **kwargs: P.kwargs) -> str | None:
    """The id of the job that holds the place of a job with these arguments, if one does."""
    declared: Any = job
    one = built(declared, (args, kwargs), Options())
    loners = [plugin for plugin in one.declared if isinstance(plugin, Loner)]
    if not loners:
        raise ConfigurationError(f"{one.name}: expected a class with Loner among its plugins")
    if one.app.is_inline:
        return None
    for each in loners:
        found = one.app.command(
            "HGET", one.app.key(one.queue, "claims"), ">" + place(one, each.key)
        )
        if found:
            return found.decode()
    return None
