"""From a mail to what is handed to a mail server."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import AddressHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from hashlib import blake2b
from typing import Any

from .address import address, addresses, is_control, is_spoilt
from .errors import InvalidMail
from .lines import ASCII, UTF8, is_plain
from .plain import plain
from .value import WHOLE, Attachment, Mail

HEADER = re.compile(r"[!-9;-~]{1,76}")
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
    add_bodies(message, mail)
    add_headers(message, mail)  # behind the bodies: with each of them, Content-... begin anew
    unique = list(dict.fromkeys(recipients))
    return Envelope(id, origin.addr_spec, unique, message, international)


def add_headers(message: EmailMessage, mail: Mail) -> None:
    for name, value in mail.headers.items():
        if not HEADER.fullmatch(name):
            raise InvalidMail(f"headers: expected a name like X-Campaign, got {name!r:.200}")
        if name.lower() in OWN:
            raise InvalidMail(f"headers: expected none that a field of Mail makes, got {name!r}")
        del message[name]
        message[name] = readable(name, line(value, f"headers: {name}"))


def readable(name: str, text: str) -> str:
    """The text, if a header of that name can hold it: in some there are addresses or times."""
    try:
        made: Any = default.header_factory(name, text)
        wrong = is_misread(made)
    except Exception:  # noqa: BLE001 - the parser of the standard library raises all sorts
        wrong = True
    if wrong:
        raise InvalidMail(f"headers: expected what {name} can hold, got {text!r:.200}")
    return text


def is_misread(header: Any) -> bool:
    if isinstance(header, UnstructuredHeader):
        return False
    if any(map(is_spoilt, header.defects)):
        return True
    if not isinstance(header, AddressHeader):
        return False
    specs = [each.addr_spec for each in header.addresses]
    return not specs or any("@" not in spec or not spec.isascii() for spec in specs)


def add_bodies(message: EmailMessage, mail: Mail) -> None:
    if mail.text is None and mail.html is None:
        raise InvalidMail("text: expected text, html or both, got neither")
    text = plain(mail.html or "") if mail.text is None else mail.text
    message.set_content(encodable(text, "text"))
    page = message
    if mail.html is not None:
        message.add_alternative(encodable(mail.html, "html"), subtype="html")
        page = message.get_payload(1)  # type: ignore[assignment]  # the part just added
    # Alternatives first: they stand beside the text, the others behind all of it.
    for each in sorted(mail.attachments, key=is_no_alternative):
        attach(message, page, each)


def is_no_alternative(attachment: object) -> bool:
    return not (isinstance(attachment, Attachment) and attachment.alternative)


def attach(message: EmailMessage, page: EmailMessage, attachment: Attachment) -> None:
    told = type_of(attachment)
    name: Any = line(attachment.name, "attachments: name")
    if not is_plain(name):  # as RFC 2231 has it, else the library reads into it what it looks like
        name = ("utf-8", "", name)
    data = data_of(attachment)
    if attachment.alternative:
        message.add_alternative(data, **told)
    elif attachment.cid is None:
        message.add_attachment(data, filename=name, **told)
    else:
        cid = line(attachment.cid, "attachments: cid")
        page.add_related(data, cid=f"<{cid}>", disposition="inline", filename=name, **told)


def type_of(attachment: object) -> dict[str, Any]:
    """Its type, in the library's words; raises InvalidMail for what cannot be attached."""
    if not isinstance(attachment, Attachment):
        raise InvalidMail(
            "attachments: expected Attachment(name, content) or Attachment.file(path), "
            f"got {attachment!r:.200}"
        )
    if attachment.alternative and attachment.cid is not None:
        raise InvalidMail("attachments: expected alternative or cid, got both")
    kind: Any = default.header_factory("Content-Type", attachment.content_type())
    if kind.defects or not is_plain(str(attachment.type)):
        raise InvalidMail(
            "attachments: expected a type like text/csv or text/calendar; method=REQUEST, "
            f"got {attachment.type!r}"
        )
    if f"{kind.maintype}/".lower() in WHOLE:
        raise InvalidMail(
            "attachments: expected a type other than message/... and multipart/..., "
            f"got {attachment.type!r}; give none, and it is a file like any other"
        )
    charset = {"charset": "utf-8"} if isinstance(attachment.content, str) else {}
    return {
        "maintype": kind.maintype,
        "subtype": kind.subtype,
        "params": {**kind.params, **charset},
    }


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
