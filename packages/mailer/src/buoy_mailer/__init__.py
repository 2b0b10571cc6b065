"""buoy-mailer: sends every mail in a job; nobody has to write that job."""

from .compose import Envelope
from .errors import InvalidMail
from .mail_types import Attachment, Mail
from .mailer import Delivery, Mailer, mail
from .transport import outbox

__version__ = "0.1.0"
__all__ = ["Attachment", "Delivery", "Envelope", "InvalidMail", "Mail", "Mailer", "mail", "outbox"]
