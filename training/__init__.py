"""Turns labelled tickets into model versions, and measures them.

``samples`` are labelled tickets, out of a file or, through ``replay``, what people decided;
``drawn`` tells which of these came before a person by chance. One of ``linear``, ``adapter`` and
``constant`` learns from them and tells its ``progress``; ``held_out`` calibrates it on samples that
it did not learn from, which share none of the groups that ``near_duplicates`` finds with those it
did (``conflicts`` tells where units differ in a group), and so do ``no_unit`` (what belongs to none
of the learned units) and ``conformal`` (which few units to show). ``promise`` sets the threshold,
with a bound on the error (``core.proportion``). ``weakness`` says of a model that it is too weak,
by ``paired`` comparisons. ``registry.writer`` writes the version directory, and ``recalibration``
calibrates a version anew on tickets that people decided later; ``reference`` keeps with what later
answers are compared. ``evaluation.evaluate`` measures any
classifier on labelled tickets, and ``risk_coverage`` draws what it may answer alone; ``contrast``
compares two versions on the same tickets.

A ``snapshot`` keeps what one training learns from, and what it must not learn; ``suspects`` lists
labels that look wrong, by ``confident`` learning. ``gate`` says whether a version takes over from
the champion. ``runs`` joins all that with a training in a process of its own, when a message
reaches ``tasks`` or by the clock, whatever dies meanwhile. ``standin`` builds the small base on
which an adapter can be trained without a GPU. Importing the package loads no scikit-learn or torch.
"""
