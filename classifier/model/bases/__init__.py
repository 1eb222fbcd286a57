"""Base models: the language models that adapters are trained on.

A base comes in by ``entries``: a directory, or a model fetched from the hub, is looked at by
``files`` (what kind of directory is it?); of a ``gguf_file`` a ``gguf_conversion`` makes one. It is
then read as a ``base`` (its facts and hashes), compared by
``weights`` with the model that its ``config`` describes, and asked for the tokens Paidan needs by
its ``tokenizer``. Then its facts are entered under its name. ``entries`` finds it there again, or
the stand-in that is shipped, and the base checks itself before each load.
"""
