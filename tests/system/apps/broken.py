"""An app with a slip in it."""

undefined  # type: ignore[name-defined]  # noqa: B018, F821
