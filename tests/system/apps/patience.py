"""For apps whose children do something at their end: they have a minute for it, or the seconds that
PATIENCE says. On a busy machine the usual two seconds are not always enough."""

import os

from buoy.executor.fork import nursery

FLUSH_SECONDS = float(os.environ.get("PATIENCE", "60"))
nursery.END_SECONDS = FLUSH_SECONDS
