"""The rows of ``bench.training``: ways to train the same samples, and what each changes."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from bench.training_relatives import PrefixGrouperDecoder, UnslothDecoder
from classifier.model.bases.base import Base
from classifier.model.quantization import nf4_config
from training.adapter.fast.division import Part
from training.adapter.fast.trainer import FastTrainer
from training.adapter.joint_trainer import JointTrainer
from training.adapter.loading import load_with_adapter
from training.adapter.recipe import Compute, Recipe

Decoder = Literal["own", "prefix_grouper", "unsloth"]
_AS_MEMORY_ASKS, _ALL, _NONE = "as memory asks", "all", "none"
_PRECISIONS = {
    torch.bfloat16: {"bf16": True, "fp16": False},
    torch.float16: {"bf16": False, "fp16": True},
    torch.float32: {"bf16": False, "fp16": False},
}


@dataclass(frozen=True)
class Row:
    """A way to train.

    Parameters:
        path: of the recipe.
        training: settings of TRL's SFTConfig over the recipe's.
        checkpointing: the recipe's, "unsloth" where it is that.
        in_4bit: whether the base is quantised.
        dtype: of the computation, where it is not the default.
        decoder: what reads the fast path's micro-batches.
        recomputed: layers of the fast path.
        together: tickets of a micro-batch of the fast path; as memory asks by default.
    """

    path: Literal["recipe", "fast"] = "fast"
    training: Mapping[str, Any] = field(default_factory=dict)
    checkpointing: bool | Literal["unsloth"] = "unsloth"
    in_4bit: bool = True
    dtype: torch.dtype | None = None
    decoder: Decoder = "own"
    recomputed: str = _AS_MEMORY_ASKS
    together: int | None = None

    def over(self, recipe: Recipe, memory: float | None) -> Recipe:
        """Return a recipe with this row's settings."""
        precision = {} if self.dtype is None else _PRECISIONS[self.dtype]
        load = {"load_in_4bit": self.in_4bit, "dtype": self.dtype}
        lora = {"use_gradient_checkpointing": self.checkpointing}
        return recipe.model_copy(
            update={
                "compute": Compute(path=self.path, memory=memory),
                "training": {**recipe.training, **precision, **self.training},
                "load": recipe.load.model_copy(update=load),
                "lora": recipe.lora.model_copy(update=lora),
            }
        )

    def load(self, base: Base, recipe: Recipe, device: torch.device) -> Any:
        """Return the base with a fresh adapter."""
        if self.path == "recipe" or self.decoder == "unsloth":
            by_recipe = recipe.model_copy(update={"compute": Compute(path="recipe")})
            return load_with_adapter(base, by_recipe, device)
        if self.in_4bit and self.dtype is None:
            return load_with_adapter(base, recipe, device)
        return self._load_otherwise(base, recipe, device)

    def _load_otherwise(self, base: Base, recipe: Recipe, device: torch.device) -> Any:
        """Load a base as the fast path does, but for its precision."""
        dtype = self.dtype or (torch.bfloat16 if device.type == "cuda" else torch.float32)
        quantized = {"quantization_config": nf4_config(dtype)} if self.in_4bit else {}
        model = AutoModelForCausalLM.from_pretrained(
            str(base.path), dtype=dtype, device_map={"": device}, **quantized
        )
        wanted = recipe.get_peft_model()
        torch.manual_seed(wanted.pop("random_state"))
        for name in ("use_gradient_checkpointing", "loftq_config"):
            wanted.pop(name)
        return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **wanted))

    def arrange(self, trainer: JointTrainer) -> None:
        """Put this row's decoder and division into a trainer that has not begun."""
        if not isinstance(trainer, FastTrainer):
            return
        if self.decoder == "prefix_grouper":
            trainer.model.gradient_checkpointing_enable({"use_reentrant": False})
            trainer.model.enable_input_require_grads()
            trainer.decoder = PrefixGrouperDecoder(trainer.model)  # type: ignore[assignment]
        elif self.decoder == "unsloth":
            trainer.args.gradient_checkpointing = True  # unsloth asks when the training begins
            trainer.decoder = UnslothDecoder(trainer.model)  # type: ignore[assignment]
        if self.together or self.recomputed != _AS_MEMORY_ASKS or self.decoder != "own":
            layers = trainer.model.config.num_hidden_layers if self.recomputed == _ALL else 0
            trainer.divided = _division(self.together, layers)  # type: ignore[assignment,method-assign]


def _division(together: int | None, layers: int) -> Callable[[list[int], int], list[Part]]:
    def divided(own: list[int], shared: int) -> list[Part]:
        del shared
        size = together or len(own)
        starts = range(0, len(own), size)
        return [Part(tuple(range(at, min(at + size, len(own)))), layers) for at in starts]

    return divided


ANSWERS = {"completion_only_loss": True}
PLAIN_ADAM = {"optim": "adamw_torch"}
WHOLE_BATCH = {"per_device_train_batch_size": 16, "gradient_accumulation_steps": 1}
ROWS = {
    "recipe": Row("recipe"),
    "fast": Row(),
    "recipe, answers": Row("recipe", ANSWERS),
    "fast, answers": Row(training=ANSWERS),
    "prefix-grouper": Row(decoder="prefix_grouper"),
    "prefix-grouper, answers": Row(training=ANSWERS, decoder="prefix_grouper"),
    "unsloth's shared prefix": Row(decoder="unsloth"),
    "unsloth's shared prefix, answers": Row(training=ANSWERS, decoder="unsloth"),
    "fast, base in 16 bits": Row(in_4bit=False),
    "fast, all recomputed": Row(recomputed=_ALL),
    "fast, none recomputed": Row(recomputed=_NONE),
    "fast, 2 tickets at a time": Row(together=2),
    "fast, adam in 32 bits": Row(training=PLAIN_ADAM),
    "recipe, base in 16 bits": Row("recipe", in_4bit=False),
    "recipe, no checkpointing": Row("recipe", checkpointing=False),
    "recipe, 16 tickets at a time": Row("recipe", WHOLE_BATCH),
    "recipe, adam in 32 bits": Row("recipe", PLAIN_ADAM),
    "fast, fp32": Row(dtype=torch.float32),
    "fast, fp16": Row(dtype=torch.float16),
    "recipe, fp32": Row("recipe", dtype=torch.float32),
    "recipe, fp16": Row("recipe", dtype=torch.float16),
}
"""Each in bfloat16 on a GPU, with the base in 4 bits, unless it says otherwise."""
TABLES = {
    "speed": tuple(ROWS)[:8],
    "memory": ("fast", *tuple(ROWS)[8:13], "recipe", *tuple(ROWS)[13:17]),
    "precision": ("fast", *tuple(ROWS)[17:19], "recipe", *tuple(ROWS)[19:]),
    "curves": ("recipe", "fast"),
}
"""Names of rows that are run together."""
