"""A recipe's section [training]: a value that TRL would not take is named before anything runs."""

import pytest

from core.errors import InputError
from training.adapter.training_section import check_training


def test_what_trl_takes_is_taken() -> None:
    check_training(
        {
            "learning_rate": 1,
            "num_train_epochs": 0.5,
            "warmup_steps": 0,
            "max_steps": -1,
            "optim": "adamw_torch",
            "lr_scheduler_type": "linear",
            "lr_scheduler_kwargs": {"num_cycles": 2},
            "bf16": True,
            "completion_only_loss": False,
            "neftune_noise_alpha": 5.0,
            "logging_steps": 0.1,
        },
        "r.toml",
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("learning_rate", "fast", "valid number"),
        ("learning_rate", float("nan"), "finite number"),
        ("learning_rate", -1.0, "-1.0 is not above 0"),
        ("per_device_train_batch_size", "2", "valid integer"),
        ("per_device_train_batch_size", 0, "0 is not above 0"),
        ("gradient_accumulation_steps", True, "valid integer"),
        ("num_train_epochs", -1, "-1 is not above 0"),
        ("logging_steps", 0, "0 is not above 0"),
        ("warmup_steps", -5, "-5 is below 0"),
        ("warmup_steps", "many", "valid number"),
        ("max_steps", 2.5, "valid integer"),
        ("optim", "adam9000", "'adam9000' is none of"),
        ("lr_scheduler_type", "wavy", "'wavy' is none of constant"),
        ("packing", "yes", "valid boolean"),
        ("save_only_model", True, "decided by Paidan"),
        ("ignore_data_skip", True, "decided by Paidan"),
        ("push_to_hub", True, "decided by Paidan"),
        ("dataset_kwargs", {}, "decided by Paidan"),
        ("lerning_rate", 1, "no argument of TRL's SFTConfig"),
    ],
)
def test_what_trl_does_not_take_is_named(name: str, value: object, told: str) -> None:
    with pytest.raises(InputError, match=rf"r\.toml: training\.{name}") as refused:
        check_training({name: value}, "r.toml")
    assert told in str(refused.value)
