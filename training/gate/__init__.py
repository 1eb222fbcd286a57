"""The gate: whether a challenger takes over from the champion.

``judging.judge`` lets both versions answer judged ``tickets``; ``answers`` holds what they said,
and all checks are made of that alone. ``noninferiority`` asks whether the challenger is no worse on
the frozen set, within a margin that follows from the set's size, and ``costs`` says what answering
takes. Each check gives a finding; ``verdict`` is all of them.
"""
