"""The engine: tickets in, finished searches out.

``scheduler`` decides what each forward reads: new tickets, and the label tokens that the searches
of earlier ones ask for. ``thoughts`` lets doubtful tickets think first.
"""
