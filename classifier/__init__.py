"""The model as a function: texts and their allowed units in, decisions out. No database, no queue.

A ticket's route: whoever asks holds a ``Classifier`` (``interface``), which ``loading`` opened from
a version's directory: its ``manifest``, and its files through ``version_files``. In ``llm`` a
ticket comes in a batch. ``continuous`` admits the batch while others are worked on; the ``engine``
reads its tickets through the ``model`` and searches the unit names of ``labels`` behind each.
``decision_rule`` makes the ticket's unit of its search, with the temperature and threshold of
``calibration``. A version's ``setup`` says which base and prompt it needs, ``fp8_gate`` whether it
may be served in fp8. The other kinds are ``linear`` (the baseline) and ``constant``.

Importing the package loads no numpy, scikit-learn or torch: a kind's libraries are imported when a
version of that kind is opened.
"""
