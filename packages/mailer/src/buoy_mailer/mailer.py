"""The base class of mailers, its methods marked with ``@mail``, and the deliveries they return.

They are in one file because each needs the others: a Mailer collects its mail methods, a mail
method returns a Delivery, and a Delivery enqueues the Mailer.
"""

import sys
import warnings
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import update_wrapper
from inspect import iscoroutine
from pathlib import Path
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, overload

from buoy import ConfigurationError, Handle, Job, PayloadTooLarge
from buoy.plugins import (
    Signature,
    declared_arguments,
    log_fields,
    run_coroutine,
    seen_by_hooks,
    set_signature,
    signature_of,
)

from . import settings
from .address import parse_address
from .compose import Envelope, compose
from .errors import InvalidMail
from .mail_signature import MailerSignature, unknown_mail
from .mail_types import Mail
from .recipients import RecipientProgress, log
from .templates import render
from .transport import transport_for

P = ParamSpec("P")
MethodResult = Mail | None | Coroutine[Any, Any, Mail | None]
R = TypeVar("R", bound=MethodResult)


class Mailer(Job):
    """The base of all mailers. Their methods marked with ``@mail`` make mails, in jobs."""

    queue = "mail"
    sender: ClassVar[str]
    """The sender of the mails, unless ``Mail(sender=...)`` names another one."""
    mail_url: ClassVar[str | None] = None
    """The URL that mails are sent to; by default ``BUOY_MAIL_URL``."""
    templates: ClassVar[str | Path] = "templates"
    """The folder of the templates. A relative one starts at the folder of the class's file."""
    perform_deliveries: ClassVar[bool | None] = None
    """Whether mails are sent at all; by default as ``BUOY_MAIL_DELIVERIES`` says."""
    excluded_environments: ClassVar[Collection[str]] = ("test",)
    """In these environments (``BUOY_ENV``) deliver sends at once, without a job."""

    mails: ClassVar[Mapping[str, Signature]] = {}
    """The mail methods by name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        found = mail_methods(cls)
        super().__init_subclass__(**kwargs)
        if isinstance(cls.excluded_environments, str):
            raise ConfigurationError(
                f"{cls.name}.excluded_environments: expected several names, "
                f"got {cls.excluded_environments!r}; put them in a tuple"
            )
        if cls.mail_url is not None:
            transport_for(cls.mail_url)
        if hasattr(cls, "sender"):
            parse_address(cls.sender, f"{cls.name}.sender")
        cls.mails = {name: signature_of(name, each.method) for name, each in found.items()}
        perform = signature_of("perform", cls.perform)
        set_signature(cls, MailerSignature.of(perform, cls.mails))

    def perform(self, mail: str, /, *args: Any, **kwargs: Any) -> Any:
        """Make the mail of that name, and send it."""
        result = self._call_mail_method(mail, args, kwargs)
        return self._send_awaited(mail, result) if iscoroutine(result) else self._send(mail, result)

    def render(self, template: str, /, **values: object) -> str:
        """Returns the rendered template (Jinja2). Values are escaped, except in ``.txt``."""
        return render(template_folders(type(self)), template, values)

    @classmethod
    def delivers(cls) -> bool:
        """Whether mails are sent at all."""
        return settings.perform_deliveries(cls.perform_deliveries)

    @classmethod
    def uses_queue(cls) -> bool:
        """Whether deliver enqueues a job."""
        return cls.delivers() and settings.environment() not in cls.excluded_environments

    # A run

    def _call_mail_method(self, mail: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Returns what the method returns; raises InvalidArguments if there is no such method."""
        if mail not in self.mails:  # the name is from Redis; this app may be older than the job
            raise unknown_mail(type(self).name, mail, self.mails)
        return getattr(self, mail)(*args, **kwargs)

    async def _send_awaited(self, mail: str, result: Any) -> None:
        self._send(mail, await result)

    def _envelope(self, mail: str, /, *args: Any, **kwargs: Any) -> Envelope:
        """Returns the mail of that name, ready to be sent; raises InvalidMail."""
        result = self._call_mail_method(mail, args, kwargs)
        return self._compose(mail, run_coroutine(result) if iscoroutine(result) else result)

    def _compose(self, mail: str, content: Mail | None) -> Envelope:
        """Returns the envelope of what the method returned. Raises InvalidMail, and
        ConfigurationError without a sender."""
        name = f"{type(self).name}.{mail}"
        if not isinstance(content, Mail):
            raise InvalidMail(f"{name}: expected a Mail, got {content!r:.80}")
        sender = getattr(self, "sender", content.sender)
        if sender is None:
            raise ConfigurationError(
                f"{type(self).name}.sender: expected an address, got none; set it on the class, "
                "or give Mail(sender=...)"
            )
        try:
            return compose(content, sender, seen_by_hooks(self).id, datetime.now(UTC))
        except InvalidMail as error:
            raise InvalidMail(f"{name}: {error}") from None

    def _send(self, mail: str, content: Mail | None) -> None:
        """Send the mail to the recipients that earlier attempts have not reached. Sends nothing if
        the method returned None, or deliveries are off."""
        if content is None or not self.delivers():
            reason = "the method returned None" if content is None else "perform_deliveries is off"
            self._log_unsent(mail, reason)
            return
        envelope = self._compose(mail, content)
        job = seen_by_hooks(self)
        progress = RecipientProgress.of(job)
        try:
            progress.send_remaining(envelope, transport_for(settings.mail_url(self.mail_url)))
        finally:
            progress.keep(job)

    def _log_unsent(self, mail: str, reason: str) -> None:
        job = seen_by_hooks(self)
        text = "not sent: %s.%s id=%s: %s"
        log.info(text, type(self).name, mail, job.id, reason, extra=log_fields(job))


