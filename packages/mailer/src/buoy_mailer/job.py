"""The mailer: one job class for many mails."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import iscoroutine
from pathlib import Path
from typing import Any, ClassVar

from buoy import ConfigurationError, InvalidArguments, Job
from buoy.jobs.facts import facts
from buoy.jobs.plugin import to_the_end
from buoy.model.signature import Signature, Spelled, signature
from buoy.process.logs import INFO, heard, logger

from . import settings
from .address import address
from .compose import Envelope, compose
from .delivery import MailMethod
from .errors import InvalidMail
from .rounds import LOG, Rounds
from .templates import render
from .transport import transport
from .value import Mail


class Mailer(Job):
    """The base of all mailers: their methods marked with ``@mail`` make mails, in jobs."""

    queue = "mail"
    sender: ClassVar[str]
    """Who the mails are from; ``Mail(sender=...)`` goes before it."""
    mail_url: ClassVar[str | None] = None
    """Where they go; by default to ``BUOY_MAIL_URL``."""
    templates: ClassVar[str | Path] = "templates"
    """The folder of the templates; from that of the class's file, if it is relative."""
    perform_deliveries: ClassVar[bool | None] = None
    """Whether mails go out at all; by default as ``BUOY_MAIL_DELIVERIES`` says."""
    excluded_environments: ClassVar[Collection[str]] = ("test",)
    """Where (``BUOY_ENV``) deliver sends at once, without a job."""

    mails: ClassVar[Mapping[str, Signature]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        found = methods(cls)
        super().__init_subclass__(**kwargs)
        if isinstance(cls.excluded_environments, str):
            raise ConfigurationError(
                f"{cls.name}.excluded_environments: expected several names, "
                f"got {cls.excluded_environments!r}; put them in a tuple"
            )
        if cls.mail_url is not None:
            transport(cls.mail_url)
        if hasattr(cls, "sender"):
            address(cls.sender, f"{cls.name}.sender")
        cls.mails = {name: signature(name, each.method) for name, each in found.items()}
        cls.accepts = Calls.of(cls.accepts, cls.mails)

    def perform(self, mail: str, /, *args: Any, **kwargs: Any) -> Any:
        """Make the mail of that name, and send it."""
        made = self.made(mail, args, kwargs)
        return self.awaited(mail, made) if iscoroutine(made) else self.post(mail, made)

    def render(self, template: str, /, **values: object) -> str:
        """A template (Jinja2) with these values. What they hold is escaped, but in ``.txt``."""
        return render(folders(type(self)), template, values)

    @classmethod
    def delivers(cls) -> bool:
        """Whether mails go out at all."""
        return settings.perform_deliveries(cls.perform_deliveries)

    @classmethod
    def uses_queue(cls) -> bool:
        """Whether deliver makes a job."""
        return cls.delivers() and settings.environment() not in cls.excluded_environments

    # A run

    def made(self, mail: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What the method returns."""
        if mail not in self.mails:  # the name is from Redis; the app may be older than the job
            raise unknown(type(self).name, mail, self.mails)
        return getattr(self, mail)(*args, **kwargs)

    async def awaited(self, mail: str, made: Any) -> None:
        self.post(mail, await made)

    def envelope(self, mail: str, /, *args: Any, **kwargs: Any) -> Envelope:
        """The mail of that name, ready to be sent."""
        made = self.made(mail, args, kwargs)
        return self.composed(mail, to_the_end(made) if iscoroutine(made) else made)

    def composed(self, mail: str, made: Mail | None) -> Envelope:
        name = f"{type(self).name}.{mail}"
        if not isinstance(made, Mail):
            raise InvalidMail(f"{name}: expected a Mail, got {made!r:.80}")
        sender = getattr(self, "sender", made.sender)
        if sender is None:
            raise ConfigurationError(
                f"{type(self).name}.sender: expected an address, got none; set it on the class, "
                "or give Mail(sender=...)"
            )
        try:
            return compose(made, sender, facts(self).id, datetime.now(UTC))
        except InvalidMail as error:
            raise InvalidMail(f"{name}: {error}") from None

    def post(self, mail: str, made: Mail | None) -> None:
        if made is None or not self.delivers():
            reason = "the method returned None" if made is None else "perform_deliveries is off"
            self.log_unsent(mail, reason)
            return
        envelope = self.composed(mail, made)
        known = facts(self)
        rounds = Rounds.of(known.carried.get("mailer", {}), known.attempt)
        try:
            rounds.go(envelope, transport(settings.mail_url(self.mail_url)))
        finally:
            known.carried["mailer"] = rounds.carried()
            if not known.carried["mailer"]:
                del known.carried["mailer"]

    def log_unsent(self, mail: str, reason: str) -> None:
        if heard(LOG, INFO):
            logger(LOG).info(
                "not sent: %s.%s id=%s: %s", type(self).name, mail, facts(self).id, reason
            )


@dataclass(frozen=True, slots=True)
class Calls(Signature):
    """What callers give to a mailer: the name of a mail, then what its method takes."""

    mails: Mapping[str, Signature]

    @classmethod
    def of(cls, perform: Signature, mails: Mapping[str, Signature]) -> "Calls":
        """The calls of these mails by way of ``perform``."""
        limits = (perform.least, perform.most)
        return cls(perform.method, perform.whole, perform.names, *limits, mails)

    def accept(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Spelled:
        """See Signature; the mail is named where its arguments are wrong."""
        mail = args[0] if args else None
        if not isinstance(mail, str) or mail not in self.mails:
            raise unknown(name, mail, self.mails)
        placed, named = self.mails[mail].accept(f"{name}.{mail}", args[1:], kwargs)
        return [mail, *placed], named


def unknown(name: str, mail: object, mails: Mapping[str, Signature]) -> InvalidArguments:
    known = ", ".join(mails) or "which has none"
    return InvalidArguments(f"{name}: expected the name of a mail ({known}), got {mail!r:.80}")


def methods(mailer: type) -> dict[str, MailMethod[..., Any]]:
    """The mails of a class and its bases; raises ConfigurationError for names that cannot be."""
    found: dict[str, MailMethod[..., Any]] = {}
    for owner in reversed(mailer.__mro__):
        for name, value in vars(owner).items():
            marked = isinstance(value, MailMethod)
            if marked and hasattr(Mailer, name):
                raise ConfigurationError(
                    f"{owner.__qualname__}.{name}: expected a name that mailers do not use "
                    f"themselves, got {name!r}"
                )
            if not marked and name in found:
                raise ConfigurationError(
                    f"{owner.__qualname__}.{name}: expected @mail, which the method has that it "
                    "replaces, got none"
                )
            if marked:
                found[name] = value
    return found


def folders(mailer: type[Mailer]) -> list[Path]:
    """Where a mailer's templates are looked for: with its own first, then with its bases'."""
    owners = [each for each in mailer.__mro__ if issubclass(each, Mailer) and each is not Mailer]
    found = (home(owner) / vars(owner).get("templates", Mailer.templates) for owner in owners)
    return list(dict.fromkeys(found))


def home(owner: type) -> Path:
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return Path(file).parent if file else Path.cwd()
