"""Run by ``manage.py test``, as tests of a project are; ``tests/django/test_project.py`` does."""
