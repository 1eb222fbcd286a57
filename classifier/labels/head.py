"""The head: a linear layer over the units, read where the model would begin its answer.

A row of weights for each unit with samples scores the final hidden state (after the last norm) at
the token that predicts the answer's first one. One forward answers a ticket, with no label tokens.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from classifier.manifest import Manifest, damaged
from classifier.tensor_file import check_tensors, read_metadata, read_tensors
from classifier.version_files import read_file
from core.json_text import parse_json

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
        tensors = read_tensors(path, content, load_tensors)
        codes = _read_codes(path, content)
        if not codes or len(set(codes)) < len(codes) or not set(codes) <= set(units):
            raise damaged(path, "its units are not the manifest's")
        shapes = {"weight": (len(codes), hidden), "bias": (len(codes),)}
        check_tensors(path, tensors, shapes, torch.isfinite)
        return cls(codes, tensors["weight"], tensors["bias"])


def _read_codes(path: Path, content: bytes) -> tuple[str, ...]:
    """Return the codes from the file's metadata, which ``load_tensors`` leaves out."""
    try:
        codes = parse_json(str(read_metadata(path, content)[_CODES]))
    except (ValueError, KeyError) as error:
        raise damaged(path, f"not a head (its units cannot be read: {error})") from error
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise damaged(path, "not a head (its units are no list of codes)")
    return tuple(codes)
