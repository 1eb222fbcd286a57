"""Soft labels: a sample is learned as a distribution over units instead of one (distillation).

``settings`` is the recipe's section. ``labels`` mixes what a person said of a sample with what a
``teacher`` version or a ``file`` says of it. ``targets`` makes of a mixture what head and names
learn, and ``correction`` is what it adds to the names' loss.
"""
