"""The sample Paidan ships: an invented city's handling units and tickets, all of it synthetic.

`units.csv` holds the 70 units, `matters.toml` what people call about, `words.toml` the places and
the small talk. ``corpus`` reads these lists; their little template language is ``grammar``. For
each ticket ``composer`` chooses a unit, a matter and how the caller talks, and writes the text.
``generator`` makes as many labelled tickets of them as wanted, the same for a seed. ``shift`` tells
a ticket in other words, those of `shift.toml`.
"""
