"""Classes that belong to apps of their own; which, the environment of a test says."""

import os

from buoy import App, Job

from .record import note

if os.environ.get("FOR_ALL"):
    Job.app = App(os.environ["FOR_ALL"], namespace="all")
shop = App(os.environ.get("SHOP_URL"), namespace="shop")


class Charge(Job):
    app = shop

    def perform(self, word: str) -> None:
        note("charged", word)


if not os.environ.get("ONLY_SHOP"):

    class Mail(Job):
        def perform(self, word: str) -> None:
            note("mailed", word)
