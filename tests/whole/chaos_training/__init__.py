"""Training runs under fire: kill -9 of all that a run needs, while tickets arrive and are answered.

A ``stack`` is a Redis, a database, a relay, a worker and a trainer. A ``producer`` submits tickets
by its own clock, and ``inquirer`` asks for runs. Meanwhile ``server_killer`` kills Redis and
PostgreSQL, and ``trainer_killer`` the trainer and the process of its run, each so often and at
moments that a seed draws (``strikes`` is what both note). Afterwards the same is learned without a
break in this process (``unbroken``). ``ticket_check`` asks what became of every ticket,
``run_check`` what became of every run. ``siege`` puts it together; docs/TRAINER.md says what is
promised.

python -m tests.whole.chaos_training --seed 7 --database postgresql
"""
