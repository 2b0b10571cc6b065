"""Calling mailers: with a job and without one."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import (
    App,
    ConfigurationError,
    EnqueueError,
    InvalidArguments,
    Job,
    PayloadTooLarge,
    Plugin,
    hookimpl,
)
from buoy.cli import main
from buoy.testing import Clock, assert_enqueued, drain
from buoy_mailer import InvalidMail, Mail, Mailer, mail, outbox

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


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    made.clear()


def subjects() -> list[str]:
    return [str(sent.message["Subject"]) for sent in outbox]


def failure(app: App) -> str:
    [view] = app.monitor.failed()
    return f"{view.failure['error']}: {view.failure['message']}"


class TestJob:
    def test_the_method_runs_in_the_worker(self, buoy_app: App) -> None:
        handle = UserMailer.welcome(42, note="Hello").deliver()

        assert (handle.state, handle.queue, made, outbox) == ("queued", "mail", [], [])
        [view] = buoy_app.monitor.peek("mail")
        assert (view.name, view.args, view.kwargs) == (
            "shop.UserMailer",
            ["welcome", 42, "Hello"],
            {},
        )
        assert drain(buoy_app) == {"done": 1}
        assert made == ["welcome 42 Hello False"]
        [sent] = outbox
        assert (sent.sender, sent.recipients) == ("shop@example.com", ["user42@example.com"])
        assert sent.message["Message-ID"] == f"<{handle.id}@example.com>"

    def test_deliver_in_and_deliver_at_delay_the_job(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        assert UserMailer.welcome(1).deliver_in(3600).state == "delayed"
        assert UserMailer.welcome(2).deliver_in(timedelta(hours=2)).state == "delayed"
        when = datetime.now(UTC) + timedelta(hours=3)
        assert UserMailer.welcome(3).deliver_at(when).state == "delayed"

        for hour in range(4):
            assert drain(buoy_app).total() == (hour > 0)
            buoy_clock.advance(3601)
        assert subjects() == ["Welcome 1", "Welcome 2", "Welcome 3"]

    def test_adeliver_enqueues_from_a_coroutine(self, buoy_app: App) -> None:
        async def program() -> str:
            handle = await UserMailer.welcome(42).adeliver()
            await buoy_app.aclose()
            return handle.state

        assert asyncio.run(program()) == "queued"
        assert drain(buoy_app) == {"done": 1}

    def test_a_mail_method_may_be_async(self, buoy_app: App) -> None:
        UserMailer.soon(42).deliver()

        assert drain(buoy_app) == {"done": 1}
        assert outbox[0].message.get_content().strip() == "awaited"

    def test_a_mail_method_may_call_another_and_may_return_none(self, buoy_app: App) -> None:
        UserMailer.reminder(42).deliver()
        UserMailer.reminder(100).deliver()

        assert drain(buoy_app) == {"done": 2}
        assert subjects() == ["Welcome 42"]

    def test_equal_mails_have_equal_identifiers(self, buoy_app: App) -> None:
        one, same = UserMailer.welcome(42).deliver(), UserMailer.welcome(user_id=42).deliver()
        other, third = UserMailer.welcome(43).deliver(), UserMailer.reminder(42).deliver()

        assert one.identifier == same.identifier
        assert len({one.identifier, other.identifier, third.identifier}) == 3
        assert_enqueued(UserMailer, "welcome", 42)
        assert sorted(UserMailer.welcome(42).dequeue()) == [one.id, same.id]
        assert UserMailer.welcome(42).dequeue() == []

    def test_the_next_attempt_gets_the_original_arguments(self, buoy_app: App) -> None:
        UserMailer.bulk([1]).deliver()
        [view] = buoy_app.monitor.peek("mail")
        drain(buoy_app)
        assert (view.args, subjects()) == (["bulk", [1]], ["[1, 0]"])

    def test_plugins_and_queue_are_inherited(self, buoy_app: App) -> None:
        heard: list[str] = []

        @dataclass(frozen=True)
        class Loud(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                heard.append(f"{job.queue} {job.payload.args}")
                return (yield)

        class Base(ShopMailer):
            queue = "letters"
            plugins = [Loud()]

        class Child(Base):
            @mail
            def hello(self) -> Mail:
                return Mail(to="ann@example.com", subject=f"attempt {self.attempt}", text="")

        class Grandchild(Child):
            @mail
            def hello(self) -> Mail:
                made.append("overridden")
                return super().hello()

        Child.hello().deliver()
        Grandchild.hello().deliver()
        drain(buoy_app)

        assert heard == ["letters ['hello']", "letters ['hello']"]
        assert made == ["overridden"]

    def test_a_mail_can_be_enqueued_by_name_and_by_command(self, buoy_app: App) -> None:
        UserMailer.using(queue="bulk", id="mine").enqueue("welcome", 1)
        buoy_app.push("shop.UserMailer", ["welcome", 2], queue="mail")
        result = CliRunner().invoke(
            main, ["enqueue", "-a", __name__, "shop.UserMailer", '["welcome", 3]']
        )

        assert result.exit_code == 0, result.output
        drain(buoy_app)
        assert sorted(subjects()) == ["Welcome 1", "Welcome 2", "Welcome 3"]


class TestMistakes:
    @pytest.mark.parametrize(
        ("delivery", "message"),
        [
            (
                UserMailer.welcome,
                "shop.UserMailer.welcome: expected arguments for welcome(user_id: int, note: str "
                "= '', *, dry: bool = False) -> buoy_mailer.mail_types.Mail, but missing a "
                "required argument: 'user_id'",
            ),
            (
                lambda: UserMailer.welcome(1, note=b"x"),  # type: ignore[arg-type]
                "shop.UserMailer.welcome: argument 2: expected str, int, float, bool, None, list "
                "or dict, got bytes",
            ),
            (
                lambda: UserMailer.welcome(object()),  # type: ignore[arg-type]
                "shop.UserMailer.welcome: argument 1: expected str, int, float, bool, None, list "
                "or dict, got object",
            ),
        ],
    )
    def test_arguments_are_checked_where_the_mail_is_delivered(
        self, buoy_app: App, delivery: Any, message: str
    ) -> None:
        for method in ("deliver", "deliver_now", "message"):
            with pytest.raises(InvalidArguments, match=f"^{re.escape(message)}$"):
                getattr(delivery(), method)()
        assert buoy_app.monitor.queue_names() == []

    def test_an_unknown_mail_name_is_refused(self, buoy_app: App) -> None:
        known = "welcome, reminder, soon, wrong, invalid, bulk"
        for args, got in (((), "None"), (("welcom", 1), "'welcom'"), ((7,), "7")):
            with pytest.raises(InvalidArguments) as raised:
                UserMailer.using().enqueue(*args)
            assert str(raised.value) == (
                f"shop.UserMailer: expected the name of a mail ({known}), got {got}"
            )
        buoy_app.push("shop.UserMailer", ["welcom", 1], queue="mail")
        assert drain(buoy_app) == {"failed": 1}
        assert failure(buoy_app) == (
            "buoy.errors.InvalidArguments: shop.UserMailer: expected the name of a mail "
            f"({known}), got 'welcom'"
        )

    def test_a_payload_that_is_too_large_is_refused_with_advice(self, buoy_app: App) -> None:
        for deliver in (
            UserMailer.welcome(1, "x" * 2**20).deliver,
            lambda: asyncio.run(UserMailer.welcome(1, "x" * 2**20).adeliver()),
        ):
            with pytest.raises(PayloadTooLarge) as raised:
                deliver()
            assert re.fullmatch(
                r"shop\.UserMailer: expected a payload of at most 1048576 bytes, got 1048\d+; "
                "store the data elsewhere and pass its key, or raise BUOY_MAX_PAYLOAD\\. Pass an "
                "id instead of the data, and read files that you attach in the method",
                str(raised.value),
            )

    @pytest.mark.parametrize(
        ("delivery", "message"),
        [
            (
                UserMailer.wrong,
                "buoy_mailer.errors.InvalidMail: shop.UserMailer.wrong: expected a Mail, "
                "got 'Hello'",
            ),
            (
                UserMailer.invalid,
                "buoy_mailer.errors.InvalidMail: shop.UserMailer.invalid: to: expected one "
                "address like ann@example.com, got 'ann'",
            ),
        ],
    )
    def test_the_error_of_an_invalid_mail_names_the_method(
        self, buoy_app: App, delivery: Any, message: str
    ) -> None:
        delivery().deliver()

        assert drain(buoy_app) == {"failed": 1}
        assert failure(buoy_app) == message
        with pytest.raises(InvalidMail):
            delivery().deliver_now()

    def test_a_mailer_without_a_sender_is_refused(self, buoy_app: App) -> None:
        class Nobody(Mailer):
            name = "shop.Nobody"
            mail_url = "memory://"

            @mail
            def hello(self, sender: str | None) -> Mail:
                return Mail(to="ann@example.com", subject="", text="", sender=sender)

        Nobody.hello("shop@example.com").deliver_now()
        assert len(outbox) == 1
        with pytest.raises(ConfigurationError) as raised:
            Nobody.hello(None).deliver_now()
        assert str(raised.value) == (
            "shop.Nobody.sender: expected an address, got none; set it on the class, "
            "or give Mail(sender=...)"
        )

    def test_invalid_mailer_classes_are_refused(self) -> None:
        with pytest.raises(ConfigurationError) as raised:

            class Taken(Mailer):
                @mail
                def enqueue(self) -> Mail:  # type: ignore[override]
                    raise NotImplementedError

        assert str(raised.value) == (
            f"{TAKEN}.enqueue: expected a name that Mailer does not use itself, got 'enqueue'"
        )
        with pytest.raises(ConfigurationError) as raised:

            class Unmarked(UserMailer):
                def welcome(self, user_id: int) -> Mail:  # type: ignore[override]
                    raise NotImplementedError

        assert str(raised.value) == (
            f"{TAKEN.replace('Taken', 'Unmarked')}.welcome: expected @mail, as on the "
            "method that it replaces, got none"
        )
        with pytest.raises(ConfigurationError) as raised:

            class Text(Mailer):
                name = "shop.Text"
                excluded_environments = "test"

        assert str(raised.value) == (
            "shop.Text.excluded_environments: expected several names, got 'test'; "
            "put them in a tuple"
        )
        with pytest.raises(ConfigurationError, match=r"^BUOY_MAIL_URL: expected smtp://HOST, "):

            class Nowhere(Mailer):
                mail_url = "localhost"

        with pytest.raises(InvalidMail) as invalid:

            class Sender(Mailer):
                name = "shop.Sender"
                sender = "nobody"

        assert str(invalid.value) == (
            "shop.Sender.sender: expected one address like ann@example.com, got 'nobody'"
        )


TAKEN = "TestMistakes.test_invalid_mailer_classes_are_refused.<locals>.Taken"


class TestHere:
    def test_deliver_now_needs_no_redis(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1"))

        UserMailer.welcome(42).deliver_now()
        UserMailer.soon(43).deliver_now()
        UserMailer.reminder(100).deliver_now()

        assert subjects() == ["Welcome 42", "Welcome 43"]
        with pytest.raises(EnqueueError):
            UserMailer.welcome(42).deliver()

    def test_deliver_now_works_on_an_event_loop(self) -> None:
        async def program() -> None:
            UserMailer.soon(42).deliver_now()

        asyncio.run(program())
        assert subjects() == ["Welcome 42"]

    def test_message_returns_the_mail_and_sends_nothing(self) -> None:
        for delivery in (UserMailer.welcome(42), UserMailer.soon(42)):
            assert delivery.message()["To"] == "user42@example.com"
        assert outbox == []

    def test_inline_mode_sends_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1", inline=True))

        assert UserMailer.welcome(42).deliver().state == "queued"
        assert subjects() == ["Welcome 42"]


class TestSwitches:
    def test_in_excluded_environments_deliver_sends_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1"))
        monkeypatch.setenv("BUOY_ENV", "test")

        handle = UserMailer.welcome(42).deliver_in(3600)

        assert (handle.state, handle.queue) == ("queued", "mail")
        assert outbox[0].message["Message-ID"] == f"<{handle.id}@example.com>"
        assert asyncio.run(UserMailer.welcome(43).adeliver()).state == "queued"
        assert subjects() == ["Welcome 42", "Welcome 43"]

    def test_a_class_may_set_its_excluded_environments(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Quiet(UserMailer):
            excluded_environments = ("ci",)

        monkeypatch.setenv("BUOY_ENV", "test")
        Quiet.welcome(1).deliver()
        assert outbox == []
        monkeypatch.setenv("BUOY_ENV", "ci")
        Quiet.welcome(2).deliver()
        assert subjects() == ["Welcome 2"]

    @pytest.mark.parametrize("by", ["class", "environment"])
    def test_with_perform_deliveries_off_nothing_is_sent(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        class Switched(UserMailer):
            pass

        before = Switched.welcome(1).deliver()
        if by == "class":
            Switched.perform_deliveries = False
        else:
            monkeypatch.setenv("BUOY_MAIL_DELIVERIES", "0")

        handle = Switched.welcome(2).deliver()
        Switched.welcome(3).deliver_now()

        assert (handle.state, handle.reason) == ("rejected", "perform_deliveries is off")
        assert drain(buoy_app) == {"done": 1}  # what had been enqueued before
        assert buoy_app.find(before.id) is None
        assert outbox == []
        with pytest.raises(InvalidArguments):
            Switched.welcome("1", 2, 3).deliver()  # type: ignore[call-arg, arg-type]
        Switched.perform_deliveries = True
        Switched.welcome(4).deliver_now()
        assert subjects() == ["Welcome 4"]


def test_an_invalid_deliveries_switch_raises_and_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUOY_MAIL_DELIVERIES", "disabled")

    with pytest.raises(ConfigurationError) as raised:
        UserMailer.welcome(42).deliver_now()

    assert str(raised.value) == "BUOY_MAIL_DELIVERIES: expected 0 or 1, got 'disabled'"
    assert outbox == []


def test_a_mail_method_keeps_its_name_and_docstring() -> None:
    assert vars(UserMailer)["welcome"].__doc__ == "Greets a new user."


def test_an_undelivered_call_warns() -> None:
    message = (
        "shop.UserMailer.welcome was called, but not delivered; expected .deliver() after the call"
    )
    with pytest.warns(RuntimeWarning, match=f"^{re.escape(message)}$"):
        UserMailer.welcome(42)


def test_a_delivery_with_an_invalid_time_does_not_warn(
    recwarn: pytest.WarningsRecorder,
) -> None:
    delivery = UserMailer.welcome(42)
    with pytest.raises(ConfigurationError, match=r"^using\(delay\): expected 0 or more seconds"):
        delivery.deliver_in(-1)

    delivery.__del__()

    assert not recwarn.list
