"""Training runs: leased rows of the record, each worked off by a process of its own.

A run's route: somebody asks for it (``paidan runs start``, with ``kept_files`` that its recipe
names), or ``triggers`` do. ``main`` runs the ``trainer``, which looks for runs on a timer, and at
once when a message says so. It leases one, starts a ``process`` for it, and its ``supervision``
sends heartbeats, passes on the ``curves`` and ends the process where somebody cancels the run or it
takes too long. If trainer or process die, the next attempt goes on from the last checkpoint.

In the process, whose program is ``child``, the ``errand`` reads the ``wish``, takes the
``material`` (a snapshot, the same in each attempt) and has ``learning`` train a version in the
run's ``workplace``. ``comparison`` has the gate judge it beside the champion and the best one so
far, by the ``evidence`` and the ``peaks`` of their memory. Where that shows nothing, ``drawing``
takes tickets out of the ``pool`` for people to answer blind; a later run judges by what they say.
The errand enters the ``outcome``. The ``diary`` tells how it goes (``reporting``: to TensorBoard,
too), ``courtesy`` lets live tickets be answered between two steps, or the run has its ``turn`` at a
card that workers leave to it, ``patience`` waits for a database that is away, and ``shortage``
knows a full disk. Only the process imports torch or scikit-learn.
"""
