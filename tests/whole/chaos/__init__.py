"""Seeded chaos: everything is killed, stopped, filled and emptied, and nothing may be lost.

A run starts a Redis, a database, a relay and two workers (``world``), lets producers and a person
work with them (``producers``, ``person``), does to them what a seed says (``schedule``, ``faults``,
``garbage``), watches for workers that live and take nothing (``watch``), lets all faults end, waits
until the backlog is done, and then asks the database and Redis what became of every ticket
(``checker``). ``run`` puts it together; docs/RELIABILITY.md says what is promised.

python -m tests.whole.chaos --seed 7 --database postgresql --seconds 180
"""
