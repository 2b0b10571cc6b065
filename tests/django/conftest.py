collect_ignore = ["project"]
"""``test_project.py`` runs the tests of the project as ``manage.py test``."""
