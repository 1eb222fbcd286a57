"""What a recipe's section ``[training]`` may set: arguments of TRL's SFTConfig, of their types.

Nothing of torch is set up here: that would settle on which device this process trains.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from core.errors import InputError

# What Paidan decides itself: a recipe cannot move the output, take the data away, publish it, or
# leave out of a checkpoint what a resumed training needs.
_OURS = (
    *("output_dir", "max_length", "save_strategy", "eval_strategy", "report_to", "push_to_hub"),
    *("save_only_model", "ignore_data_skip", "remove_unused_columns", "dataset_kwargs"),
    # These follow from hardware and path; lora.use_gradient_checkpointing is the recipe's.
    *("use_cpu", "gradient_checkpointing", "gradient_checkpointing_kwargs", "disable_tqdm"),
)
_POSITIVE = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "num_train_epochs",
    "logging_steps",
)
_NOT_NEGATIVE = ("warmup_steps", "weight_decay", "max_grad_norm", "seed")
_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


def check_training(values: Mapping[str, Any], named: str) -> None:
    """Refuse what SFTConfig would not take, or what would train nothing.

    Args:
        values: the section's.
        named: the recipe's files, for the message.

    Raises:
        InputError: names the setting.
    """
    from trl import SFTConfig

    hints = get_type_hints(SFTConfig)
    for name, value in values.items():
        if name in _OURS:
            raise InputError(f"{named}: training.{name} is decided by Paidan, leave it out")
        if name not in hints:
            raise InputError(f"{named}: training.{name} is no argument of TRL's SFTConfig")
        if problem := _problem(name, value, hints[name]):
            raise InputError(f"{named}: training.{name}: {problem}")


def _problem(name: str, value: Any, hint: Any) -> str | None:
    """Say what is wrong with a value; None where nothing is."""
    kinds = [one for one in get_args(hint) if isinstance(one, type) and issubclass(one, Enum)]
    known = sorted(str(one.value) for kind in kinds for one in kind)
    if known and isinstance(value, str) and value not in known:
        return f"{value!r} is none of {', '.join(known)}"
    try:
        TypeAdapter(hint, config=_STRICT).validate_python(value)
    except ValidationError as error:
        return "; ".join(dict.fromkeys(problem["msg"] for problem in error.errors()))
    if name in _POSITIVE and value <= 0:
        return f"{value} is not above 0"
    if name in _NOT_NEGATIVE and value < 0:
        return f"{value} is below 0"
    return None
