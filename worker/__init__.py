"""The worker: a Celery process pinned to one GPU that holds the model and answers tickets.

How it starts: ``main`` pins a ``gpu``, takes the worker's name and runs Celery. ``tasks`` has the
task and the signals of the child. The child's ``process`` holds all that follows, and its
``heartbeat`` tells what the ``tally`` counts. ``watchdog`` ends a silence through the numbers that
parent and child have ``shared``.

A ticket's route: ``loop`` takes a message of ids. The ``resident`` model is brought up to date: its
``states``, its ``version_loader``, a ``background_load`` while another version answers, and the
``baseline`` while the LLM does not work. ``feed`` claims ``batches`` under ``attempts``.
``dispatcher`` has the model answer them, and stores the ``answers``. Where the model fails, a
``plain_ticket`` tells whether it or a ticket is to blame.
"""
