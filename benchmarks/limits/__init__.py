"""The least that could do the work: what the other figures are held against."""
