"""The executor that runs each job in a process of its own."""
