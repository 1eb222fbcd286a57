"""The head: a linear layer over the units, read where the model would begin its answer.

A row of weights for each unit with samples scores the final hidden state (after the last norm) at
the token that predicts the answer's first one. One forward answers a ticket, with no label tokens.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from classifier.manifest import Manifest, damaged
from classifier.version_files import read_file

HEAD = "head.safetensors"
"""The file's name in a version."""
_CODES = "units"


@dataclass(frozen=True, eq=False)
class Head:
    """A linear layer over u units.

    Parameters:
        codes: of the units, in the order of the rows.
        weight: (u, hidden) float32.
        bias: (u,) float32.
    """

    codes: tuple[str, ...]
    weight: torch.Tensor
    bias: torch.Tensor

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (n, u) float32 of (n, hidden), in float32 whatever the model computes in."""
        return torch.addmm(self.bias, hidden.float(), self.weight.t())

    def to(self, device: torch.device) -> "Head":
        """Return the head on a device."""
        return Head(self.codes, self.weight.to(device), self.bias.to(device))

    def save(self, directory: Path) -> None:
        """Write the file; an OSError goes to the caller, who knows the version."""
        tensors = {"weight": self.weight.contiguous(), "bias": self.bias.contiguous()}
        metadata = {_CODES: json.dumps(self.codes)}
        (directory / HEAD).write_bytes(save_tensors(tensors, metadata=metadata))

    @classmethod
    def load(cls, directory: Path, manifest: Manifest, hidden: int) -> Self | None:
        """Read a version's head; None where it has none.

        Args:
            directory: the version's.
            manifest: its manifest, whose units the rows must be of.
            hidden: width of the base's hidden states.

        Raises:
            ModelVersionError: the file is missing or changed, or does not fit.
        """
        if HEAD not in manifest.files:
            return None
        return cls.parse(
            directory / HEAD, read_file(directory, manifest, HEAD), manifest.codes, hidden
        )

    @classmethod
    def parse(cls, path: Path, content: bytes, units: Sequence[str], hidden: int) -> Self:
        """Take a head as ``save`` writes it; for the errors see ``load``."""
        try:
            tensors = load_tensors(content)
            codes = tuple(map(str, _read_codes(content)))
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise damaged(path, f"not a head ({error!r})") from error
        if not codes or len(set(codes)) < len(codes) or not set(codes) <= set(units):
            raise damaged(path, "its units are not the manifest's")
        shapes = {"weight": (len(codes), hidden), "bias": (len(codes),)}
        for name, shape in shapes.items():
            _check_tensor(path, name, tensors, shape)
        return cls(codes, tensors["weight"], tensors["bias"])


def _read_codes(content: bytes) -> list[str]:
    """Return the codes from the file's metadata, which ``load_tensors`` leaves out."""
    length = int.from_bytes(content[:8], "little")
    codes: list[str] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_CODES])
    return codes


def _check_tensor(
    path: Path, name: str, tensors: Mapping[str, torch.Tensor], shape: tuple[int, ...]
) -> None:
    tensor = tensors.get(name)
    if tensor is None:
        raise damaged(path, f"has no tensor {name!r}")
    if tensor.dtype != torch.float32 or tuple(tensor.shape) != shape:
        found = f"{name} is {tensor.dtype} {tuple(tensor.shape)}"
        raise damaged(path, f"{found}, float32 {shape} is expected")
    if not torch.isfinite(tensor).all():
        raise damaged(path, f"{name} holds values that are not finite")
