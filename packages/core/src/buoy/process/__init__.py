"""This process and its operating system: logs, signals, titles, children."""
