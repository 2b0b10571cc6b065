"""The apps that are measured: a module for each system, with its jobs and how they are enqueued."""
