"""Looks: how the level is shared when one champion is compared with many challengers.

With a level of 5 % each, one of twenty useless challengers would be promoted. So the k-th look at a
champion gets the share 6 / (pi k)^2 of the level: the shares sum to 1, and by the union bound all
looks together promote one that is no better with at most the whole level. Spending a level over
looks: Lan & DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983; a
series for tests without an end: Foster & Stine, "Alpha-investing", JRSS B 70, 2008.
"""

from math import pi

from core.errors import InputError

LEVEL = 0.05
"""The chance, over all looks at a champion, to promote a version that is no better."""


def level_of(look: int) -> float:
    """Return the level of the k-th comparison with a champion, from 1.

    Raises:
        InputError: ``look`` is under 1.
    """
    if look < 1:
        raise InputError(f"looks at a champion are counted from 1, not {look}")
    return LEVEL * 6 / (pi * look) ** 2
