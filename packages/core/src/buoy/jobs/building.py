"""Making jobs from a class and arguments, before they are enqueued."""

from ..model.checks import expect
from ..model.identity import new_id
from ..model.options import Options
from ..model.payload import Payload, now
from ..model.signature import Arguments, NormalizedArguments
from ..model.strict_json import is_utf8
from .facts import Facts
from .job import Job, check_usable


def normalized_arguments(job: type[Job], arguments: Arguments) -> NormalizedArguments:
    """Returns the arguments as they are stored; raises InvalidArguments."""
    if job._usable is not job:
        check_usable(job)
    return job._signature.normalize(job.name, *arguments)


def build_job(job: type[Job], arguments: Arguments, options: Options) -> Job:
    """Returns a job that is not enqueued yet; raises InvalidArguments."""
    args, kwargs = normalized_arguments(job, arguments)
    payload = Payload(job.name, args, kwargs, options.id or new_id(), enqueued_at=now())
    if job._identifies:
        same = payload.identifier = job.identify(*args, **kwargs)
        right = isinstance(same, str) and bool(same) and is_utf8(same)
        expect(right, f"{job.name}.identify", "a non-empty text", same)
    if job.expires is not None:
        start = payload.enqueued_at
        due = options.at if options.at is not None else start + (options.delay or 0)
        payload.expires_at = round(max(due, start) + job.expires, 3)
    known = Facts(job, payload, options.queue or job.queue)
    known.due, known.newer = options.due, options.newer
    made: Job = known.new()
    return made
