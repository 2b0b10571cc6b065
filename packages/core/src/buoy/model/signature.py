"""The signature of a method: arguments are checked and normalized by it before they are stored."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArguments
from .strict_json import NotJson, check_json, check_text

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
"""The arguments of one job."""
NormalizedArguments = tuple[list[Any], dict[str, Any]]
"""The arguments of one job: positional if possible, else named; see ``Signature.normalize``."""
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a method takes, in a form in which most calls are cheap to check.

    ``names``: of the parameters that can be positional, "" for one that must be. With at least
    ``min_args`` and at most ``max_args`` positional arguments, and no others, a call is possible.
    """

    method: str
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
        if kwargs or not self.min_args <= len(args) <= self.max_args:
            self.bind(name, args, kwargs)
        positional, named = list(args), dict(kwargs)
        if named:
            for parameter in self.names[len(positional) :]:
                if parameter not in named:
                    break
                positional.append(named.pop(parameter))
        check_arguments(name, positional, named)
        return positional, named

    def bind(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise InvalidArguments when the method cannot take the arguments."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(
                f"{name}: expected arguments for {self.method}{self.signature}, but {error}"
            ) from None


def signature_of(job: type) -> Signature:
    """What a caller gives to the ``perform`` of a job class."""
    found = inspect.getattr_static(job, "perform")
    static = isinstance(found, staticmethod | classmethod) or not hasattr(type(found), "__get__")
    # The caller has checked that the class has ``perform``.
    return signature("perform", job.perform, bound=static)  # type: ignore[attr-defined]


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
        signature=whole.replace(parameters=parameters),
        names=tuple("" if each.kind is each.POSITIONAL_ONLY else each.name for each in positional),
        min_args=sum(each.default is each.empty for each in positional),
        max_args=-1 if needs_keyword else 10**6 if endless else len(positional),
    )


def check_arguments(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise InvalidArguments, with the path, for a value that JSON would refuse or change."""
    try:
        for index, value in enumerate(args):
            check_json(value, f"argument {index + 1}")
        for key, value in kwargs.items():
            check_text(key, "the name of an argument")
            check_json(value, f'argument "{key}"')
    except NotJson as error:
        raise InvalidArguments(f"{name}: {error}") from None
