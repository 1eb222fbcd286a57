"""The gate: whether a challenger takes over from the champion.

``judging.judge`` lets both versions answer judged ``tickets``; ``answers`` holds what they said,
and all checks are made of that alone.

On the frozen set ``noninferiority`` asks whether the challenger is no worse, within a margin that
follows from the set's size; ``units`` whether that holds for each unit; ``calibration`` whether its
probabilities are as honest. Whether it is better, the recent stream says: either by ``recent``, the
decided tickets of the held-back share, which ``weighted`` sums up; or by ``disagreements``, drawn
at random and answered blind. ``looks`` shares the level among all comparisons with one champion.
``costs`` compares latency and memory; ``memory`` measures the latter in a process of its own.

Each check gives a finding, and a ``verdict`` is all of them: one that refuses is enough.
"""
