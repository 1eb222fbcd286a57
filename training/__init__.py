"""Turns labelled tickets into model versions, and measures them.

``linear``, ``adapter`` and ``constant`` write a version directory;
``evaluation.evaluate`` measures any classifier on labelled tickets. Importing the package loads
no scikit-learn or torch.
"""
