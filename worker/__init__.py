"""The worker: a Celery process pinned to one GPU that holds the model and answers tickets.

How it starts: ``main`` pins a ``gpu``, takes the worker's name and runs Celery. ``tasks`` has the
tasks and the signals of the child. In the child, ``process`` builds the resident model, the loop
and the ``heartbeat``, which reports what the ``tally`` counts. Where messages wait and none
arrives, the child's ``watchdog`` has the parent connect anew, then ends the worker. Parent and
child exchange numbers in ``shared`` memory.

A ticket's route:

1. ``loop`` takes a message of ids, and has the ``resident`` model brought up to date. ``states``
   has the states that model can be in. ``version_loader`` loads the champion, and
   ``background_load`` reads it in a thread while another version answers. ``baseline`` loads the
   linear version that answers while the LLM does not work. ``calibrated`` has what answers decide
   by the calibration in force.
2. ``feed`` claims tickets when the model asks for more, and ``batches`` makes batches of them.
   ``attempts`` makes each claim, and sees to it that each one ends. One solo ticket follows each
   feed.
3. ``dispatcher`` has the model answer, and stores what ``answers`` has checked. Where the model
   fails, ``plain_ticket`` tells whether the model or a ticket is to blame.

While none waits, ``shadowing`` has a challenger answer a share of the tickets, unseen.
"""
