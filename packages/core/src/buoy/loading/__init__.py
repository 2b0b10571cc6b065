"""Imports the modules of the user's app, and selects the app that a worker serves."""
