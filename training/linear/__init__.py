"""Trains the linear model.

``version.train_linear`` chooses a setting by cross-validation (``selection``, over ``folds``),
calibrates it on held-out answers and writes the version.
"""
