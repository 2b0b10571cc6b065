"""Numbers with their units, as messages show them."""


def mebibytes(size: int) -> str:
    """A number of bytes in MiB, rounded: ``512 MiB``."""
    return f"{size / 2**20:.0f} MiB"
