"""From a mail to what is handed to a mail server."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from .address import address, addresses
from .errors import InvalidMail
from .lines import ASCII, UTF8
from .plain import plain
from .value import WHOLE, Attachment, Mail

HEADER = re.compile(r"[!-9;-~]+")
TYPE = re.compile(r"[\w.+-]+")
ATOM = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)
LONGEST = 64
OWN = {"from", "to", "cc", "bcc", "subject", "reply-to", "content-type", "mime-version"}
OWN |= {"content-transfer-encoding"}
"""Headers that a mail gets from its fields."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way: who sends it, and who is to get it, whatever its headers say."""

    id: str
    sender: str
    recipients: list[str]
    message: EmailMessage
    international: bool = False
    """Whether an address takes SMTPUTF8."""

    def __bytes__(self) -> bytes:
        return self.message.as_bytes(policy=UTF8 if self.international else ASCII)


def compose(mail: Mail, sender: str, id: str, now: datetime) -> Envelope:
    """A mail with all that it needs on its way; raises InvalidMail.

    The Message-ID is made of ``id``: the same job has the same one in all attempts, so that what
    goes out twice can be seen to be one.
    """
    origin = address(mail.sender or sender, "sender")
    named = {
        "To": addresses(mail.to, "to"),
        "Cc": addresses(mail.cc, "cc"),
        "Reply-To": addresses(mail.reply_to, "reply_to"),
    }
    hidden = addresses(mail.bcc, "bcc")
    recipients = [each.addr_spec for each in (*named["To"], *named["Cc"], *hidden)]
    if not recipients:
        raise InvalidMail("to: expected at least one recipient, got none")
    every = [origin, *hidden, *(each for some in named.values() for each in some)]
    international = not all(each.addr_spec.isascii() for each in every)
    message = EmailMessage(policy=UTF8 if international else ASCII)
    message["From"] = origin
    for name, some in named.items():
        if some:
            message[name] = some
    message["Subject"] = line(mail.subject, "subject")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{local_part(id)}@{origin.domain}>"
    add_headers(message, mail)
    add_bodies(message, mail)
    unique = list(dict.fromkeys(recipients))
    return Envelope(id, origin.addr_spec, unique, message, international)


def add_headers(message: EmailMessage, mail: Mail) -> None:
    for name, value in mail.headers.items():
        if not HEADER.fullmatch(name):
            raise InvalidMail(f"headers: expected a name like X-Campaign, got {name!r:.200}")
        if name.lower() in OWN:
            raise InvalidMail(f"headers: expected none that a field of Mail makes, got {name!r}")
        del message[name]
        message[name] = line(value, f"headers: {name}")


def add_bodies(message: EmailMessage, mail: Mail) -> None:
    if mail.text is None and mail.html is None:
        raise InvalidMail("text: expected text, html or both, got neither")
    text = plain(mail.html or "") if mail.text is None else mail.text
    message.set_content(encodable(text, "text"))
    page = message
    if mail.html is not None:
        message.add_alternative(encodable(mail.html, "html"), subtype="html")
        page = message.get_payload(1)  # type: ignore[assignment]  # the part just added
    for each in mail.attachments:
        attach(message, page, each)


def attach(message: EmailMessage, page: EmailMessage, attachment: Attachment) -> None:
    main, sub = types_of(attachment)
    told: dict[str, Any] = {
        "maintype": main,
        "subtype": sub,
        "filename": line(attachment.name, "attachments: name"),
        "params": {"charset": "utf-8"} if isinstance(attachment.content, str) else None,
    }
    if attachment.cid is None:
        message.add_attachment(data_of(attachment), **told)
    else:
        cid = line(attachment.cid, "attachments: cid")
        page.add_related(data_of(attachment), cid=f"<{cid}>", disposition="inline", **told)


def types_of(attachment: object) -> tuple[str, str]:
    """The two halves of its type; raises InvalidMail for what cannot be attached."""
    if not isinstance(attachment, Attachment):
        raise InvalidMail(
            "attachments: expected Attachment(name, content) or Attachment.file(path), "
            f"got {attachment!r:.200}"
        )
    main, sub = attachment.types()
    if not (TYPE.fullmatch(main) and TYPE.fullmatch(sub)):
        raise InvalidMail(f"attachments: expected a type like text/csv, got {attachment.type!r}")
    if f"{main}/".lower() in WHOLE:
        raise InvalidMail(
            "attachments: expected a type other than message/... and multipart/..., "
            f"got {attachment.type!r}; give none, and it is a file like any other"
        )
    return main, sub


def data_of(attachment: Attachment) -> bytes:
    content: object = attachment.content
    if isinstance(content, str):
        return encodable(content, f"attachments: {attachment.name}").encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise InvalidMail(
        f"attachments: {attachment.name}: expected bytes or str, got {type(content).__name__}"
    )


def line(text: object, subject: str) -> str:
    """The text, if it can be that of a header: one line, so that no second header hides in it."""
    if not isinstance(text, str) or len(text.splitlines()) > 1 or any(map(is_control, text)):
        raise InvalidMail(f"{subject}: expected text of one line, got {text!r:.200}")
    return encodable(text, subject)


def is_control(character: str) -> bool:
    return character != "\t" and unicodedata.category(character) in ("Cc", "Zl", "Zp")


def encodable(text: str, subject: str) -> str:
    try:
        text.encode()
    except (UnicodeEncodeError, AttributeError):
        raise InvalidMail(
            f"{subject}: expected text that UTF-8 can hold, got {text!r:.200}"
        ) from None
    return text


def local_part(id: str) -> str:
    short = len(id) <= LONGEST and ATOM.fullmatch(id)
    return id if short else blake2b(id.encode(), digest_size=16).hexdigest()
