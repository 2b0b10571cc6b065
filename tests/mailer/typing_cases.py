"""Read by type checkers, never run; see test_typing.py."""

from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from typing import assert_type

from buoy import Handle
from buoy_mailer import Attachment, Delivery, Envelope, Mail, Mailer, mail, outbox


class ShopMailer(Mailer):
    sender = "shop@example.com"
    queue = "letters"


class UserMailer(ShopMailer):
    @mail
    def welcome(self, user_id: int, note: str = "", *, dry: bool = False) -> Mail:
        assert_type(self.render("welcome.html", user=user_id), str)
        return Mail(to="ann@example.com", subject=note, text=str(dry))

    @mail
    def reminder(self, user_id: int) -> Mail | None:
        assert_type(self.welcome(user_id), Mail)
        self.welcome(str(user_id))  # type: ignore[arg-type]
        return self.welcome(user_id) if user_id else None

    @mail
    async def soon(self, user_id: int) -> Mail:
        return self.welcome(user_id)

    @mail  # type: ignore[type-var]
    def wrong(self) -> str:
        return ""


class OtherMailer(UserMailer):
    @mail
    def welcome(self, user_id: int, note: str = "", *, dry: bool = False) -> Mail:
        return super().welcome(user_id, note, dry=dry)


def right() -> None:
    assert_type(UserMailer.welcome(42), Delivery)
    assert_type(UserMailer.welcome(42, "x", dry=True).deliver(), Handle[None])
    assert_type(UserMailer.welcome(user_id=42).deliver_in(3600), Handle[None])
    assert_type(UserMailer.welcome(42).deliver_in(timedelta(hours=1)), Handle[None])
    assert_type(UserMailer.welcome(42).deliver_at(datetime.now(UTC)), Handle[None])
    assert_type(UserMailer.welcome(42).message(), EmailMessage)
    assert_type(UserMailer.welcome(42).dequeue(), list[str])
    assert_type(OtherMailer.reminder(42), Delivery)
    assert_type(UserMailer.soon(42), Delivery)
    assert_type(outbox, list[Envelope])
    UserMailer.welcome(42).deliver_now()


async def awaited() -> None:
    assert_type(await UserMailer.welcome(42).adeliver(), Handle[None])


def wrong() -> None:
    UserMailer.welcome()  # type: ignore[call-arg]
    UserMailer.welcome("42")  # type: ignore[arg-type]
    UserMailer.welcome(42, 7)  # type: ignore[arg-type]
    UserMailer.welcome(42, "x", True)  # type: ignore[call-arg]
    UserMailer.welcome(42, unknown=1)  # type: ignore[call-arg]
    UserMailer.soon("42")  # type: ignore[arg-type]
    UserMailer.welcom(42)  # type: ignore[attr-defined]
    UserMailer.welcome(42).deliver_in("3600")  # type: ignore[arg-type]
    UserMailer.welcome(42).deliver_at(timedelta(1))  # type: ignore[arg-type]


def mails() -> None:
    Mail(to=["ann@example.com", Address("Bob", addr_spec="bob@example.com")], subject="", html="")
    Mail("ann@example.com", "Hello", attachments=[Attachment("x.csv", "a,b"), Attachment("y", b"")])

    Mail(to=7, subject="")  # type: ignore[arg-type]
    Mail(to="ann@example.com")  # type: ignore[call-arg]
    Mail(to="ann@example.com", subject="", texts="")  # type: ignore[call-arg]
    Attachment("x", 7)  # type: ignore[arg-type]
