"""Errors of wrong use of mailers."""

import asyncio
import re
from typing import Any

import pytest

from buoy import (
    App,
    ConfigurationError,
    InvalidArguments,
    PayloadTooLarge,
)
from buoy.testing import drain
from buoy_mailer import InvalidMail, Mail, Mailer, mail, outbox

from .shop_mailers import UserMailer, failure

WAY_OUT = (
    "; declare its type in welcome, for which buoy may have a codec (docs/arguments.md), or pass "
    "what JSON holds, such as an id"
)


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
                f"or dict, got bytes{WAY_OUT}",
            ),
            (
                lambda: UserMailer.welcome(object()),  # type: ignore[arg-type]
                "shop.UserMailer.welcome: argument 1: expected str, int, float, bool, None, list "
                f"or dict, got object{WAY_OUT}",
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
