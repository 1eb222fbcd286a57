"""LLM versions as other programs read them: peft, transformers, vLLM.

A version's route: ``export`` opens its ``source`` (version and base, checked) and writes a folder,
whole or not at all. Of its ``forms``, ``adapter`` copies what peft reads, and ``merged`` adds the
adapter to the base: ``base_weights`` reads the base as it is served, ``shards`` writes the sums.
``beside`` puts what makes answers of them into a folder of its own: the head, the prompt in tokens,
a linear model; ``readme`` tells how, with an example that runs.
"""
