"""Loading the user's app, and which app a worker serves."""
