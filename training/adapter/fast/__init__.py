"""The fast path: the recipe's loss, with one instruction prefix for all tickets of a micro-batch.

The ``trainer`` takes a step's tickets as ``examples``. ``division`` parts them into micro-batches
that fit the ``memory``, and says of how many layers each recomputes. A ``micro_batch`` lays its
tickets out behind the prefix that they share; ``visibility`` says who sees whom, and ``attention``
computes it. The ``decoder`` runs its ``layers``, whose ``products`` add the adapter to the engine's
4-bit weights and keep for the backward pass what is dear to recompute alone; a ``dropout`` is drawn
again with the ``inputs``. ``losses`` are taken at the positions that count, over the vocabulary by
chunks. On CUDA ``compilation`` fuses what stands between the products.
"""
