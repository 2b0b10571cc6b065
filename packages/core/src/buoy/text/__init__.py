"""Text that is safe to show: on terminals, in logs, in error messages."""
