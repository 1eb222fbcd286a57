"""The answer: what the model is asked, and how the most probable units follow from what it says.

A version's way: its text file becomes a ``template``, cut at its slots. The template and the units
become a ``prompt`` in tokens: one prefix for all tickets, and each unit's name. The names become a
``trie``, which tells their shared beginnings once.

A ticket's way: the prompt makes tokens of it. A ``search`` over the trie of its allowed units names
the nodes to read, takes the log-probabilities that the model finds for them, and ends with a
ranking. Nothing of that knows tensors: the engine reads. Or the version answers by a ``head``,
a linear layer over the units.
"""
