"""Mails before they are made: methods marked with ``@mail``, and what can be done with a call."""

import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from buoy import Handle, PayloadTooLarge

from .value import Mail

if TYPE_CHECKING:
    from .job import Mailer

P = ParamSpec("P")
Made = Mail | None | Coroutine[Any, Any, Mail | None]
R = TypeVar("R", bound=Made)


class Delivery:
    """A call of a mailer's method, ``UserMailer.welcome(42)``: of the mail, nothing is made yet."""

    def __init__(
        self, mailer: "type[Mailer]", mail: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        self.mailer, self.mail, self.args, self.kwargs = mailer, mail, args, kwargs
        self.used = False

    def __del__(self) -> None:
        if not self.used:
            warnings.warn(
                f"{self.mailer.name}.{self.mail} was called, and never delivered; "
                "expected .deliver() behind the call",
                RuntimeWarning,
                stacklevel=2,
            )

    def deliver(self) -> Handle[None]:
        """Put a job on the mailer's queue, which makes the mail and sends it."""
        return self.enqueue()

    def deliver_in(self, seconds: float | timedelta) -> Handle[None]:
        """The same, so many seconds from now."""
        return self.enqueue(delay=seconds)

    def deliver_at(self, when: float | datetime) -> Handle[None]:
        """The same, at a time: epoch seconds, or a ``datetime`` that knows its zone."""
        return self.enqueue(at=when)

    async def adeliver(self) -> Handle[None]:
        """The same as deliver, for programs that await."""
        if settled := self.settled():
            return settled
        try:
            return await self.mailer.aenqueue(*self.call, **self.kwargs)
        except PayloadTooLarge as error:
            raise too_large(error) from None

    def deliver_now(self) -> None:
        """Make the mail and send it, here: without a job, and so without Redis and retries."""
        self.mailer.app.perform(self.job())

    def message(self) -> EmailMessage:
        """The mail as it would be sent: for previews and tests."""
        job = self.job()
        args, kwargs = job.payload.arguments()
        return job.envelope(*args, **kwargs).message

    def dequeue(self) -> list[str]:
        """End the jobs of this very mail that wait or are delayed; returns their ids."""
        return self.mailer.app.dequeue(self.mailer, *self.call, **self.kwargs)

    def enqueue(self, **when: Any) -> Handle[None]:
        if settled := self.settled():
            return settled
        call = self.call  # first: whatever is wrong with the time, somebody has tried
        try:
            return self.mailer.using(**when).enqueue(*call, **self.kwargs)
        except PayloadTooLarge as error:
            raise too_large(error) from None

    def settled(self) -> Handle[None] | None:
        """What there is to say when the mail does not go by way of the queue."""
        if self.mailer.uses_queue():
            return None
        job = self.job()
        if not self.mailer.delivers():
            reason = "perform_deliveries is off"
            return Handle(job.id, job.identifier, job.queue, "rejected", reason)
        self.mailer.app.perform(job)
        return Handle(job.id, job.identifier, job.queue, "queued")

    def job(self) -> "Mailer":
        return self.mailer.app.build(self.mailer, *self.call, **self.kwargs)

    @property
    def call(self) -> tuple[Any, ...]:
        """What the job is enqueued with, in front of the named arguments."""
        self.used = True
        return (self.mail, *self.args)


def too_large(error: PayloadTooLarge) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"{error}. What a mail is made of need not travel: pass an id, and read files, to attach "
        "them, in the method"
    )


class MailMethod(Generic[P, R]):
    """A method of a mailer: called on the class it gives a Delivery, on a run it makes the mail."""

    def __init__(self, method: Callable[Concatenate[Any, P], R]) -> None:
        self.method = method
        update_wrapper(self, method)  # type: ignore[arg-type]  # for what reads documentation

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, run: None, mailer: "type[Mailer]") -> Callable[P, Delivery]: ...
    @overload
    def __get__(self, run: "Mailer", mailer: "type[Mailer]") -> Callable[P, R]: ...
    def __get__(self, run: "Mailer | None", mailer: "type[Mailer]") -> Callable[P, Any]:
        if run is not None:
            return self.method.__get__(run)  # type: ignore[no-any-return]

        def call(*args: P.args, **kwargs: P.kwargs) -> Delivery:
            return Delivery(mailer, self.name, args, kwargs)

        return call


def mail(method: Callable[Concatenate[Any, P], R]) -> MailMethod[P, R]:
    """Mark a method of a mailer: it makes a mail, in the worker. None sends nothing."""
    return MailMethod(method)
