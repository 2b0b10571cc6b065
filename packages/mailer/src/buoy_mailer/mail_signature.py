"""Checks the arguments of a mailer's job: a mail method's name and its arguments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from buoy import InvalidArguments
from buoy.plugins import Signature

Arguments = tuple[list[Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class MailerSignature(Signature):
    """The signature of ``Mailer.perform``, and those of the mail methods."""

    mails: Mapping[str, Signature]

    @classmethod
    def of(cls, perform: Signature, mails: Mapping[str, Signature]) -> "MailerSignature":
        fields = (perform.method, perform.function, perform.signature, perform.names)
        return cls(*fields, perform.min_args, perform.max_args, mails)

    def places(self) -> list[tuple[int, Parameter]]:
        """See Signature.places. Which mail a job sends is not known here: an argument that is to be
        hidden in one of them is hidden in all."""
        own = Signature.places(self)
        mails = (place for mail in self.mails.values() for place in mail.places())
        return own + [(number + 1, parameter) for number, parameter in mails]

    # Errors of these name the mail method whose arguments are wrong.

    def normalize(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
        """See Signature.normalize."""
        mail = self.known_mail(name, args)
        positional, named = self.mails[mail].normalize(f"{name}.{mail}", args[1:], kwargs)
        return [mail, *positional], named

    def codecs(self, find: Callable[[Signature], Any]) -> dict[str, Any] | None:
        """See Signature.codecs. Returns those of each mail method that has some, by its name."""
        found = {mail: find(signature) for mail, signature in self.mails.items()}
        return {mail: each for mail, each in found.items() if each is not None} or None

    def stored(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], codecs: Any
    ) -> Arguments:
        """See Signature.stored."""
        mail = self.known_mail(name, args)
        if mail not in codecs:
            return self.normalize(name, args, kwargs)
        words = f"{name}.{mail}", args[1:], kwargs
        positional, named = self.mails[mail].stored(*words, codecs[mail])
        return [mail, *positional], named

    def declared(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], codecs: Any
    ) -> Arguments:
        """See Signature.declared. A mail that is unknown here is refused when it is made."""
        mail = args[0] if args else None
        if not isinstance(mail, str) or mail not in codecs:
            return list(args), dict(kwargs)
        words = f"{name}.{mail}", args[1:], kwargs
        positional, named = self.mails[mail].declared(*words, codecs[mail])
        return [mail, *positional], named

    def stored_default(self, name: str, value: Any, codecs: Any) -> Any:
        """See Signature.stored_default: ``perform`` has none but those of ``*`` and ``**``."""
        return value

    def known_mail(self, name: str, args: Sequence[Any]) -> str:
        """Returns the name of the mail; raises InvalidArguments if there is no such method."""
        mail = args[0] if args else None
        if not isinstance(mail, str) or mail not in self.mails:
            raise unknown_mail(name, mail, self.mails)
        return mail


def unknown_mail(name: str, mail: object, mails: Mapping[str, Signature]) -> InvalidArguments:
    known = ", ".join(mails) or "which has none"
    return InvalidArguments(f"{name}: expected the name of a mail ({known}), got {mail!r:.80}")
