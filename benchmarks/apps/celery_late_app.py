"""Celery with the settings that run a job again whose worker has died."""

from .celery_app import app, enqueue

__all__ = ["app", "enqueue"]

app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)
