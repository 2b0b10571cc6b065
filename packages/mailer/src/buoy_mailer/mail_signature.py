"""Checks the arguments of a mailer's job: a mail method's name and its arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from buoy import InvalidArguments
from buoy.plugins import Signature


@dataclass(frozen=True, slots=True)
class MailerSignature(Signature):
    """The signature of ``Mailer.perform``, and those of the mail methods."""

    mails: Mapping[str, Signature]

    @classmethod
    def of(cls, perform: Signature, mails: Mapping[str, Signature]) -> "MailerSignature":
        limits = (perform.min_args, perform.max_args)
        return cls(perform.method, perform.signature, perform.names, *limits, mails)

    def normalize(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """See Signature.normalize. Errors name the mail method whose arguments are wrong."""
        mail = args[0] if args else None
        if not isinstance(mail, str) or mail not in self.mails:
            raise unknown_mail(name, mail, self.mails)
        positional, named = self.mails[mail].normalize(f"{name}.{mail}", args[1:], kwargs)
        return [mail, *positional], named


def unknown_mail(name: str, mail: object, mails: Mapping[str, Signature]) -> InvalidArguments:
    known = ", ".join(mails) or "which has none"
    return InvalidArguments(f"{name}: expected the name of a mail ({known}), got {mail!r:.80}")
