"""Composing a message from a Mail: its content, and what is refused."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy_mailer import Attachment, InvalidMail, Mail
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


class TestHeaders:
    def test_every_field_of_a_mail_is_in_the_message(self) -> None:
        sent = composed(
            to=["Ann <ann@example.com>", "bob@example.com"],
            cc="cy@example.com",
            bcc=Address("Dee, the boss", addr_spec="dee@example.com"),
            reply_to="help@example.com",
            subject="Grüße",
            headers={"X-Campaign": "spring", "List-Unsubscribe": "<mailto:x@example.com>"},
        )

        assert sent.sender == "shop@example.com"
        assert sent.recipients == [f"{name}@example.com" for name in ("ann", "bob", "cy", "dee")]
        message = read(sent)
        assert message["From"] == "Shop <shop@example.com>"
        assert message["To"] == "Ann <ann@example.com>, bob@example.com"
        assert message["Cc"] == "cy@example.com"
        assert message["Reply-To"] == "help@example.com"
        assert message["Subject"] == "Grüße"
        assert message["X-Campaign"] == "spring"
        assert message["Date"] == "Sat, 31 Jan 2026 08:00:00 +0000"
        assert message["Message-ID"] == "<a1@example.com>"
        assert b"dee" not in bytes(sent)

    def test_the_sender_of_the_mail_overrides_the_mailers(self) -> None:
        assert composed(sender="a@example.com").sender == "a@example.com"
        mail = Mail(to="ann@example.com", subject="", text="", sender="b@example.org")
        sent = compose(mail, "a@example.com", "a1", NOW)
        assert (sent.sender, sent.message["Message-ID"]) == ("b@example.org", "<a1@example.org>")

    def test_a_recipient_named_twice_gets_one_mail(self) -> None:
        sent = composed(to=["ann@example.com", "Ann <ann@example.com>"], bcc="ann@example.com")
        assert sent.recipients == ["ann@example.com"]

    def test_headers_may_set_message_id_and_date(self) -> None:
        message = read(
            composed(headers={"message-id": "<x@y>", "Date": "Sun, 1 Feb 2026 00:00:00 +0000"})
        )
        assert message.get_all("Message-ID") == ["<x@y>"]
        assert message["Date"].startswith("Sun, 01 Feb 2026")

    def test_a_content_header_describes_the_whole_message(self) -> None:
        message = read(composed(html="<b>x</b>", headers={"Content-Language": "de"}))
        assert message["Content-Language"] == "de"

    def test_a_job_id_with_any_characters_makes_a_valid_message_id(self) -> None:
        one, same, other = (composed(id=id).message["Message-ID"] for id in ("a b", "a b", "a>b"))
        assert one == same != other
        assert one == "<acc9227cc02e5f5c13e74125bce89499@example.com>"

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            (
                {"subject": "Hello\nBcc: evil@example.com"},
                "subject: expected one line of text, got 'Hello\\nBcc: evil@example.com'",
            ),
            ({"subject": "x\r"}, "subject: expected one line of text, got 'x\\r'"),
            ({"subject": "x\u2028"}, "subject: expected one line of text, got 'x\\u2028'"),
            ({"subject": "x\0"}, "subject: expected one line of text, got 'x\\x00'"),
            ({"subject": None}, "subject: expected one line of text, got None"),
            ({"subject": "\ud800"}, "subject: expected text that UTF-8 can encode, got '\\ud800'"),
            (
                {"headers": {"X-A": "1\nBcc: evil@example.com"}},
                "headers: X-A: expected one line of text, got '1\\nBcc: evil@example.com'",
            ),
            (
                {"headers": {"X-A: 1\nBcc": "evil@example.com"}},
                "headers: expected a name like X-Campaign, got 'X-A: 1\\nBcc'",
            ),
            (
                {"headers": {"X" * 77: "x"}},
                f"headers: expected a name like X-Campaign, got '{'X' * 77}'",
            ),
            ({"headers": {"": "x"}}, "headers: expected a name like X-Campaign, got ''"),
            ({"headers": {"Sender": '"'}}, "headers: expected a valid value of Sender, got '\"'"),
            ({"headers": {"Sender": "<"}}, "headers: expected a valid value of Sender, got '<'"),
            (
                {"headers": {"Sender": "Doe, John <john@example.com>"}},
                "headers: expected a valid value of Sender, got 'Doe, John <john@example.com>'",
            ),
            (
                {"headers": {"Resent-To": "nobody:;"}},
                "headers: expected a valid value of Resent-To, got 'nobody:;'",
            ),
            ({"headers": {"Date": "soon"}}, "headers: expected a valid value of Date, got 'soon'"),
            (
                {"headers": {"bcc": "evil@example.com"}},
                "headers: expected a header that no field of Mail sets, got 'bcc'",
            ),
            (
                {"to": "ann@example.com\nBcc: evil@example.com"},
                "to: expected one address like ann@example.com, "
                "got 'ann@example.com\\nBcc: evil@example.com'",
            ),
            (
                {"to": "Ann, evil@example.com <ann@example.com>"},
                "to: expected one address like ann@example.com, "
                "got 'Ann, evil@example.com <ann@example.com>'",
            ),
            (
                {"to": "ann@example.com, bob@example.com"},
                "to: expected one address like ann@example.com, "
                "got 'ann@example.com, bob@example.com'",
            ),
            ({"to": []}, "to: expected at least one recipient, got none"),
            ({"to": None}, "to: expected one address like ann@example.com, got None"),
            ({"to": 7}, "to: expected one address like ann@example.com, got 7"),
            ({"to": [None]}, "to: expected one address like ann@example.com, got None"),
            ({"cc": "ann"}, "cc: expected one address like ann@example.com, got 'ann'"),
            ({"bcc": "ann@"}, "bcc: expected one address like ann@example.com, got 'ann@'"),
            (
                {"reply_to": "@example.com"},
                "reply_to: expected one address like ann@example.com, got '@example.com'",
            ),
            (
                {"sender": "shop"},
                "sender: expected one address like ann@example.com, got 'shop'",
            ),
            ({"text": None}, "text: expected text, html or both, got neither"),
            ({"text": "\ud800"}, "text: expected text that UTF-8 can encode, got '\\ud800'"),
            ({"html": b"x"}, "html: expected text that UTF-8 can encode, got b'x'"),
            (
                {"attachments": [Attachment("a\nb", b"")]},
                "attachments: name: expected one line of text, got 'a\\nb'",
            ),
            (
                {"attachments": [Attachment("a", b"", type="text/x\nBcc: y")]},
                "attachments: expected a type like text/csv or text/calendar; method=REQUEST, "
                "got 'text/x\\nBcc: y'",
            ),
            (
                {"attachments": [Attachment("a.eml", b"", type="Message/rfc822")]},
                "attachments: expected a type other than message/... and multipart/..., "
                "got 'Message/rfc822'; without a type it is attached as a file",
            ),
            (
                {"attachments": ["bill.pdf"]},
                "attachments: expected Attachment(name, content) or Attachment.file(path), "
                "got 'bill.pdf'",
            ),
            (
                {"attachments": [Attachment("a", 5)]},  # type: ignore[arg-type]
                "attachments: a: expected bytes or str, got int",
            ),
        ],
    )
    def test_an_invalid_field_raises_invalid_mail(self, fields: Any, message: str) -> None:
        with pytest.raises(InvalidMail) as raised:
            composed(**fields)

        assert str(raised.value) == message

    def test_a_long_link_in_a_header_is_not_encoded(self) -> None:
        link = f"<https://example.com/{'a' * 200}>, <mailto:help@example.com>"
        sent = composed(headers={"List-Unsubscribe": link}, subject="a" * 300)

        assert f"List-Unsubscribe: {link}\r\n".encode() in bytes(sent)
        assert f"Subject: {'a' * 300}\r\n".encode() in bytes(sent)

    @pytest.mark.parametrize("word", ["a", "ü", "世"])
    def test_a_word_longer_than_a_line_is_unchanged(self, word: str) -> None:
        sent = composed(subject=word * 2000, headers={"X-A": word * 900})
        assert read(sent)["Subject"] == word * 2000
        assert read(sent)["X-A"] == word * 900
        assert max(map(len, bytes(sent).split(b"\r\n"))) <= 998

    @given(st.lists(st.text(st.characters(categories=["L", "P"]), max_size=90), max_size=5))
    def test_any_subject_is_unchanged(self, words: list[str]) -> None:
        subject = " ".join(word for word in words if word)
        sent = composed(subject=subject)
        assert read(sent)["Subject"] == subject
        assert bytes(sent).isascii()

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_no_subject_or_name_adds_a_header_or_a_recipient(self, subject: str, name: str) -> None:
        try:
            sent = composed(subject=subject, to=f"{name} <ann@example.com>", headers={"X-A": name})
        except InvalidMail:
            return
        assert sent.recipients == ["ann@example.com"]
        message = read(sent)
        assert [each.addr_spec for each in message["To"].addresses] == ["ann@example.com"]
        assert sorted(message.keys()) == sorted(
            [
                *("From", "To", "Subject", "Date", "Message-ID", "X-A"),
                *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
            ]
        )


class TestBodies:
    def test_a_mail_with_text_only_has_one_part(self) -> None:
        message = read(composed(text="Grüße\n"))

        assert message.get_content_type() == "text/plain"
        assert content(message) == "Grüße\n"
        assert bytes(composed(text="Grüße\n")).isascii()

    def test_text_and_html_are_alternatives(self) -> None:
        message = read(composed(text="plain\n", html="<p>rich</p>\n"))

        assert message.get_content_type() == "multipart/alternative"
        assert [content(part) for part in message.iter_parts()] == ["plain\n", "<p>rich</p>\n"]

    def test_a_mail_with_html_only_gets_a_text_part(self) -> None:
        message = read(composed(text=None, html="<p>Hello <a href='http://x.y'>Ann</a></p>"))

        assert content(message.get_body(("plain",))) == "Hello Ann (http://x.y)\n"

    def test_attachments_keep_their_names_types_and_content(self, tmp_path: Path) -> None:
        (tmp_path / "bill.pdf").write_bytes(b"%PDF\n\x00\xff")
        message = read(
            composed(
                html="<p>x</p>",
                attachments=[
                    Attachment.file(tmp_path / "bill.pdf"),
                    Attachment("Größe.csv", "a;ü\n"),
                    Attachment("log.txt.gz", b"\x1f"),
                    Attachment("x", b"y", type="application/json"),
                    Attachment("mail.eml", b"Subject: x\r\n\r\ny"),
                ],
            )
        )

        assert message.get_content_type() == "multipart/mixed"
        found = [
            (part.get_filename(), part.get_content_type()) for part in message.iter_attachments()
        ]
        assert found == [
            ("bill.pdf", "application/pdf"),
            ("Größe.csv", "text/csv"),
            ("log.txt.gz", "application/octet-stream"),
            ("x", "application/json"),
            ("mail.eml", "application/octet-stream"),
        ]
        first, second, *_, last = message.iter_attachments()
        assert first.get_content() == b"%PDF\n\x00\xff"
        assert second.get_content() == "a;ü\n"
        assert last.get_content() == b"Subject: x\r\n\r\ny"

    def test_an_image_with_a_cid_is_related_to_the_html(self) -> None:
        image = Attachment("logo.png", b"\x89PNG", cid="logo")
        message = read(composed(html="<img src='cid:logo'>", attachments=[image]))

        body = message.get_body(("related",))
        assert body is not None
        _, shown = body.iter_parts()
        assert (shown["Content-ID"], shown.get_content()) == ("<logo>", b"\x89PNG")
        assert shown.get_content_disposition() == "inline"

    @given(st.binary(max_size=3000))
    def test_any_attached_bytes_are_unchanged(self, data: bytes) -> None:
        message = read(composed(attachments=[Attachment("x.bin", data)]))
        [part] = message.iter_attachments()
        assert part.get_content() == data

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
    def test_any_text_is_sent_in_7_bits_and_unchanged(self, text: str) -> None:
        sent = composed(text=text)
        assert bytes(sent).isascii()
        assert content(read(sent)).removesuffix("\n") == text
