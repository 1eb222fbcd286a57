"""Of a sample's tokens all are learned, or the answer alone."""

from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from training.adapter.tokens import IGNORED, Tokens, as_dataset


def test_padding_is_masked_and_the_end_token_is_learned() -> None:
    """Even where they are the same token, as in DeepSeek-R1-Distill-Qwen."""
    end = 9
    samples = [Tokens([1, 2, 3, end], 2), Tokens([1, 4, end], 1)]
    for completion_only, expected in (
        (True, [[IGNORED, IGNORED, 3, end], [IGNORED, 4, end, IGNORED]]),
        (False, [[1, 2, 3, end], [1, 4, end, IGNORED]]),
    ):
        rows = as_dataset(samples, completion_only=completion_only)
        batch = DataCollatorForLanguageModeling(pad_token_id=end)(list(rows))

        assert batch["labels"].tolist() == expected
        assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
