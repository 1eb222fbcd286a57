"""The worker: a Celery process pinned to one GPU that holds the model and answers tickets."""
