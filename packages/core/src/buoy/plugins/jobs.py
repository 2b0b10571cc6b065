"""Job classes and jobs, as plugins make them and look at them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from ..jobs import building
from ..jobs.facts import facts
from ..jobs.job import Job, facts_of
from ..jobs.plugin import Plugin
from ..jobs.registry import registry
from ..model.checks import expect
from ..model.identity import new_id
from ..model.names import checked_line, checked_queue
from ..model.options import options
from ..model.payload import Payload, now
from ..model.signature import Signature, check_arguments
from ..text.safe import error_message, type_name

P = TypeVar("P", bound=Plugin)

job_classes: Mapping[str, type[Job]] = MappingProxyType(registry)
"""The job classes that this process has loaded, by name."""


def build_job(
    job: type[Job] | str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    queue: str | None = None,
    id: str | None = None,
    newer: tuple[str, int] | None = None,
    claim: str | None = None,
) -> Job:
    """Returns a job that is not enqueued; ``app.submit_many`` enqueues it.

    ``job`` is a class, or the name of one that need not be loaded; a name needs ``queue``. ``id``
    and ``newer`` are those of ``Job.using``. ``claim`` is a claim of the job beside those of its
    plugins. Raises InvalidArguments or ConfigurationError for arguments that are not valid.
    """
    chosen = options(queue, None, None, id, newer)
    if isinstance(job, str):
        name, fields = checked_line(job, "build_job(job)"), (list(args), dict(kwargs or {}))
        expect(queue is not None, "build_job(queue)", "a queue for a class by its name", queue)
        check_arguments(name, *fields)
        payload = Payload(name, *fields, chosen.id or new_id(), enqueued_at=now())
        made: Job = facts_of(Job, payload, checked_queue(queue)).new()
    else:
        made = building.build_job(job, (args, kwargs or {}), chosen)
    facts(made).newer, facts(made).claim = newer, claim
    return made


def plugins_of(job: type[Job] | Job, kind: type[P]) -> list[P]:
    """Returns the plugins of this type that the class of a job declares."""
    return [plugin for plugin in job._declared if isinstance(plugin, kind)]


def arguments_of(job: Job) -> dict[str, Any]:
    """Returns the arguments of a job by their names; missing ones have their defaults."""
    payload = facts(job).payload
    call = type(job)._signature.signature.bind(*payload.args, **payload.kwargs)
    call.apply_defaults()
    return call.arguments


def set_signature(job: type[Job], signature: Signature) -> None:
    """Let ``enqueue`` of this class check arguments by another signature than that of ``perform``.

    For a class whose ``perform`` passes its arguments on.
    """
    job._signature = signature


def describe_error(error: BaseException) -> tuple[str, str]:
    """Returns type and message of an error as the failed set shows them; never raises."""
    return type_name(type(error)), error_message(error)
