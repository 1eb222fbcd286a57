"""The leaves that every room may import: they import nothing of ours, and no machine learning.

``settings`` are read once and checked. ``broker`` names queues and tasks and makes the Celery app;
``transport`` is what it mends in kombu; ``publisher`` sends ids. ``redis_address``,
``database_url`` and ``url`` read addresses. ``errors`` are what people are told, ``faults`` says
what a log may tell of any other error, ``logging`` holds to it. ``privacy`` masks, ``text`` makes
of a ticket what a model sees, ``names`` tells when two names are one. ``files`` and ``process`` are
about the operating system's.
"""
