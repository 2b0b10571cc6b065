"""Sidekiq and Resque (Ruby), if they are installed, measured with the board."""

from ..subject import Subject

PRODUCER = "ruby benchmarks/apps/produce.rb {app}"

SUBJECTS = [
    Subject(
        name="sidekiq",
        system="sidekiq",
        app="sidekiq_app",
        worker="sidekiq -e production -r ./benchmarks/apps/sidekiq_app.rb -c {slots} -q bench",
        slots=10,
        promise="at most once",
        rate=12_000,
        producer=PRODUCER,
        bulk=True,
        probe="require 'sidekiq'; print Sidekiq::VERSION",
    ),
    Subject(
        name="resque",
        system="resque",
        app="resque_app",
        worker="ruby benchmarks/apps/resque_app.rb work",
        one_at_a_time=True,
        forks=True,
        promise="at most once, recorded",
        rate=400,
        producer=PRODUCER,
        probe="require 'resque'; print Resque::VERSION",
    ),
]
