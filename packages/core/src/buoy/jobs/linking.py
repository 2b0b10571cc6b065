"""Chains: jobs that follow one after another, each enqueued when the one before has ended well. The
first one carries the others in its payload; here they are made, and ``next_job`` goes on with them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArguments
from ..model.identity import new_id
from ..model.link import RESULT, STANDS_FOR_RESULT, Link, exchanged, stored_options
from ..model.options import Options
from ..model.signature import NormalizedArguments, check_arguments
from ..model.strict_json import encode
from .arguments import codecs_of
from .declaration import check_usable
from .registry import check_findable
from .sealing import about, sealer_of

if TYPE_CHECKING:
    from .job import Job


def link_of(
    job: "type[Job]", options: Options, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Link:
    """Returns a job as the one before it carries it."""
    if job._usable is not job:
        check_usable(job)
    if job._findable is not job:
        check_findable(job)
    link: dict[str, Any] = {"class": job.name, "options": stored_options(options)}
    positional, named = stored(job, args, kwargs)
    sealer = sealer_of(job)
    if sealer is not None:
        link["id"] = new_id()
        text = encode([positional, named])
        link["sealed"] = sealer.seal(text, about(job.name, link["id"], "arguments"))
        return link
    return link | {"args": positional, "kwargs": named}


def stored(job: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> NormalizedArguments:
    """Returns arguments as JSON, with a stand-in for RESULT. Raises InvalidArguments."""
    found: NormalizedArguments = job._signature.arrange(job.name, args, kwargs)
    codecs = codecs_of(job)
    if codecs is not None:
        try:
            found = codecs.encode(*found)
        except InvalidArguments as error:
            raise InvalidArguments(f"{job.name}: {error}") from error.__cause__
    found = exchanged(*found, RESULT, STANDS_FOR_RESULT)
    check_arguments(job.name, *found)
    return found
