"""Making jobs from a class and arguments, before they are enqueued."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.checks import expect
from ..model.identity import new_id
from ..model.options import Options
from ..model.payload import Payload, now
from ..model.signature import Arguments, NormalizedArguments, check_arguments
from ..model.strict_json import is_utf8
from ..model.tags import joined_tags
from .arguments import codecs_of, declared_arguments, stored_arguments
from .declaration import check_usable
from .facts import Facts
from .job import Job, facts_of
from .redacting import seal_named
from .sealing import seal_arguments


def normalized_arguments(job: type[Job], arguments: Arguments) -> NormalizedArguments:
    """Returns the arguments as they are stored; raises InvalidArguments."""
    if job._usable is not job:
        check_usable(job)
    if codecs_of(job) is None:
        return job._signature.normalize(job.name, *arguments)
    return stored_arguments(job, job.name, *arguments)


def build_job(job: type[Job], arguments: Arguments, options: Options) -> Job:
    """Returns a job that is not enqueued yet; raises InvalidArguments and SealError."""
    args, kwargs = normalized_arguments(job, arguments)
    payload = Payload(job.name, args, kwargs, options.id or new_id(), enqueued_at=now())
    payload.tags = joined_tags(job.tags, options.tags, job.name)
    payload.identifier = own_identifier(job, args, kwargs)
    seal_arguments(job, payload)
    return with_options(Facts(job, payload, options.queue or job.queue), options)


def build_named(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    options: Options,
    kind: type[Job] = Job,
) -> Job:
    """Returns a job of the class of this name, which need not be loaded; it is not enqueued yet.

    ``options`` name its queue. ``kind``: the class, if it must be known. Raises InvalidArguments,
    ConfigurationError and SealError.
    """
    positional, named = list(args), dict(kwargs or {})
    check_arguments(name, positional, named)
    payload = Payload(name, positional, named, options.id or new_id(), enqueued_at=now())
    payload.tags = options.tags
    seal_named(payload)
    return with_options(facts_of(kind, payload, options.queue or kind.queue), options)


def with_options(known: Facts, options: Options) -> Job:
    """Returns the job of these facts, enqueued as the options say."""
    known.due, known.newer, known.options = options.due, options.newer, options
    payload = known.payload
    payload.limits, payload.chain = options.limits, options.chain
    if known.expires is not None:
        start = payload.enqueued_at
        due = options.at if options.at is not None else start + (options.delay or 0)
        payload.expires_at = round(max(due, start) + known.expires, 3)
    made: Job = known.new()
    return made


def own_identifier(job: type[Job], args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """Returns the identifier that a class makes itself; None if it has no ``identify``. That gets
    the arguments as ``perform`` declares them. Raises ConfigurationError for anything but a
    text."""
    if not job._identifies:
        return None
    declared_args, declared_kwargs = declared_arguments(job, job.name, args, kwargs)
    same = job.identify(*declared_args, **declared_kwargs)
    right = isinstance(same, str) and bool(same) and is_utf8(same)
    expect(right, f"{job.name}.identify", "a non-empty text", same)
    return same
