"""The signature of a method: arguments are checked and normalized by it before they are stored."""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import InvalidArguments
from .strict_json import JSON_TYPES, NotJson, check_json, check_text

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
"""The arguments of one job."""
NormalizedArguments = tuple[list[Any], dict[str, Any]]
"""The arguments of one job: positional if possible, else named; see ``Signature.normalize``."""
WAY_OUT = (
    "; declare its type in {}, for which buoy may have a codec (docs/arguments.md), or pass "
    "what JSON holds, such as an id"
)
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a method takes, in a form in which most calls are cheap to check.

    ``function``: the method itself. ``names``: of the parameters that can be positional, "" for one
    that must be. With at least ``min_args`` and at most ``max_args`` positional arguments, and no
    others, a call is possible.
    """

    method: str
    function: Callable[..., Any]
    signature: inspect.Signature
    names: tuple[str, ...]
    min_args: int
    max_args: int

    def normalize(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> NormalizedArguments:
        """The arguments in the one form that is stored: those that can be positional are.

        ``name``: of the job, for the error. Raises InvalidArguments when the method cannot take the
        arguments, or when JSON would change them.
        """
        positional, named = self.arrange(name, args, kwargs)
        check_arguments(name, positional, named, WAY_OUT.format(self.method))
        return positional, named

    def codecs(self, find: Callable[["Signature"], Any]) -> Any:
        """Returns the codecs for the arguments; None if they are JSON. ``find`` returns those for
        the parameters of one method."""
        return find(self)

    def stored(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], codecs: Any
    ) -> NormalizedArguments:
        """Returns the arguments as they are stored: as ``normalize`` does, after the codecs that
        ``codecs`` has returned. Raises InvalidArguments."""
        arranged = self.arrange(name, args, kwargs)
        stored = converted(name, codecs.encode, arranged)
        check_arguments(name, *stored)
        return stored

    def declared(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], codecs: Any
    ) -> NormalizedArguments:
        """Returns stored arguments as the method declares them. Raises InvalidArguments."""
        return converted(name, codecs.decode, (args, kwargs))

    def stored_default(self, name: str, value: Any, codecs: Any) -> Any:
        """Returns the default of a parameter as JSON, if it can be."""
        return codecs.encode_default(name, value)

    def arrange(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> NormalizedArguments:
        """The arguments in their normal form, whatever their values are. Raises InvalidArguments
        when the method cannot take them."""
        if kwargs or not self.min_args <= len(args) <= self.max_args:
            self.bind(name, args, kwargs)
        positional, named = list(args), dict(kwargs)
        if named:
            for parameter in self.names[len(positional) :]:
                if parameter not in named:
                    break
                positional.append(named.pop(parameter))
        return positional, named

    def places(self) -> list[tuple[int, inspect.Parameter]]:
        """The parameters, each with its place among the stored arguments."""
        return list(enumerate(self.signature.parameters.values()))

    def bind(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise InvalidArguments when the method cannot take the arguments."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(
                f"{name}: expected arguments for {self.method}{self.signature}, but {error}"
            ) from None


def converted(
    name: str, convert: Callable[..., NormalizedArguments], arguments: Arguments
) -> NormalizedArguments:
    """Returns what codecs make of arguments; adds the name of the job to their errors."""
    try:
        return convert(*arguments)
    except InvalidArguments as error:
        raise InvalidArguments(f"{name}: {error}") from error.__cause__


def signature_of(job: type) -> Signature:
    """What a caller gives to the ``perform`` of a job class."""
    found = inspect.getattr_static(job, "perform")
    # The caller has checked that the class has ``perform``.
    return signature("perform", job.perform, bound=is_static(found))  # type: ignore[attr-defined]


def is_static(found: object) -> bool:
    """Whether an attribute of a class is called without the object."""
    if isinstance(found, partial):  # its ``__get__`` in Python 3.13 only warns of that in 3.14
        return sys.version_info < (3, 14)
    return isinstance(found, staticmethod | classmethod) or not hasattr(type(found), "__get__")


def signature(name: str, method: Callable[..., Any], *, bound: bool = False) -> Signature:
    """What a caller gives to a method: not its first parameter, unless it is ``bound`` already."""
    whole = inspect.signature(method)
    parameters = list(whole.parameters.values())[0 if bound else 1 :]
    positional = [each for each in parameters if each.kind in POSITIONAL]
    keyword = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    endless = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    needs_keyword = any(each.default is each.empty for each in keyword)
    return Signature(
        method=name,
        function=method,
        signature=whole.replace(parameters=parameters),
        names=tuple("" if each.kind is each.POSITIONAL_ONLY else each.name for each in positional),
        min_args=sum(each.default is each.empty for each in positional),
        max_args=-1 if needs_keyword else 10**6 if endless else len(positional),
    )


def check_arguments(
    name: str, args: Sequence[Any], kwargs: Mapping[str, Any], way_out: str = ""
) -> None:
    """Raise InvalidArguments, with the path, for a value that JSON would refuse or change.
    ``way_out``: what to do about a value of a type that JSON does not have."""
    try:
        for index, value in enumerate(args):
            check_json(value, f"argument {index + 1}")
        for key, value in kwargs.items():
            check_text(key, "the name of an argument")
            check_json(value, f'argument "{key}"')
    except NotJson as error:
        told = way_out if error.expected is JSON_TYPES else ""
        raise InvalidArguments(f"{name}: {error}{told}") from None
