"""The other systems: a file each says how its worker is started and what it promises. Their jobs
are in ``apps``, their versions in ``requirements``."""

from ..subject import Subject
from . import arq, celery, dramatiq, huey, rq, ruby, saq, streaq, taskiq, tasktiger

MODULES = (rq, celery, dramatiq, huey, arq, saq, taskiq, tasktiger, streaq, ruby)
PEERS: list[Subject] = [subject for module in MODULES for subject in module.SUBJECTS]
