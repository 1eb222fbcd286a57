"""The model as a function: texts and their allowed units in, decisions out. No database, no queue.

A ticket's route: whoever asks holds a ``Classifier`` (``interface``), which ``loading`` opened from
a version's directory: its ``manifest``, and its files through ``version_files``, tensors through
``tensor_file``. Of the three kinds
``linear`` (the baseline) and ``constant`` answer by themselves; what the first learned is a
``linear_model`` over ``ngrams``. The rest of the route is the LLM's.

``llm`` is asked for batches of tickets. ``continuous`` admits a batch while others are worked on.
``answering`` says what is asked of each: the head, or names of ``labels``. The ``engine`` reads the
tickets through the ``model``, and searches the names behind each. A ``blend`` adds a linear model's
scores to the head's. A version's ``setup`` says which base and prompt it needs and by what it
answers, and ``fp8_gate`` whether it may be served in fp8.

All kinds end alike: ``decision_rule`` makes a ticket's decision of the units' probabilities, with
the threshold of ``calibration``. ``belonging`` scores whether the ticket belongs to any unit. A
version is calibrated anew by its ``raw_scores``.

Importing the package loads no numpy, scikit-learn or torch: a kind's libraries are imported when a
version of that kind is opened.
"""
