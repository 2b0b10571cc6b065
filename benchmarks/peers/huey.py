"""Huey: pops a job before it runs it."""

from ..subject import Subject


def huey(kind: str) -> Subject:
    return Subject(
        name=f"huey {kind}",
        system="huey",
        app="benchmarks.apps.huey_app",
        worker=f"huey_consumer {{app}}.huey --quiet --no-periodic -k {kind} -w {{slots}}",
        promise="at most once",
        rate=6_000,
    )


SUBJECTS = [huey("thread"), huey("process")]
