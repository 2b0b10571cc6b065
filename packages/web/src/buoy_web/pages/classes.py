"""Each class: how many runs, how they ended, and how long they waited and ran; in a time, or since
a deploy and as long before it."""

import time
from collections.abc import Sequence

from buoy.plugins.operators import ClassCounts

from ..activity import (
    COMPARED,
    MONTH,
    SPANS,
    Span,
    by_class,
    chart_of,
    read_series,
    series_of,
    span_of,
)
from ..deploys import Deploy, deploys
from ..page import Action, NotFound, Page, Values, Visit

CHOICES = 5
"""How many of the newest deploys can be chosen."""


def show(visit: Visit) -> Values:
    known = deploys(visit.app)
    since = visit.get("deploy")
    if since:
        return since_deploy(visit, known, chosen_deploy(known, since))
    span = span_of(visit.get("span", "day"))
    recent = visit.app.run_steps(read_series(visit.app, span))
    return shown(span, known, None, recent.classes, {}) | {"chart": recent.chart(known)}


def chosen_deploy(known: Sequence[Deploy], at: str) -> Deploy:
    """Returns the deploy at this time. Raises NotFound if it is not known any more."""
    for deploy in known:
        if f"{deploy.at:.3f}" == at:
            return deploy
    raise NotFound("This deploy is not known any more.")


def since_deploy(visit: Visit, known: Sequence[Deploy], deploy: Deploy) -> Values:
    """Returns the counts since a deploy, and those of as long a time before it; none before it if
    a month has not both.

    The minute, hour or day of the deploy itself counts in neither.
    """
    now = time.time()
    fitting = next((each for each in COMPARED if now - deploy.at < each.seconds / 2), None)
    span = fitting or MONTH
    length = {"minute": 60, "hour": 3_600, "day": 86_400}[span.period]
    found = series_of(visit.app, span)
    after = [each for each in found if each.at >= deploy.at]
    begin = deploy.at - (now - deploy.at)
    before = [each for each in found if begin <= each.at and each.at + length <= deploy.at]
    earlier = {each.name: each for each in by_class(before if fitting else [])}
    return shown(span, known, deploy, by_class(after), earlier) | {
        "chart": chart_of(span, found, deploys=known),
        "compared": fitting is not None,
    }


def shown(
    span: Span,
    known: Sequence[Deploy],
    deploy: Deploy | None,
    classes: Sequence[ClassCounts],
    before: dict[str, ClassCounts],
) -> Values:
    return {
        "span": span,
        "spans": SPANS,
        "deploys": known[:CHOICES],
        "deploy": deploy,
        "classes": classes,
        "before": before,
        "compared": False,
    }


PARTS: list[Page | Action] = [Page("classes", show, "buoy_web/classes.html", "Classes", 40)]
