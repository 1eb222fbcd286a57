"""Two versions beside each other, on the same labelled tickets.

``tickets`` finds decided ones that neither version has learned. ``contrast`` has what both answered
as ``measures`` with paired intervals, unit by unit, and by the ``confusion`` pairs that changed.
``plots`` draws it.
"""
