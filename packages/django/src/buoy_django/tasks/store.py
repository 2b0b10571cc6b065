"""The records of tasks that have ended: in Redis, or in memory for those that ran inline."""

import json
from collections import OrderedDict
from typing import Any

from buoy import App, Job
from buoy.plugins import encode_json
from buoy.plugins.redis import JobView, RedisSteps, find_job, queue_names

Record = dict[str, Any]
"""What is known of a task. The fields are those of ``results.result_of``."""
Found = tuple[str, JobView | None, Record | None]
"""A queue, the job of a task if it lives there, and the record of its end."""
MOST_INLINE = 1000
"""How many records of tasks that ran inline a process keeps: the last ones."""

inline_records: OrderedDict[str, str] = OrderedDict()
"""The records of tasks that this process ran inline, by id."""


def keep(job: Job, record: Record, ttl: float) -> None:
    """Keep the record of the end of a task: in Redis for ``ttl`` seconds, in the same instant in
    which the job ends."""
    text = encode_json(record)
    if not job.is_inline:
        key = record_key(job.app, job.queue, job.id)
        job.transition.then("SET", key, text, "PX", max(1, round(ttl * 1000)))
        return
    inline_records[job.id] = text
    while len(inline_records) > MOST_INLINE:
        inline_records.popitem(last=False)


def inline_record(id: str) -> Record | None:
    """Returns the record of a task that this process ran inline; None if it has none."""
    return parse_record(inline_records.get(id, ""))


def record_key(app: App, queue: str, id: str) -> str:
    """String: the record of the end of a task."""
    return app.key(queue, "django", id)


def find_task(app: App, id: str, queues: list[str]) -> RedisSteps[Found | None]:
    """Returns the queue of a task, its job if that lives, and the record of its end; None if no
    queue knows the task. It looks into ``queues`` first."""
    for queue in queues:
        if found := (yield from look_into(app, queue, id)):
            return found
    for queue in (yield from queue_names(app)):
        if queue not in queues and (found := (yield from look_into(app, queue, id))):
            return found
    return None


def look_into(app: App, queue: str, id: str) -> RedisSteps[Found | None]:
    view, [text] = yield from find_job(app, queue, id, [record_key(app, queue, id)])
    if view is None and not text:
        return None
    return queue, view, parse_record(text)


def parse_record(text: str) -> Record | None:
    """Returns the record that a text holds; None if it holds none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("name"), str) else None
