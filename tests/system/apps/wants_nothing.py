"""An app whose dependencies are not installed."""

import no_such_package  # type: ignore[import-not-found]  # noqa: F401