class Delivery:
    """A call of a mail method, ``UserMailer.welcome(42)``. The mail is not made yet."""

    def __init__(
        self, mailer: type[Mailer], mail: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self.mailer, self.mail, self.args, self.kwargs = mailer, mail, args, kwargs
        self.used = False

    def __del__(self) -> None:
        if not self.used:
            warnings.warn(
                f"{self.mailer.name}.{self.mail} was called, but not delivered; "
                "expected .deliver() after the call",
                RuntimeWarning,
                stacklevel=2,
            )

    def deliver(self) -> Handle[None]:
        """Enqueue a job that makes the mail and sends it. Raises InvalidArguments, PayloadTooLarge
        and EnqueueError."""
        return self.enqueue()

    def deliver_in(self, seconds: float | timedelta) -> Handle[None]:
        """Enqueue a job that is due in this many seconds. Raises as deliver does."""
        return self.enqueue(delay=seconds)

    def deliver_at(self, when: float | datetime) -> Handle[None]:
        """Enqueue a job that is due at a time: epoch seconds, or a ``datetime`` with a zone."""
        return self.enqueue(at=when)

    async def adeliver(self) -> Handle[None]:
        """Enqueue the job from a coroutine; see deliver. Awaits Redis."""
        return await self.aenqueue()

    async def adeliver_in(self, seconds: float | timedelta) -> Handle[None]:
        """Enqueue a job that is due in this many seconds; see deliver_in. Awaits Redis."""
        return await self.aenqueue(delay=seconds)

    async def adeliver_at(self, when: float | datetime) -> Handle[None]:
        """Enqueue a job that is due at a time; see deliver_at. Awaits Redis."""
        return await self.aenqueue(at=when)

    def deliver_now(self) -> None:
        """Make the mail and send it here: without a job, so without Redis and retries. Raises
        InvalidMail, the errors of smtplib, and OSError."""
        self.mailer.app.perform(self.job())

    def message(self) -> EmailMessage:
        """Returns the message that would be sent, for previews and tests."""
        job = self.job()
        args, kwargs = declared_arguments(job)
        return job._envelope(*args, **kwargs).message

    def dequeue(self) -> list[str]:
        """Remove the queued and delayed jobs of this mail with these arguments; returns their
        ids."""
        return self.mailer.app.dequeue(self.mailer, *self.call, **self.kwargs)

    async def adequeue(self) -> list[str]:
        """Remove the queued and delayed jobs of this mail; see dequeue. Awaits Redis."""
        return await self.mailer.app.adequeue(self.mailer, *self.call, **self.kwargs)

    def enqueue(self, **when: Any) -> Handle[None]:
        if handle := self.handled_without_queue():
            return handle
        call = self.call  # before using, which may raise: it is used, so that nobody is warned
        try:
            return self.mailer.using(**when).enqueue(*call, **self.kwargs)
        except PayloadTooLarge as error:
            raise too_large(error) from None

    async def aenqueue(self, **when: Any) -> Handle[None]:
        if handle := self.handled_without_queue():
            return handle
        call = self.call
        try:
            return await self.mailer.using(**when).aenqueue(*call, **self.kwargs)
        except PayloadTooLarge as error:
            raise too_large(error) from None

    def handled_without_queue(self) -> Handle[None] | None:
        """Sends or drops the mail where no job is used, and returns a handle; else returns None."""
        if self.mailer.uses_queue():
            return None
        job = self.job()
        if not self.mailer.delivers():
            reason = "perform_deliveries is off"
            return Handle(job.id, job.identifier, job.queue, "rejected", reason, code="rejected")
        self.mailer.app.perform(job)
        return Handle(job.id, job.identifier, job.queue, "queued")

    def job(self) -> Mailer:
        return self.mailer.app.build(self.mailer, *self.call, **self.kwargs)

    @property
    def call(self) -> tuple[Any, ...]:
        """The positional arguments of the job. Reading them marks the delivery as used."""
        self.used = True
        return (self.mail, *self.args)


def too_large(error: PayloadTooLarge) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"{error}. Pass an id instead of the data, and read files that you attach in the method"
    )


