"""What commands say of failed jobs that were to be retried."""

from collections import Counter
from collections.abc import Iterable

from ..model.retry_answer import RetryAnswer
from .output import format_job_count, print_line

KEPT_BACK: dict[str, str] = {"blocked": " by a limit", "delayed": " by a rate"}
"""Why a job is not queued at once, by where it is."""


def count_retried(answers: Iterable[RetryAnswer]) -> str:
    """Returns how many jobs were queued, and how many are kept back."""
    counts: Counter[str] = Counter(answer.kind for answer in answers)
    kept_back = [f"{counts[kind]} {kind}{why}" for kind, why in KEPT_BACK.items() if counts[kind]]
    return ", ".join([f"{format_job_count(counts['queued'])} queued", *kept_back])


def report_answer(id: str, answer: RetryAnswer, to: str | None = None) -> bool:
    """Report what became of a retry; returns whether the job will run."""
    if answer.retried:
        place = "" if to is None else f" in {to}"
        print_line(f"{id}: {answer.kind}{KEPT_BACK.get(answer.kind, '')}{place}")
        return True
    print_line(f"{id}: stays failed: {stay_reason(id, answer, to)}", err=True)
    return False


def stay_reason(id: str, answer: RetryAnswer, to: str | None) -> str:
    """Returns why a job stays failed."""
    if answer.kind == "unreadable":
        return "it cannot be read; see buoy failed show"
    if answer.kind == "ended":
        return f"a job of its id was in {to} until moments ago; retry it in two minutes"
    if answer.holder == id:
        return f"a job of its id is in {to}"
    return f"job {answer.holder} holds its claim"
