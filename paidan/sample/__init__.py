"""The sample Paidan ships: an invented city's handling units and tickets, all of it synthetic.

`units.csv` holds the 70 units, `matters.toml` what people call about, `words.toml` the places and
the small talk; `generator` makes as many labelled tickets of them as wanted, the same for a seed.
"""
