"""Makes the message and the envelope of a mail, which are then sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from .address import is_control, is_harmful, parse_address, parse_addresses
from .errors import InvalidMail
from .header_folding import ASCII_POLICY, UTF8_POLICY, needs_no_encoding
from .html_to_text import html_to_text
from .mail_types import NESTED_MAIL_TYPES, Attachment, Mail

HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
DOT_ATOM = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)
LONGEST_LOCAL_PART = 64
FIELD_HEADERS = {"from", "to", "cc", "bcc", "subject", "reply-to", "content-type", "mime-version"}
FIELD_HEADERS |= {"content-transfer-encoding"}
"""Headers that are made from the fields of Mail."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with its sender and recipients. The server obeys these, not the headers."""

    id: str
    sender: str
    recipients: list[str]
    message: EmailMessage
    international: bool = False
    """Whether an address needs a server with SMTPUTF8."""

    def __bytes__(self) -> bytes:
        return self.message.as_bytes(policy=UTF8_POLICY if self.international else ASCII_POLICY)


def compose(mail: Mail, sender: str, id: str, now: datetime) -> Envelope:
    """Returns the envelope of a mail that is sent at ``now``; raises InvalidMail.

    The Message-ID is made from ``id``, the id of the job. All attempts of a job have one
    Message-ID, so receivers recognise a mail that is sent twice.
    """
    origin = parse_address(mail.sender or sender, "sender")
    visible = {
        "To": parse_addresses(mail.to, "to"),
        "Cc": parse_addresses(mail.cc, "cc"),
        "Reply-To": parse_addresses(mail.reply_to, "reply_to"),
    }
    bcc = parse_addresses(mail.bcc, "bcc")
    recipients = [each.addr_spec for each in (*visible["To"], *visible["Cc"], *bcc)]
    if not recipients:
        raise InvalidMail("to: expected at least one recipient, got none")
    every = [origin, *bcc, *(each for some in visible.values() for each in some)]
    international = not all(each.addr_spec.isascii() for each in every)
    message = EmailMessage(policy=UTF8_POLICY if international else ASCII_POLICY)
    message["From"] = origin
    for name, addresses in visible.items():
        if addresses:
            message[name] = addresses
    message["Subject"] = one_line_text(mail.subject, "subject")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{local_part(id)}@{origin.domain}>"
    add_bodies(message, mail)
    add_headers(message, mail)  # after the bodies, which replace headers named Content-...
    unique = list(dict.fromkeys(recipients))
    return Envelope(id, origin.addr_spec, unique, message, international)


def add_headers(message: EmailMessage, mail: Mail) -> None:
    """Add ``Mail.headers``; raises InvalidMail."""
    for name, value in mail.headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise InvalidMail(f"headers: expected a name like X-Campaign, got {name!r:.200}")
        if name.lower() in FIELD_HEADERS:
            raise InvalidMail(
                f"headers: expected a header that no field of Mail sets, got {name!r}"
            )
        del message[name]
        message[name] = checked_value(name, one_line_text(value, f"headers: {name}"))


def checked_value(name: str, text: str) -> str:
    """Returns the text if a header of that name can hold it, else raises InvalidMail. Some headers
    hold addresses or times."""
    try:
        parsed: Any = default.header_factory(name, text)
        wrong = is_malformed(parsed)
    except Exception:  # noqa: BLE001 - the parser of the standard library raises many kinds
        wrong = True
    if wrong:
        raise InvalidMail(f"headers: expected a valid value of {name}, got {text!r:.200}")
    return text


def is_malformed(header: Any) -> bool:
    if isinstance(header, UnstructuredHeader):
        return False
    if any(map(is_harmful, header.defects)):
        return True
    if not isinstance(header, AddressHeader):
        return False
    specs = [each.addr_spec for each in header.addresses]
    return not specs or any("@" not in spec or not spec.isascii() for spec in specs)


