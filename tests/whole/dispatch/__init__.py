"""The delivery contract as a state machine: anything may happen, and a model says what is then.

``model`` is that model; ``producing``, ``working`` and ``machine`` are what may happen, each rule
to the model and to the database alike. ``tests/whole/test_dispatch.py`` lets hypothesis choose.
"""
