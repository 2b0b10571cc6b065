"""Dramatiq: threads; a job is kept until it is acknowledged."""

from ..subject import Subject

SUBJECTS = [
    Subject(
        name="dramatiq",
        system="dramatiq",
        app="benchmarks.apps.dramatiq_app",
        worker="dramatiq {app} --processes 1 --threads {slots} --skip-logging",
        slots=8,
        promise="at least once",
        rate=2_000,
    )
]
