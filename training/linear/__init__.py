"""Trains the linear model.

``version.train_linear`` takes samples and makes ``data`` of them. ``selection`` tries ``features``
(which n-grams) and each ``learner`` (which loss, how regularised) on ``folds``; ``comparison`` says
who answers best. The ``setting`` found then answers samples that it held out (``answers``), which
sets temperature and threshold, and learns from all samples: that model is the version. ``jobs``
runs fits side by side.
"""
