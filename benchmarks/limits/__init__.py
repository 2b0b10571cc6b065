"""Programs that do only the necessary work: the limits for the other figures."""
