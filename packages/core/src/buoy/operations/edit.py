"""Changes the arguments of a job that is queued, blocked, delayed or failed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import ConfigurationError, CorruptPayload, UnknownJob
from ..jobs.arguments import stored_arguments
from ..jobs.building import own_identifier
from ..jobs.enqueueing import encoded_within
from ..jobs.job import Job
from ..jobs.registry import find_class
from ..jobs.sealing import open_arguments, seal_arguments
from ..model.checks import expect, short_repr
from ..model.payload import SEALED, Payload
from ..model.priority import RANKS
from ..model.signature import check_arguments
from .views import JobView


def edited_payload(
    view: JobView,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    limit: int,
    *,
    keep_claims: bool = False,
) -> str:
    """Returns the payload of a job with other arguments; None leaves these as they are.

    If the class is loaded, ``perform`` must be able to take them. ``limit``: bytes of the payload.
    Raises InvalidArguments, PayloadTooLarge, ConfigurationError or CorruptPayload.
    """
    expect(isinstance(args, list | tuple | None), "edit(args)", "a list", args)
    expect(isinstance(kwargs, Mapping | None), "edit(kwargs)", "a dict", kwargs)
    if view.name is None:
        raise CorruptPayload(f"{view.id}: expected a payload that can be read, got {view.raw:.80}")
    payload = Payload.decoded(view.raw)
    job = class_or_none(view.name)
    if payload.sealed is not None:
        args, kwargs = open_for_edit(view, payload, job, args, kwargs)
    new_args = list(payload.args if args is None else args)
    new_kwargs = dict(payload.kwargs if kwargs is None else kwargs)
    if job is None:
        check_arguments(view.name, new_args, new_kwargs)
    else:
        new_args, new_kwargs = stored_arguments(job, view.name, new_args, new_kwargs)
    check_claims(view.id, payload, keep_claims=keep_claims)
    edited = replace(payload, args=new_args, kwargs=new_kwargs)
    edited.identifier = identifier_of(view, payload, job, new_args, new_kwargs)
    edited.sealed = None
    seal_arguments(job or Job, edited)
    return encoded_within(limit, view.name, edited.encoded()).decode()


def class_or_none(name: str) -> type[Job] | None:
    """Returns the job class of this name if it is loaded."""
    try:
        return find_class(name)
    except UnknownJob:
        return None


def open_for_edit(
    view: JobView,
    payload: Payload,
    job: type[Job] | None,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
) -> tuple[Sequence[Any] | None, Mapping[str, Any] | None]:
    """Make the arguments of a sealed job plain, and return the new ones: None for the positional
    ones if they are as they were shown, so that they stay. Raises SealError, or ConfigurationError
    without the class."""
    if job is None:
        raise ConfigurationError(
            f"{view.id}: expected the class {short_repr(view.name)} to be loaded, since its "
            "arguments are sealed; name its module with -a, or import it"
        )
    open_arguments(job, payload)
    if args is not None and list(args) == [SEALED]:
        return None, kwargs or None
    return args, kwargs


def check_claims(id: str, payload: Payload, *, keep_claims: bool) -> None:
    """Raise ConfigurationError if the job has claims that keep others out."""
    free = ("latest", "ended", *RANKS)
    held = [claim for claim, until in payload.claims if until not in free]
    if held and not keep_claims:
        raise ConfigurationError(
            f"{id}: expected a job without claims, got one with {', '.join(held)}, which were made "
            "for its arguments; cancel it and enqueue another one, or keep its claims "
            "(--keep-claims, keep_claims=True)"
        )


def identifier_of(
    view: JobView,
    payload: Payload,
    job: type[Job] | None,
    args: list[Any],
    kwargs: dict[str, Any],
) -> str | None:
    """Returns the identifier that the class makes for the new arguments; None if it makes none.

    Raises ConfigurationError if the class makes one, and is not loaded.
    """
    if job is not None:
        return own_identifier(job, args, kwargs)
    if payload.identifier is not None:
        raise ConfigurationError(
            f"{view.id}: expected the class {short_repr(view.name)} to be loaded, since it makes "
            "its own identifier of the arguments; name its module with -a, or import it"
        )
    return None
