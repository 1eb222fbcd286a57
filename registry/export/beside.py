"""What makes answers of an exported model: its prompt in tokens, head and linear model.

They lie in a folder of their own, since vLLM reads every safetensors file beside a model's.
"""

import json
import shutil
from pathlib import Path

from classifier import linear_model
from classifier.labels.head import HEAD
from classifier.model.bases.tokenizer import load_tokenizer
from registry.export.source import Source

BESIDE = "paidan"
"""The folder's name."""
PROMPT = "prompt.json"


def write_beside(source: Source, folder: Path) -> None:
    """Write the folder.

    ``prompt.json`` has the tokens before (``prefix``) and after (``suffix``) a ticket, how many a
    ticket may have (``room``), each unit's ``units`` name and the tokens of it (``names``), by what
    the version answers, and the ``temperature`` that its scores are divided by.

    Raises:
        OSError: a file cannot be written.
    """
    beside = folder / BESIDE
    beside.mkdir()
    for name in (HEAD, linear_model.WEIGHTS, linear_model.VOCABULARY):
        if name in source.manifest.files:
            shutil.copyfile(source.directory / name, beside / name)
    prompt = source.setup.read_prompt(source.directory, load_tokenizer(source.base))
    answer = source.setup.answer
    content = {
        "version": source.manifest.name,
        "answers_by": answer.by if answer else "names",
        "taught": answer.taught if answer else source.manifest.codes,
        "linear_weight": answer.linear_weight if answer else 0.0,
        "temperature": source.manifest.calibration.temperature,
        "room": prompt.room,
        "units": {unit.code: unit.name for unit in prompt.units},
        "names": prompt.labels,
        "prefix": prompt.prefix,
        "suffix": prompt.suffix,
    }
    text = json.dumps(content, ensure_ascii=False) + "\n"
    (beside / PROMPT).write_text(text, "utf-8")
