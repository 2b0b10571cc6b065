"""What this package tells of a job: which claims it asked for, and who holds them."""

from typing import Any

from buoy import App
from buoy.plugins.operators import KnownJob

from .uniqueness import PREFIX


def job_facts(app: App, known: KnownJob) -> dict[str, Any] | None:
    """Returns for each claim with which a job was enqueued the id of the job that holds it now, or
    None; nothing for a job without claims of this package. Raises BrokerError."""
    job = known.job
    claims = [claim for claim in job.claims if claim.startswith(PREFIX)] if job else []
    if job is None or not claims:
        return None
    return {"claims": {claim: app.monitor.holder(job.queue, claim) for claim in claims}}
