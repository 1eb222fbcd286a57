"""The model as a function: texts and their allowed units in, decisions out.

``loading.load_classifier`` opens a model version (a directory, see ``manifest``) and returns a
``interface.Classifier``. Importing the package loads no numpy, scikit-learn or torch: a kind's
libraries are imported when a version of that kind is opened.
"""
