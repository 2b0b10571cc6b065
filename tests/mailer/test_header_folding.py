"""Receivers parse headers back unchanged, with any content."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buoy_mailer import Attachment, InvalidMail, Mail
from buoy_mailer.compose import compose

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
LONG = "ceo@corp.example, Office of the Chief Executive Officer, Berlin and Munich and Hamburg"

# What ends lines is refused; halves of surrogate pairs, too.
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
SPECIAL = st.sampled_from([", ", "<x@evil.example>", '"', "\\", "=?utf-8?q?=41?=", "  ", ";", "ü"])
TEXTS = st.lists(SPECIAL | st.text(LETTERS, max_size=80), max_size=12).map("".join)
NAMES = TEXTS.map(str.strip)
SPECS = st.sampled_from(
    ["a@example.com", "b.c+d@example.org", '"a, b"@example.com', "x" * 60 + "@y.z"]
)


def written(**fields: Any) -> bytes:
    given = {"to": "ann@example.com", "subject": "Hello", "text": "Hello\n"} | fields
    return bytes(compose(Mail(**given), "Shop <shop@example.com>", "a1", NOW))


def raw(message: bytes, name: str) -> str:
    """Returns a header as it is written, on one line."""
    head = message.partition(b"\r\n\r\n")[0].decode()
    [found] = re.findall(rf"^{name}: ([^\r]*(?:\r\n[ \t][^\r]*)*)", head, re.MULTILINE)
    return str(found).replace("\r\n", "")


def lines(message: bytes) -> list[str]:
    return message.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def parsed(message: bytes) -> EmailMessage:
    found = message_from_bytes(message, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


def check_form(message: bytes) -> None:
    """Asserts that no line is too long or empty, and no encoded word too long."""
    assert message.partition(b"\r\n\r\n")[0].isascii()
    for line in lines(message):
        assert len(line) <= 998
        assert line.strip()
        assert not re.fullmatch(r"\S+:", line)
        words = re.findall(r"=\?\S+\?=", line)
        assert all(len(word) <= 75 for word in words)
        if any(word.startswith("=?utf-8?b?") for word in words):
            assert len(line) <= 76 or '"' in line


@given(st.lists(st.tuples(NAMES, SPECS), min_size=1, max_size=6))
@example([(LONG, "eve@evil.example"), ("", "b@c.d"), ("ü" * 500, "x@y.z")])
@example([(", " * 300 + "x", "a@b.c"), ("世界 " * 99 + "x", "b@c.d")])
def test_any_addresses_are_parsed_back_unchanged(people: list[tuple[str, str]]) -> None:
    given = [Address(name, addr_spec=spec) for name, spec in people]
    message = written(to=given, cc=given, reply_to=given)
    check_form(message)
    for name in ("To", "Cc", "Reply-To"):
        found = getaddresses([raw(message, name)])
        assert [(decoded(each), spec) for each, spec in found] == people
        there = parsed(message)[name].addresses
        assert [each.addr_spec for each in there] == [spec for _, spec in people]


@given(NAMES.filter(lambda name: name.isascii() and name.isprintable() and "=?" not in name))
def test_a_name_of_printable_ascii_is_never_encoded(name: str) -> None:
    sent = written(to=Address(name[:400].strip(), addr_spec="a@b.c"))
    assert parsed(sent)["To"].addresses[0].display_name == name[:400].strip()
    assert b"=?utf-8" not in sent


@given(TEXTS)
@example("a" * 70 + " " + "b" * 9)
@example(" led and followed by spaces  ")
@example("tab\tand  two")
@example("x" * 2000)
def test_any_text_headers_are_parsed_back_unchanged(text: str) -> None:
    message = written(subject=text, headers={"X-Campaign": text, f"X-{'a' * 40}": text})
    check_form(message.replace(b"Subject: \r\n", b""))  # it may be empty
    for name in ("Subject", "X-Campaign", f"X-{'a' * 40}"):
        assert decoded(raw(message, name)) == text


@given(NAMES.filter(bool))
@example("a b " * 60 + ".pdf")
@example("Größe " * 60 + ".pdf")
@example("it's 100%;'utf-8''x.pdf")
def test_any_file_name_is_parsed_back_unchanged(name: str) -> None:
    message = written(attachments=[Attachment(name, b"x")])
    [part] = parsed(message).iter_attachments()
    assert part["Content-Disposition"].params["filename"] == name
    assert all(len(line) <= 998 for line in message.decode().split("\r\n"))


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\0", "\x1b[31m", "a\u2028b", "\ud800", 5])
def test_an_invalid_display_name_is_refused(name: Any) -> None:
    try:
        address = Address(name, addr_spec="a@b.c")
    except (TypeError, ValueError):
        return  # the library does not have it either
    with pytest.raises(InvalidMail, match=r"^to: expected one address like ann@example.com, got "):
        written(to=address)


@pytest.mark.parametrize("spec", ["x" * 310 + "@example.com", "x@" + "y." * 160 + "com"])
def test_an_address_that_is_too_long_is_refused(spec: str) -> None:
    with pytest.raises(InvalidMail, match=r"^to: expected one address like ann@example.com, got "):
        written(to=spec)


def test_a_name_that_looks_like_an_encoded_word_is_not_decoded() -> None:
    name = "=?utf-8?q?boss=40corp=2Eexample?="
    message = written(to=Address(name, addr_spec="eve@evil.example"))
    assert decoded(raw(message, "To").split(" <")[0]) == name


ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


class TestInvitation:
    def test_an_invitation_is_an_alternative_of_the_text(self) -> None:
        kind = "text/calendar; method=REQUEST"
        message = parsed(
            written(
                html="<p>Come</p>",
                attachments=[
                    Attachment("logo.png", b"1", cid="logo"),
                    Attachment("map.pdf", b"1"),
                    Attachment("invite.ics", ICS, kind, alternative=True),
                    Attachment("invite.ics", ICS, kind),
                ],
            )
        )
        mixed = list(message.iter_parts())
        assert [part.get_content_type() for part in mixed] == [
            "multipart/alternative",
            "application/pdf",
            "text/calendar",
        ]
        alternatives = list(mixed[0].iter_parts())
        assert [part.get_content_type() for part in alternatives] == [
            "text/plain",
            "multipart/related",
            "text/calendar",
        ]
        for part in (alternatives[2], mixed[2]):
            assert part["Content-Type"].params == {"method": "REQUEST", "charset": "utf-8"}
            assert part.get_content() == ICS
        assert mixed[2].get_filename() == "invite.ics"
        assert alternatives[2].get_content_disposition() is None

    def test_a_mail_without_html_may_have_an_invitation(self) -> None:
        invitation = Attachment("i.ics", ICS, "text/calendar; method=REQUEST", alternative=True)
        message = parsed(written(attachments=[invitation]))
        assert message.get_content_type() == "multipart/alternative"

    @pytest.mark.parametrize(
        "kind",
        ["text/calendar; method", "text/calendar; a=b\r\nc: d", "text/x; a=ü", "text/", "text"],
    )
    def test_an_invalid_type_is_refused(self, kind: str) -> None:
        wanted = (
            "attachments: expected a type like text/csv or text/calendar; method=REQUEST, "
            f"got {kind!r}"
        )
        with pytest.raises(InvalidMail, match=f"^{re.escape(wanted)}$"):
            written(attachments=[Attachment("x", b"", kind)])

    def test_an_alternative_with_a_cid_is_refused(self) -> None:
        both = Attachment("x.ics", ICS, cid="x", alternative=True)
        with pytest.raises(
            InvalidMail, match=r"^attachments: expected alternative or cid, got both"
        ):
            written(attachments=[both])
