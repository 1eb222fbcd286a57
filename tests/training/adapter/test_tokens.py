"""Of a sample's tokens all are learned, or the answer alone."""

from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from training.adapter.recipe import AnswerLosses
from training.adapter.tokens import IGNORED, Tokens, as_dataset


def test_padding_is_masked_and_the_end_token_is_learned() -> None:
    """Even where they are the same token, as in DeepSeek-R1-Distill-Qwen."""
    end = 9
    samples = [Tokens([1, 2, 3, end], 2, 1, 0), Tokens([1, 4, end], 1, 0, 2)]
    for completion_only, expected in (
        (True, [[IGNORED, IGNORED, 3, end], [IGNORED, 4, end, IGNORED]]),
        (False, [[1, 2, 3, end], [1, 4, end, IGNORED]]),
    ):
        rows = as_dataset(samples, AnswerLosses(), completion_only=completion_only)
        batch = DataCollatorForLanguageModeling(pad_token_id=end)(list(rows))

        assert batch["labels"].tolist() == expected
        assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


SAMPLES = [Tokens([1, 2, 3, 9], 2, 1, 0), Tokens([1, 4, 9], 1, 0, 2)]


def test_the_place_and_the_row_of_the_head_go_with_each_sample() -> None:
    rows = as_dataset(SAMPLES, AnswerLosses(), completion_only=True)

    assert (rows["answer_at"], rows["row"]) == ([1, 0], [0, 2])
    assert set(as_dataset(SAMPLES, AnswerLosses(head=0), completion_only=True).column_names) == {
        "input_ids",
        "labels",
    }


def test_where_no_name_is_learned_none_is_read() -> None:
    rows = as_dataset(SAMPLES, AnswerLosses(names=0), completion_only=False)

    assert list(rows["input_ids"]) == [[1, 2], [1]]
    # The last token stands for the loss that unsloth asks of every sample; it has no weight.
    assert list(rows["labels"]) == [[IGNORED, 2], [1]]
