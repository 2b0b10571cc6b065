"""Where people look at the trace of a job: the setting ``otel_trace_url``."""

import re
from typing import Any

from buoy import App
from buoy.plugins import expect, text_setting
from buoy.plugins.operators import KnownJob

SETTING, PLACE = "otel_trace_url", "{trace_id}"
W3C = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
WEB = re.compile(r"https?://[^\s/]\S*")


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns the id of the trace in which a job was enqueued, and its address; None for a job that
    carries none, in the form of W3C. Raises ConfigurationError for a wrong setting."""
    kept: Any = known.job.plugin_data.get("otel") if known.job else None
    carried = kept.get("traceparent") if isinstance(kept, dict) else None
    found = W3C.match(carried) if isinstance(carried, str) else None
    if found is None:
        return None
    template = trace_url()
    return {"trace_id": found[1], "trace": template and template.replace(PLACE, found[1])}


def trace_url() -> str | None:
    """Returns the address of traces, with a place for the id; None if nobody has set it. Raises
    ConfigurationError."""
    template = text_setting(SETTING)
    if template is not None:
        right = PLACE in template and WEB.fullmatch(template) is not None
        expect(right, SETTING, f"an http or https address with {PLACE} in it", template)
    return template