class MailMethod(Generic[P, R]):
    """A method of a mailer. Called on the class it returns a Delivery; called on a job it makes the
    mail."""

    def __init__(self, method: Callable[Concatenate[Any, P], R]) -> None:
        self.method = method
        update_wrapper(self, method)  # type: ignore[arg-type]  # for tools that show documentation

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, job: None, mailer: type[Mailer]) -> Callable[P, Delivery]: ...
    @overload
    def __get__(self, job: Mailer, mailer: type[Mailer]) -> Callable[P, R]: ...
    def __get__(self, job: Mailer | None, mailer: type[Mailer]) -> Callable[P, Any]:
        if job is not None:
            return self.method.__get__(job)  # type: ignore[no-any-return]

        def call(*args: P.args, **kwargs: P.kwargs) -> Delivery:
            return Delivery(mailer, self.name, args, kwargs)

        return call


def mail(method: Callable[Concatenate[Any, P], R]) -> MailMethod[P, R]:
    """Mark a method of a mailer. It runs in the worker and returns the mail, or None to send
    nothing."""
    return MailMethod(method)


def mail_methods(mailer: type) -> dict[str, MailMethod[..., Any]]:
    """Returns the mail methods of a class and its bases. Raises ConfigurationError for a name that
    Mailer uses itself, and for a method that replaces a mail method but is not marked."""
    found: dict[str, MailMethod[..., Any]] = {}
    for owner in reversed(mailer.__mro__):
        for name, value in vars(owner).items():
            marked = isinstance(value, MailMethod)
            if marked and hasattr(Mailer, name):
                raise ConfigurationError(
                    f"{owner.__qualname__}.{name}: expected a name that Mailer does not use "
                    f"itself, got {name!r}"
                )
            if not marked and name in found:
                raise ConfigurationError(
                    f"{owner.__qualname__}.{name}: expected @mail, as on the method that it "
                    "replaces, got none"
                )
            if marked:
                found[name] = value
    return found


def template_folders(mailer: type[Mailer]) -> list[Path]:
    """Returns where templates are looked for: the folders of the class first, then its bases'."""
    owners = [each for each in mailer.__mro__ if issubclass(each, Mailer) and each is not Mailer]
    found = (source_folder(each) / vars(each).get("templates", Mailer.templates) for each in owners)
    return list(dict.fromkeys(found))


def source_folder(owner: type) -> Path:
    """Returns the folder of the file that defines a class; the working directory if none does."""
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return Path(file).parent if file else Path.cwd()
