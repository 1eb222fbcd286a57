"""Snapshots: what one training learns from, and what it must not learn, kept for good.

``building.build_snapshot`` makes one. ``sources`` reads what people decided, and the ``seed`` (a
file's labelled tickets, kept by their hash), as ``rows``. ``labels`` says which label holds where
near-duplicates have several. ``division`` takes out first the frozen test set, then a share of the
decisions, then the validation part; nothing that a snapshot taught is ever taken to judge.
``weights`` balances the units, and ``report`` tells what came of each row.

``store`` writes the parts as Parquet (``tables``) with a ``manifest`` of their hashes, and
``snapshot`` reads them back. ``leaks`` refuses one that would teach what it must not. ``settings``
has the shares and caps. ``erasure`` takes an erased ticket out of all of them. Before a
run learns from one, ``suspect_list`` keeps beside it which labels look wrong.
"""
