"""What is not shown of a job: arguments that its class redacts, as its payloads say it, and all
that a plugin seals."""

from typing import Any

from ..errors import BuoyError
from ..model.payload import SEALED, Payload
from ..model.redaction import Redaction, lowered, read_redaction, redact_field
from .facts import facts
from .job import Job
from .registry import registry
from .sealing import seal_arguments, sealer_of


def redact_field_named(name: str) -> dict[str, Any] | None:
    """Returns the field ``redact`` of a job that is pushed by the name of its class; None if that
    is not loaded."""
    job = registry.get(name)
    return None if job is None else redact_field_of(job)


def redact_field_of(job: type[Job]) -> dict[str, Any] | None:
    """Returns the field ``redact`` of the payloads of a class; None if it hides nothing.

    The names of its app count if ``perform`` has parameters with such names, or the class has names
    of its own. This is found out once for each class.
    """
    signature = getattr(job, "_signature", None)
    if signature is None:  # a class without perform, which is refused later
        return None
    app, known, field = job._redacts
    if app is job.app and known is signature:
        kept: dict[str, Any] | None = field
        return kept
    made = made_field(job)
    job._redacts = (job.app, signature, made)
    return made


def made_field(job: type[Job]) -> dict[str, Any] | None:
    names, places = lowered(job.redact), job._signature.places()
    of_app = job.app.settings.redacted
    if names or lowered(parameter.name for _, parameter in places) & of_app:
        return redact_field(names | of_app, places)
    return None


def shown_arguments(job: Job) -> tuple[list[Any], dict[str, Any]]:
    """Returns the positional and the named arguments of a job as people may see them: with
    ``[redacted]`` in place of what the class or the app hides, or ``[sealed]``. The job may not be
    enqueued yet."""
    if is_sealed(job):
        return [SEALED], {}
    payload, hidden = facts(job).payload, redaction_of(job)
    return hidden.shown_args(payload.args), hidden.shown_kwargs(payload.kwargs)


def redaction_of(job: Job) -> Redaction:
    """Returns which arguments of a job the class or the app hides."""
    payload = facts(job).payload
    field = payload.redact or redact_field_named(payload.name)
    return read_redaction(field).with_names(job.app.settings.redacted)


def is_sealed(job: Job) -> bool:
    """Whether nobody may see the arguments and the result of a job: they are sealed, or its class
    seals them."""
    known = facts(job)
    try:
        return known.payload.sealed is not None or sealer_of(known.kind) is not None
    except BuoyError:  # it would, if it had keys
        return True


def seal_named(payload: Payload) -> None:
    """Seal the arguments of a job that is made by the name of its class, as that does if it is
    loaded, else as app-wide plugins do. Raises SealError."""
    seal_arguments(registry.get(payload.name, Job), payload)
