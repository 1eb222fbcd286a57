"""The engine: tickets in, finished searches out.

A ticket's way: ``engine`` (a base with one adapter and one prompt) makes a ``request`` of it, which
holds what was read and the search for its units. The ``scheduler`` takes requests and repeats one
step: choose what the next forward reads, start it, take the answers of a forward before. A forward
reads at most the tokens of the ``budget``. The ``label_plan`` says how many label nodes each
request reads in it. A request whose search is certain leaves the scheduler.

``thoughts`` lets the model think about doubtful tickets, before their names are scored once more.
``counts`` counts what was read.
"""
