"""A call before it happens: is it possible, and in which spelling is it kept?"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArguments
from .strict_json import NotPlain, check_plain, check_text

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
"""The arguments of one job."""
Spelled = tuple[list[Any], dict[str, Any]]
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a method takes, in the form that makes the common call cheap to check."""

    method: str
    whole: inspect.Signature
    names: tuple[str, ...]
    least: int
    most: int

    def accept(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Spelled:
        """The arguments in the one spelling that is kept: what can be positional is.

        Raises InvalidArguments when the method cannot take them or JSON would change them.
        """
        if kwargs or not self.least <= len(args) <= self.most:
            self.bind(name, args, kwargs)
        placed, named = list(args), dict(kwargs)
        if named:
            for parameter in self.names[len(placed) :]:
                if parameter not in named:
                    break
                placed.append(named.pop(parameter))
        check_arguments(name, placed, named)
        return placed, named

    def bind(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            self.whole.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(
                f"{name}: expected arguments for {self.method}{self.whole}, but {error}"
            ) from None


def signature_of(job: type) -> Signature:
    """What callers give to the ``perform`` of a class."""
    found = inspect.getattr_static(job, "perform")
    static = isinstance(found, staticmethod | classmethod) or not hasattr(type(found), "__get__")
    # Whoever calls has seen that there is one.
    return signature("perform", job.perform, bound=static)  # type: ignore[attr-defined]


def signature(name: str, method: Callable[..., Any], *, bound: bool = False) -> Signature:
    """What callers give to a method; to one that is not bound they do not give its first."""
    whole = inspect.signature(method)
    parameters = list(whole.parameters.values())[0 if bound else 1 :]
    placed = [each for each in parameters if each.kind in POSITIONAL]
    keyword = [each for each in parameters if each.kind is each.KEYWORD_ONLY]
    endless = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    needs_keyword = any(each.default is each.empty for each in keyword)
    return Signature(
        method=name,
        whole=whole.replace(parameters=parameters),
        names=tuple("" if each.kind is each.POSITIONAL_ONLY else each.name for each in placed),
        least=sum(each.default is each.empty for each in placed),
        most=-1 if needs_keyword else 10**6 if endless else len(placed),
    )


def check_arguments(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise InvalidArguments, with the path, for what does not come back from JSON as it is."""
    try:
        for index, value in enumerate(args):
            check_plain(value, f"argument {index + 1}")
        for key, value in kwargs.items():
            check_text(key, "the name of an argument")
            check_plain(value, f'argument "{key}"')
    except NotPlain as error:
        raise InvalidArguments(f"{name}: {error}") from None
