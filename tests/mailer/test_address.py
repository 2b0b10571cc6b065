"""Parsing addresses, and writing international ones."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from buoy_mailer import InvalidMail, Mail
from buoy_mailer.address import parse_address
from buoy_mailer.compose import compose

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def composed(id: str = "a1", sender: str = "Shop <shop@example.com>", **fields: Any) -> Any:
    given = {"to": "ann@example.com", "subject": "Hello", "text": "Hello\n"} | fields
    return compose(Mail(**given), sender, id, NOW)


def read(envelope: Any) -> EmailMessage:
    """Returns the message as its receiver parses it."""
    message = message_from_bytes(bytes(envelope), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def content(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "spec"),
        [
            ("ann@example.com", "ann@example.com"),
            ("J. Doe <j@example.com>", "j@example.com"),
            ('"Doe, J." <j@example.com>', "j@example.com"),
            ("root@localhost", "root@localhost"),
            ("ann@[127.0.0.1]", "ann@[127.0.0.1]"),
            ('"a b"@example.com', '"a b"@example.com'),
            ("ann+tag@example.com", "ann+tag@example.com"),
            ("ünal@example.org", "ünal@example.org"),
            ("ann@straße.de", "ann@xn--strae-oqa.de"),
            ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
            ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ],
    )
    def test_a_valid_address_is_parsed(self, text: str, spec: str) -> None:
        assert parse_address(text, "to").addr_spec == spec

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "ann",
            "ann@",
            "@x",
            "a@b@c",
            "<a@b",
            "a b@x.com",
            "g: a@x.com;",
            "ann@x..de\u00fc",
        ],
    )
    def test_an_invalid_address_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidMail):
            parse_address(text, "to")

    def test_an_address_object_is_checked(self) -> None:
        sent = composed(to=Address("Doe, J. <x@y.z>", addr_spec="j@straße.de"))

        assert sent.recipients == ["j@xn--strae-oqa.de"]
        assert read(sent)["To"].addresses[0].display_name == "Doe, J. <x@y.z>"

    def test_an_international_address_is_written_unencoded(self) -> None:
        sent = composed(to="ünal@example.org", subject="Grüße")

        assert sent.international
        assert "To: ünal@example.org\r\n".encode() in bytes(sent)
        assert not composed(to="Ünal <u@example.org>").international
