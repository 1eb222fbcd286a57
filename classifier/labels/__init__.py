"""The answer: what the model is asked, and how a unit comes of it.

``template`` cuts a text file at its slots. ``prompt`` makes tokens of the instruction, the tickets
and the units' names. ``trie`` tells the names' shared beginnings once. ``search`` walks the trie,
best first, by the log-probabilities that it is fed. No tensor is known here.
"""
