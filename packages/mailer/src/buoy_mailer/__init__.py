"""buoy-mailer: every mail goes out in a job, and no one has to write that job."""

from .compose import Envelope
from .delivery import Delivery, mail
from .errors import InvalidMail
from .job import Mailer
from .transport import outbox
from .value import Attachment, Mail

__all__ = ["Attachment", "Delivery", "Envelope", "InvalidMail", "Mail", "Mailer", "mail", "outbox"]
