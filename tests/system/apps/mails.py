"""Mailers; where their mails go is in the environment."""

from dataclasses import dataclass

from buoy import DirtyExit, Job, Later, Plugin, hookimpl
from buoy_mailer import Mail, Mailer, mail

from .record import note


@dataclass(frozen=True)
class OnceMore(Plugin):
    """Tries again at once, whatever went wrong."""

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        note("failed", type(error).__name__)
        return Later(0.1) if isinstance(error, OSError | DirtyExit) else None


class ShopMailer(Mailer):
    sender = "shop@example.com"
    plugins = [OnceMore()]


class UserMailer(ShopMailer):
    @mail
    def welcome(self, word: str) -> Mail:
        note("made", word)
        return Mail(to="ann@example.com", bcc="bob@example.com", subject=word, text="Hello")

    @mail
    async def soon(self, word: str) -> Mail:
        return self.welcome(word)

    @mail
    def broken(self) -> Mail:
        raise LookupError("no such user")
