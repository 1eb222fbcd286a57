"""A background load: a thread reads a model version while another one answers."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from classifier.interface import Classifier


class BackgroundLoad:
    """The loading of one version, begun when this is made.

    Args:
        load: returns the classifier.
    """

    def __init__(self, load: Callable[[], Classifier]) -> None:
        self._load = load
        self._future: Future[Classifier] = Future()
        # A daemon: a process that is to end does not wait for it.
        threading.Thread(target=self._run, name="model-load", daemon=True).start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._load())
        except BaseException as error:  # raised again where it is taken
            self._future.set_exception(error)

    @property
    def is_done(self) -> bool:
        """Whether ``take`` need not wait."""
        return self._future.done()

    def take(self) -> Classifier:
        """Return the classifier, or raise what its loading raised."""
        return self._future.result()
