"""The arguments of jobs, by the annotations of ``perform``: JSON where they are stored, and the
declared types where they are given and where ``perform`` gets them."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..errors import InvalidArguments
from ..model.signature import NormalizedArguments, Signature

if TYPE_CHECKING:
    from .codecs.parameters import ArgumentCodecs

SIMPLE = (Parameter.empty, str, int, float, bool, list, dict, Any, object, None, NoneType)
NAMES = ("str", "int", "float", "bool", "list", "dict", "Any", "object", "None")
"""Annotations, and texts of annotations, of parameters that take JSON as it is."""
CLASS_CHANGED = (
    "has the class changed since the job was enqueued? Mend the class, or the arguments "
    "(buoy jobs edit), and retry the job"
)


# The codecs of a class


def codecs_of(job: Any) -> Any:
    """Returns the codecs for the arguments of a job class; None if it takes JSON as it is.

    They are found once for each class and app. Raises ConfigurationError for types that JSON cannot
    tell apart.
    """
    app, codecs = job._codecs
    if app is not job.app:
        codecs = found_codecs(job)
        job._codecs = (job.app, codecs)
    return codecs


def found_codecs(job: Any) -> Any:
    own = own_codecs(job)

    def find(signature: Signature) -> "ArgumentCodecs | None":
        parameters = list(signature.signature.parameters.values())
        if not job.check_types and all(is_simple(each.annotation) for each in parameters):
            return None
        from .codecs.parameters import codecs_for

        return codecs_for(signature.function, parameters, own, check_types=job.check_types)

    return job._signature.codecs(find)


def is_simple(annotation: Any) -> bool:
    """Whether a parameter takes JSON as it is, as far as can be told without looking closely."""
    if isinstance(annotation, str):
        return annotation in NAMES
    return any(annotation is each for each in SIMPLE)


def own_codecs(job: Any) -> Callable[[Any], Any]:
    """Returns what asks the plugins of a class for the codec of an annotation."""
    hooks = job._hooks()
    if hooks is None or hooks.codec_for is None:
        return lambda annotation: None
    return lambda annotation: hooks.codec_for(annotation=annotation)


# The arguments of a job


def stored_arguments(
    job: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> NormalizedArguments:
    """Returns arguments as they are stored: in their normal form, as JSON. ``name``: of the job,
    for errors. Raises InvalidArguments."""
    codecs, signature = codecs_of(job), job._signature
    normal: NormalizedArguments = (
        signature.normalize(name, args, kwargs)
        if codecs is None
        else signature.stored(name, args, kwargs, codecs)
    )
    return normal


def declared_arguments(
    job: Any, name: str, args: list[Any], kwargs: dict[str, Any]
) -> NormalizedArguments:
    """Returns stored arguments as ``perform`` declares them; raises InvalidArguments."""
    codecs = codecs_of(job)
    if codecs is None:
        return args, kwargs
    try:
        declared: NormalizedArguments = job._signature.declared(name, args, kwargs, codecs)
    except InvalidArguments as error:
        raise InvalidArguments(f"{error}; {CLASS_CHANGED}") from error.__cause__
    return declared
