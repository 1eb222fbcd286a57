"""The files that a recipe names: soft labels, and a template of one's own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SOFT, TEMPLATE = "soft.file", "data.template"


def named_paths(recipe: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file's setting, and its path from the folder in which the recipe lies.

    Args:
        recipe: a recipe's sections, as its TOML has them.
        folder: of the recipe.
    """
    for setting in (SOFT, TEMPLATE):
        section, _, name = setting.partition(".")
        values = recipe.get(section)
        value = values.get(name) if isinstance(values, Mapping) else None
        if isinstance(value, str) and (setting == SOFT or "/" in value or value.endswith(".txt")):
            yield setting, folder / value
