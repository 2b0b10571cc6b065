"""An app that has configured logging itself."""

import logging
import logging.config

from buoy import Job

logging.config.dictConfig(
    {
        "version": 1,
        "formatters": {"ours": {"format": "ours %(levelname)s %(name)s %(message)s"}},
        "handlers": {"ours": {"class": "logging.StreamHandler", "formatter": "ours"}},
        "root": {"handlers": ["ours"], "level": "INFO"},
    }
)
logger = logging.getLogger("shop")
logger.info("the app is loaded")


class Says(Job):
    def perform(self) -> None:
        logger.info("a job says")


class Fails(Job):
    def perform(self) -> None:
        raise ValueError("wrong")
