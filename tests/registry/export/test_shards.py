"""Weights in files of a limited size, as transformers reads them."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from classifier.model.bases.files import INDEX, WEIGHTS
from registry.export.shards import write_shards

TENSORS = {name: torch.full((4,), float(place)) for place, name in enumerate("abc")}  # 16 bytes


def test_weights_that_fit_are_one_file_without_an_index(tmp_path: Path) -> None:
    write_shards(tmp_path, TENSORS.items(), limit=48)

    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS]
    assert load_file(tmp_path / WEIGHTS).keys() == TENSORS.keys()


def test_weights_that_do_not_fit_are_several_files_that_the_index_names(tmp_path: Path) -> None:
    write_shards(tmp_path, TENSORS.items(), limit=40)

    index = json.loads((tmp_path / INDEX).read_text())
    first, second = (f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    assert index["weight_map"] == {"a": first, "b": first, "c": second}
    assert index["metadata"]["total_size"] == 48
    assert {path.name for path in tmp_path.iterdir()} == {first, second, INDEX}
    for name, tensor in TENSORS.items():
        assert torch.equal(load_file(tmp_path / index["weight_map"][name])[name], tensor)


def test_a_tensor_over_the_limit_has_a_file_of_its_own(tmp_path: Path) -> None:
    write_shards(tmp_path, TENSORS.items(), limit=1)

    assert len(list(tmp_path.glob("model-*-of-00003.safetensors"))) == 3
