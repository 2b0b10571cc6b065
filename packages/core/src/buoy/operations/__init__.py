"""What operators see and do: views, the failed set, moves, repair."""