def add_bodies(message: EmailMessage, mail: Mail) -> None:
    """Add the text, the HTML and the attachments; raises InvalidMail."""
    if mail.text is None and mail.html is None:
        raise InvalidMail("text: expected text, html or both, got neither")
    text = html_to_text(mail.html or "") if mail.text is None else mail.text
    message.set_content(checked_text(text, "text"))
    html_part = message
    if mail.html is not None:
        message.add_alternative(checked_text(mail.html, "html"), subtype="html")
        html_part = message.get_payload(1)  # type: ignore[assignment]  # the part just added
    # Alternatives come first: their part of the message holds the text, too.
    for each in sorted(mail.attachments, key=is_no_alternative):
        attach(message, html_part, each)


def is_no_alternative(attachment: object) -> bool:
    return not (isinstance(attachment, Attachment) and attachment.alternative)


def attach(message: EmailMessage, html_part: EmailMessage, attachment: Attachment) -> None:
    """Add one attachment; raises InvalidMail. Images with a ``cid`` become part of the HTML."""
    kind = type_arguments(attachment)
    name: Any = one_line_text(attachment.name, "attachments: name")
    if not needs_no_encoding(name):  # with a charset (RFC 2231) the library does not decode it
        name = ("utf-8", "", name)
    data = checked_content(attachment)
    if attachment.alternative:
        message.add_alternative(data, **kind)
    elif attachment.cid is None:
        message.add_attachment(data, filename=name, **kind)
    else:
        cid = one_line_text(attachment.cid, "attachments: cid")
        html_part.add_related(data, cid=f"<{cid}>", disposition="inline", filename=name, **kind)


def type_arguments(attachment: object) -> dict[str, Any]:
    """Returns the type of an attachment as arguments of EmailMessage.add_...; raises InvalidMail
    for an object that cannot be attached."""
    if not isinstance(attachment, Attachment):
        raise InvalidMail(
            "attachments: expected Attachment(name, content) or Attachment.file(path), "
            f"got {attachment!r:.200}"
        )
    if attachment.alternative and attachment.cid is not None:
        raise InvalidMail("attachments: expected alternative or cid, got both")
    kind: Any = default.header_factory("Content-Type", attachment.content_type())
    if kind.defects or not needs_no_encoding(str(attachment.type)):
        raise InvalidMail(
            "attachments: expected a type like text/csv or text/calendar; method=REQUEST, "
            f"got {attachment.type!r}"
        )
    if f"{kind.maintype}/".lower() in NESTED_MAIL_TYPES:
        raise InvalidMail(
            "attachments: expected a type other than message/... and multipart/..., "
            f"got {attachment.type!r}; without a type it is attached as a file"
        )
    charset = {"charset": "utf-8"} if isinstance(attachment.content, str) else {}
    return {
        "maintype": kind.maintype,
        "subtype": kind.subtype,
        "params": {**kind.params, **charset},
    }


def checked_content(attachment: Attachment) -> bytes:
    """Returns the content as bytes; raises InvalidMail."""
    content: object = attachment.content
    if isinstance(content, str):
        return checked_text(content, f"attachments: {attachment.name}").encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise InvalidMail(
        f"attachments: {attachment.name}: expected bytes or str, got {type(content).__name__}"
    )


def one_line_text(text: object, field: str) -> str:
    """Returns the text if a header can hold it: one line, so that it cannot add a second header.
    Raises InvalidMail."""
    if not isinstance(text, str) or len(text.splitlines()) > 1 or any(map(is_control, text)):
        raise InvalidMail(f"{field}: expected one line of text, got {text!r:.200}")
    return checked_text(text, field)


def checked_text(text: str, field: str) -> str:
    """Returns the text if UTF-8 can encode it; raises InvalidMail."""
    try:
        text.encode()
    except (UnicodeEncodeError, AttributeError):
        raise InvalidMail(
            f"{field}: expected text that UTF-8 can encode, got {text!r:.200}"
        ) from None
    return text


def local_part(id: str) -> str:
    """Returns the id of a job if it can stand before the ``@`` of a Message-ID, else its digest."""
    usable = len(id) <= LONGEST_LOCAL_PART and DOT_ATOM.fullmatch(id)
    return id if usable else blake2b(id.encode(), digest_size=16).hexdigest()
