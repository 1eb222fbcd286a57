"""Model versions as worker, training and web share them: directories, and their rows in the record.

A version's route: ``writer`` writes what training made as a directory, in one step. Its
``registration`` in the record has the digest of its manifest. ``champion`` lets the alias point at
it once it can be opened, or back at the one before. ``opening`` finds the directory that is
registered, maps its units to those that stand for them now, and opens it. ``classifier.manifest``
says what a directory holds; the rows are those of ``db.versions``.
"""
