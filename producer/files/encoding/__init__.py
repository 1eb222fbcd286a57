"""The encoding of a text file, found by evidence, in bounded memory.

The route of a file:

1. ``detection`` looks for a byte order mark; an encoding that the user names goes to ``named``.
2. NUL bytes: ``utf16`` recognises UTF-16 and UTF-32. Else ``utf8`` tries strict UTF-8.
3. ``line_sample`` takes up to 400 lines beyond ASCII from all over the file.
4. ``reading`` decodes them in each candidate encoding and adds up their cost: ``plausibility`` by
   characters (``characters``, with its table) and ``western_languages`` by words.
5. ``judgement`` takes the best reading if it is clear; ``relatives`` refuses two encodings of one
   family that differ in the file.
6. ``refusal`` shows a line as each candidate reads it.
"""
