"""An export for peft: the adapter beside its base."""

import json
import shutil
from pathlib import Path

from classifier.model.adapter_file import CONFIG, WEIGHTS
from classifier.model.bases.files import TOKENIZER_FILES
from registry.export.source import Source

_BASE = "base_model_name_or_path"


def write_adapter(source: Source, folder: Path) -> None:
    """Write the adapter in peft's format, with the base's place and its tokenizer.

    Where the adapter was trained may be another machine's path; here it becomes this one's.

    Raises:
        OSError: a file cannot be written.
    """
    config = json.loads((source.directory / CONFIG).read_text("utf-8"))
    config |= {_BASE: str(source.base.path), "inference_mode": True}
    (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    shutil.copyfile(source.directory / WEIGHTS, folder / WEIGHTS)
    copy_tokenizer(source, folder)


def copy_tokenizer(source: Source, folder: Path) -> None:
    """Copy the base's tokenizer.

    Raises:
        OSError: a file cannot be written.
    """
    for name in TOKENIZER_FILES:
        if (source.base.path / name).is_file():
            shutil.copyfile(source.base.path / name, folder / name)
