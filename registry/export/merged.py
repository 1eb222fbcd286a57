"""An export for transformers and vLLM: the adapter added to the base's weights."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from classifier.model.adapter_file import load_adapter
from classifier.model.backbone import empty_model
from classifier.model.lora import Adapter, lora_layers
from registry.export.adapter import copy_tokenizer
from registry.export.base_weights import served_weights
from registry.export.shards import write_shards
from registry.export.source import Source

_CONFIG, _GENERATION = "config.json", "generation_config.json"
# Layers are told by their path in the model that transformers makes, tensors by their whole name.
_WEIGHT = ".weight"


def write_merged(source: Source, folder: Path) -> None:
    """Write W + s·B·A for each adapted layer, everything else of the base as it is.

    W is the weight as served (``base_weights``). The sum is made in float32 and has the base's
    type. Biases, norms and embeddings are copied; a head tied to the embeddings stays tied.

    Raises:
        OSError, SafetensorError: a file cannot be written.
    """
    _write_config(source, folder)
    generation = source.base.path / _GENERATION
    if generation.is_file():
        shutil.copyfile(generation, folder / _GENERATION)
    copy_tokenizer(source, folder)
    model = empty_model(source.base)
    adapter = load_adapter(source.directory, source.manifest, model, torch.device("cpu"))
    rounded = frozenset(f"{path}{_WEIGHT}" for path, _ in lora_layers(model))
    write_shards(folder, _merged(source, adapter, rounded))


def _merged(
    source: Source, adapter: Adapter, rounded: frozenset[str]
) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in served_weights(source.base, rounded):
        layer = adapter.layers.get(name.removesuffix(_WEIGHT)) if name in rounded else None
        if layer is not None:
            added = layer.scale * (layer.b.float() @ layer.a.float())
            tensor = (tensor.float() + added).to(tensor.dtype)
        yield name, tensor


def _write_config(source: Source, folder: Path) -> None:
    """Write the base's configuration, which no longer is of four bits."""
    config = json.loads((source.base.path / _CONFIG).read_text("utf-8"))
    config.pop("quantization_config", None)
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
