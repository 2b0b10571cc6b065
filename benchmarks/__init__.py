"""How fast buoy is, beside its peers and beside what this machine can do at most."""
