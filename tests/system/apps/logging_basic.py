"""An app that has configured logging itself."""

import logging

from buoy import Job

logging.basicConfig(level=logging.INFO, format="ours %(levelname)s %(name)s %(message)s")
logger = logging.getLogger("shop")
logger.info("the app is loaded")


class Says(Job):
    def perform(self) -> None:
        logger.info("a job says")


class Fails(Job):
    def perform(self) -> None:
        raise ValueError("wrong")
