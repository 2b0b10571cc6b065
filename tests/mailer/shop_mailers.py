"""The mailers of the tests, and what they have made."""

import asyncio

from buoy import (
    App,
)
from buoy_mailer import Mail, Mailer, mail, outbox

made: list[str] = []


class ShopMailer(Mailer):
    sender = "Shop <shop@example.com>"
    mail_url = "memory://"


class UserMailer(ShopMailer):
    name = "shop.UserMailer"

    @mail
    def welcome(self, user_id: int, note: str = "", *, dry: bool = False) -> Mail:
        """Greets a new user."""
        made.append(f"welcome {user_id} {note} {dry}")
        return Mail(to=f"user{user_id}@example.com", subject=f"Welcome {user_id}", text=note)

    @mail
    def reminder(self, user_id: int) -> Mail | None:
        return self.welcome(user_id, "again") if user_id < 100 else None

    @mail
    async def soon(self, user_id: int) -> Mail:
        await asyncio.sleep(0)
        return self.welcome(user_id, "awaited")

    @mail
    def wrong(self) -> Mail:
        return "Hello"  # type: ignore[return-value]

    @mail
    def invalid(self) -> Mail:
        return Mail(to="ann", subject="Hello", text="")

    @mail
    def bulk(self, users: list[int]) -> Mail:
        users.append(0)
        return Mail(to="ann@example.com", subject=str(users), text="")


def subjects() -> list[str]:
    return [str(sent.message["Subject"]) for sent in outbox]


def failure(app: App) -> str:
    [view] = app.monitor.failed()
    return f"{view.failure['error']}: {view.failure['message']}"
