"""Job classes that users name on the command line."""

from difflib import get_close_matches

from ..errors import UnknownJob
from ..jobs.job import Job
from ..jobs.registry import find_class, how_to_import, not_served, registry


def named_class(name: str) -> type[Job]:
    """Returns the loaded job class of this name; raises UnknownJob, with what may be meant."""
    try:
        return find_class(name)
    except UnknownJob:
        if name in not_served:
            raise
        meant = similar_name(name)
        advice = f"did you mean {meant}?" if meant else how_to_import(name)
        raise UnknownJob(
            f"no job named {name!r}: expected one of the {len(registry)} job classes that the app "
            f"has imported; {advice}"
        ) from None


def similar_name(name: str) -> str | None:
    """Returns the name of a loaded class that is most like this one, or that it is the end of."""
    whole = [known for known in registry if known.endswith(f".{name}")]
    return next(iter(whole or get_close_matches(name, registry, 1, 0.8)), None)
