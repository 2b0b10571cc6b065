"""A monitor for pages, which show the same jobs again and again."""

from functools import lru_cache

from ..broker.script_arguments import decode_text
from .monitor import Monitor
from .views import JobState, JobView, job_view

MOST = 1000
"""How many views are kept."""
LARGEST = 8000
"""Bytes of a payload whose view is kept."""


class PageMonitor(Monitor):
    """Reads as ``Monitor`` does, but parses the payload of a job once while that does not change.
    So nobody may change the lists and dicts of its views."""

    def view_of(
        self, queue: str, id: bytes, payload: bytes, state: JobState, detail: bytes
    ) -> JobView:
        if len(payload) > LARGEST:
            return super().view_of(queue, id, payload, state, detail)
        return known_view(queue, id, payload, state, detail, self.redacted)


@lru_cache(MOST)
def known_view(
    queue: str, id: bytes, payload: bytes, state: JobState, detail: bytes, redacted: frozenset[str]
) -> JobView:
    words = (decode_text(id), decode_text(payload), state, decode_text(detail))
    return job_view(queue, *words, redacted)
