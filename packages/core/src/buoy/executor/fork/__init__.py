"""The executor that runs each job in a process of its own.

The worker starts one nursery (``executor``, ``nursery_process``). The nursery loads the app
(``nursery_main``) and forks a child for each job (``nursery``, ``child``). A child sends an answer
to the nursery, and the nursery sends it on to the worker (``answers``, ``frames``).
"""
