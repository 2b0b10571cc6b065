"""Schedule files: from YAML to entries."""
