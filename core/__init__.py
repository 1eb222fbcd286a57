"""The leaves that every room may import. They import nothing of ours, and no machine learning.

The way of an id: ``settings`` are read from the environment, checked (``setting_types``) and
frozen. They name Redis (``redis_address``) and the database (``database_url``); both are read by
the rules of ``url``.
``publisher`` sends ticket ids through the Celery app of ``broker``, which also names the queues,
the task and the stream. ``transport`` is kombu's, mended: the worker receives the ids through it,
and ``message`` tells which of them a publisher of ours could have sent.

The way of a text: ``text`` joins a ticket's title and text into what a model sees, and ``privacy``
masks the personal numbers in it. ``names`` tells when two spellings are one name.

The way of an error: ``errors`` has those that tell a person what to do. ``faults`` describes any
other error without quoting a value, and ``logging`` writes lines that keep to it.

``proportion`` bounds a counted share. ``json_text`` and ``toml_text`` read what may be anything;
``terminal`` shows it. ``files`` says who may read what Paidan writes, and ``whole`` writes a folder
whole or not. ``process`` ends with its parent and locks a role; ``place`` names a device so that
whoever shares it knows.
"""
