"""For apps whose children send something at their end: they have a minute for it. On a busy machine
the usual two seconds are not always enough."""

from buoy.executor.fork import nursery

FLUSH_SECONDS = 60.0
nursery.END_SECONDS = FLUSH_SECONDS
