"""Model versions as worker, training and web share them: directories, and their rows in the record.

A version's route: ``writer`` writes its directory in one step. ``entries`` enters it into the
record, with the digest of its manifest. ``champion`` checks it and lets the alias point at it, or
back at the one before. ``opening`` opens the version that is registered, for the taxonomy as it is
now. What a directory holds is ``classifier.manifest``'s; the rows are ``db.versions``'.
"""
