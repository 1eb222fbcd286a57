"""Times as systems write them, read without a guess.

The route of a value:

1. ``reader`` takes a spreadsheet's dates as they are, and a text by the user's own formats first
   (``user_format`` has checked them).
2. ``numbers`` reads digits alone; ``forms`` makes a text plain and finds its parts.
3. ``clock`` reads the time of the day, ``zones`` the zone.

A value that is no time, or could be two, is an error that says how to name its form.
"""
