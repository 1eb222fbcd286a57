"""How an LLM is trained: every setting of the article is a default, each can be set in a TOML file.

    [load]        what the base is loaded with (FastLanguageModel.from_pretrained)
    [lora]        the adapter (FastLanguageModel.get_peft_model)
    [training]    any argument of TRL's SFTConfig
    [data]        split, template, lengths
    [answer]      the losses of a head over the units and of their names, learned in one run
    [soft]        a teacher, whose probabilities are mixed into the labels

A base may bring a ``recipe.toml`` of its own; a file named on the command line goes over it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from core.errors import InputError
from core.toml_text import parse_toml
from training.adapter.recipe_paths import SOFT, TEMPLATE, named_paths
from training.adapter.soft.settings import Soft
from training.adapter.training_section import check_training

TARGET_MODULES = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(_Section):
    """How the base is loaded; ``dtype`` None takes what the hardware supports."""

    max_seq_length: int = Field(896, ge=1)
    dtype: None = None
    load_in_4bit: Literal[True] = True


class Lora(_Section):
    """The adapter."""

    r: int = Field(64, ge=1)
    lora_alpha: int = Field(64, ge=1)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    bias: Literal["none"] = "none"
    target_modules: tuple[str, ...] = TARGET_MODULES
    use_gradient_checkpointing: bool | Literal["unsloth"] = "unsloth"
    random_state: int = 3407
    use_rslora: Literal[False] = False
    loftq_config: None = None


class Data(_Section):
    """What is learned from: the split, the prompt, the thoughts.

    Parameters:
        test_size: share that is held out.
        seed: of the split, and of what is drawn ticket by ticket.
        template: name of a shipped prompt template, or path of a ``.txt`` file.
        max_prefix_length: see ``classifier.labels.prompt.Lengths``.
        thoughts: whether thoughts (Complex_CoT) are learned where given: "on", "off", or "mixed",
            a share of them; true and false are read as "on" and "off".
        thought_share: of the tickets that have a thought, those that learn it in "mixed". The
            others learn the unit right after an empty one, as it is served.
    """

    test_size: float = Field(0.1, gt=0, lt=1)
    seed: int = 42
    template: str = "dispatch"
    max_prefix_length: int = Field(2048, ge=1)
    thoughts: Literal["on", "off", "mixed"] = "on"
    thought_share: float = Field(0.5, gt=0, lt=1)

    @field_validator("thoughts", mode="before")
    @classmethod
    def _read_bool(cls, value: object) -> object:
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


class AnswerLosses(_Section):
    """What a version learns to answer by: a head over the units, their names, or both at once.

    Parameters:
        head: weight of the head's loss, the mean over the tickets; 0 leaves the head out.
        names: weight of the language model's loss; 0 leaves the names out.
        head_learning_rate: at its highest; warm-up and schedule are the adapter's. The wider a
            base, the lower: 1e-4 for a hidden size of some thousands, 1e-3 for some hundreds.
        label_smoothing: share of a ticket's label that all units have alike.
        brier: weight of the squared error of the head's probabilities, beside its cross-entropy.
        blend: whether a linear model's scores are added to the head's; "auto" where held-out
            tickets say that it is worth it, and it costs little.
        blend_cost: share of tickets/s that it may cost then.
    """

    head: float = Field(1.0, ge=0, allow_inf_nan=False)
    names: float = Field(1.0, ge=0, allow_inf_nan=False)
    head_learning_rate: float = Field(1e-4, gt=0, allow_inf_nan=False)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    brier: float = Field(0.0, ge=0, allow_inf_nan=False)
    blend: Literal["auto", "always", "never"] = "auto"
    blend_cost: float = Field(0.02, ge=0, le=1)

    @model_validator(mode="after")
    def _learns_one(self) -> Self:
        if self.head == self.names == 0:
            raise ValueError("head and names cannot both be 0: nothing would be learned")
        return self


class Compute(_Section):
    """How the loss of a step and its gradients are computed.

    Parameters:
        path: "recipe" goes through TRL (and unsloth) as the article does, "fast" reads the
            instruction once for all tickets of a micro-batch. The loss is the same.
        memory: GiB that the fast path may take on the GPU in all; what is free by default.
    """

    path: Literal["recipe", "fast"] = "recipe"
    memory: float | None = Field(None, gt=0, allow_inf_nan=False)


_TRAINING: dict[str, Any] = {
    "dataset_text_field": "text",
    "dataset_num_proc": 4,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 8,
    "warmup_steps": 100,
    "num_train_epochs": 1,
    "learning_rate": 5e-5,
    "logging_steps": 50,
    "optim": "adamw_8bit",
    "weight_decay": 0.01,
    "lr_scheduler_type": "cosine",
    "seed": 3407,
    # The article's loss is over the whole text, the question too.
    "completion_only_loss": False,
}
# What makes another loss of the names, which soft labels and weights would not fit.
_HARD = ("label_smoothing_factor", "loss_type")
# What changes the loss in a way that the fast path does not compute.
_SLOW = ("label_smoothing_factor", "loss_type", "neftune_noise_alpha", "packing", "padding_free")


class Recipe(_Section):
    """All settings of a training run."""

    load: Load = Load()
    lora: Lora = Lora()
    training: dict[str, Any] = Field(default_factory=lambda: dict(_TRAINING))
    data: Data = Data()
    answer: AnswerLosses = AnswerLosses()
    soft: Soft = Soft()
    compute: Compute = Compute()

    @classmethod
    def read(cls, *files: Path) -> Self:
        """Return the defaults with the files' settings over them, later files over earlier ones.

        Paths in a file are from the folder where it lies.

        Raises:
            InputError: a file cannot be read, or sets something that does not exist; names it.
        """
        merged: dict[str, dict[str, Any]] = {"training": dict(_TRAINING)}
        for file in files:
            read = _read(file)
            for setting, path in list(named_paths(read, file.absolute().parent)):
                section, _, name = setting.partition(".")
                read[section][name] = str(path)
            for section, values in read.items():
                if section not in cls.model_fields or not isinstance(values, Mapping):
                    known = ", ".join(f"[{name}]" for name in cls.model_fields)
                    raise InputError(f"{file}: {section} is no section of a recipe ({known})")
                merged.setdefault(section, {}).update(values)
        try:
            recipe = cls.model_validate(merged)
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors()
            )
            raise InputError(f"{_named(files)}: {told}") from error
        recipe._check_training(_named(files))
        return recipe

    def with_files(self, kept: Mapping[str, str], folder: Path) -> Self:
        """Return it with the copies that a run keeps of the files that it names.

        Tickets that came after the soft labels are learned by their labels.

        Args:
            kept: see ``training.runs.kept_files``.
            folder: from which its paths are.
        """
        changed: dict[str, Any] = {}
        if SOFT in kept:
            update: dict[str, Any] = {"file": str(folder / kept[SOFT]), "missing": "label"}
            changed["soft"] = self.soft.model_copy(update=update)
        if TEMPLATE in kept:
            template = str(folder / kept[TEMPLATE])
            changed["data"] = self.data.model_copy(update={"template": template})
        return self.model_copy(update=changed)

    def _check_training(self, named: str) -> None:
        check_training(self.training, named)
        if self.soft.source is not None:
            self._check_soft(named)
        if self.compute.path == "fast":
            self._check_fast(named)

    def _check_soft(self, named: str) -> None:
        """Refuse what would make soft names something else than their distribution's loss."""
        if self.other_losses:
            raise InputError(
                f"{named}: {', '.join(self.other_losses)} cannot be used with soft labels: leave "
                "it out, or leave [soft] out"
            )

    def _check_fast(self, named: str) -> None:
        """Refuse what the fast path would leave out."""
        for name in _SLOW:
            if name in self.training:
                raise InputError(
                    f"{named}: training.{name} is not computed on the fast path, leave it out or "
                    'set [compute] path = "recipe"'
                )
        if beyond := sorted(set(self.lora.target_modules) - set(TARGET_MODULES)):
            raise InputError(
                f"{named}: the fast path trains adapters of {', '.join(TARGET_MODULES)}, not of "
                f"{', '.join(beyond)}: take it from lora.target_modules, or set [compute] path = "
                '"recipe"'
            )

    @property
    def other_losses(self) -> list[str]:
        """Settings by which the names' loss is not that of each token alone, by a frozen head."""
        found = [f"training.{name}" for name in _HARD if name in self.training]
        if "lm_head" in self.lora.target_modules:
            found.append("lora.target_modules with lm_head")
        return found

    def from_pretrained(self) -> dict[str, Any]:
        """Return the arguments with which a base is loaded, beside its path."""
        return self.load.model_dump()

    def get_peft_model(self) -> dict[str, Any]:
        """Return the arguments with which the adapter is made, beside the model."""
        return self.lora.model_dump() | {"target_modules": list(self.lora.target_modules)}

    def training_arguments(self) -> dict[str, Any]:
        """Return the arguments of SFTConfig, beside the output's place and the precision."""
        return self.training | {"max_length": self.load.max_seq_length}

    @property
    def samples_per_step(self) -> int:
        """Samples of one optimiser step."""
        batch: int = self.training["per_device_train_batch_size"]
        accumulated: int = self.training["gradient_accumulation_steps"]
        return batch * accumulated


def _read(file: Path) -> dict[str, Any]:
    try:
        return parse_toml(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file} is not TOML: {error}") from error


def _named(files: tuple[Path, ...]) -> str:
    return ", ".join(map(str, files)) or "the default recipe"
