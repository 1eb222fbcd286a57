"""Model versions as worker and training share them: directories, and their rows in the record.

A version's route: ``writer`` writes what training made as a directory, in one step, with its
``lineage``. Its ``registration`` in the record has the digest of its manifest. ``champion`` moves
the alias to it if it can be opened; a rollback moves the alias back. ``opening`` finds the
directory that is registered, maps its units to those that stand for them now, and opens it;
``calibration`` has it decide by what was set for it since. ``export`` writes it for other programs,
and ``pruning`` removes the files of versions that nothing needs. ``classifier.manifest`` says what
a directory holds; the rows are those of ``db.versions`` and ``db.calibrations``.
"""
