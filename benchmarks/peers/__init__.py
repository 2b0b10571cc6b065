"""The other systems. Each file says how a worker is started and what the system promises. The jobs
are in ``apps``, the versions in ``requirements``."""

from ..subject import Subject
from . import arq, celery, dramatiq, huey, rq, ruby, saq, streaq, taskiq, tasktiger

MODULES = (rq, celery, dramatiq, huey, arq, saq, taskiq, tasktiger, streaq, ruby)
PEERS: list[Subject] = [subject for module in MODULES for subject in module.SUBJECTS]
