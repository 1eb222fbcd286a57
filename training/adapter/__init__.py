"""Trains an LLM's adapter.

``version.train_llm`` reads a ``recipe``, fine-tunes the base's adapter (``trainer``), scores
held-out tickets with it and writes the version. ``unsloth_first`` is imported before all else.
"""
