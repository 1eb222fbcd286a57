"""Trains the linear model.

``version.train_linear`` takes samples. ``selection`` tries n-gram lengths and regularisations on
``folds`` of them and keeps the best setting; it then answers samples that it held out, which sets
temperature and threshold. ``regression`` fits one model: each of those, and the last, which learns
from all samples and is written as the version.
"""
