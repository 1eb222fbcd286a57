"""The encoding of a text file, found by evidence."""
