"""The prompt in tokens: prefix, ticket and label are tokenised apart, in training and in serving.

So the model reads the prefix once for all tickets. A label's tokens never depend on what stands
before them. Serving asks what training teaches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from classifier.labels.template import END_THINK, PromptUnit, Template, neutralise
from core.errors import InputError

MIN_TICKET_TOKENS = 256
"""A set-up that leaves a ticket fewer tokens is refused."""


class Tokenizer(Protocol):
    """The part of a Hugging Face tokenizer that prompts use."""

    bos_token_id: int | None
    eos_token_id: int

    def __call__(  # noqa: D102
        self, text: list[str], *, add_special_tokens: bool, verbose: bool
    ) -> dict[str, Any]: ...

    def get_added_vocab(self) -> dict[str, int]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long a sample may be, in tokens.

    Parameters:
        max_seq_length: of instruction, ticket, thought, unit and end together. An instruction that
            tells responsibilities is not counted.
        max_prefix_length: of an instruction that tells responsibilities.
    """

    max_seq_length: int = 896
    max_prefix_length: int = 2048


@dataclass(frozen=True)
class Prompt:
    """A template for given units, in tokens.

    Parameters:
        tokenizer: of the base model.
        template: the text.
        units: in the order in which the instruction lists them.
        lengths: the limits.

    Raises:
        InputError: the set-up leaves a ticket under ``MIN_TICKET_TOKENS``; tells the counts.
    """

    tokenizer: Tokenizer
    template: Template
    units: tuple[PromptUnit, ...]
    lengths: Lengths = field(default_factory=Lengths)

    def __post_init__(self) -> None:
        """Refuse a set-up that leaves a ticket too little room."""
        limit = self.lengths.max_prefix_length
        if self.template.tells_duties and len(self.prefix) > limit:
            raise InputError(
                f"the instruction has {len(self.prefix)} tokens, max_prefix_length allows {limit}: "
                "raise it, shorten the responsibilities, or take the template 'dispatch'"
            )
        if self.room < MIN_TICKET_TOKENS:
            raise InputError(
                f"only {self.room} tokens are left for a ticket, {MIN_TICKET_TOKENS} are needed "
                f"({self.counts}): raise max_seq_length, or take a shorter template"
            )

    @cached_property
    def prefix(self) -> tuple[int, ...]:
        """The tokens before the ticket, with the beginning token of models that have one."""
        bos = self.tokenizer.bos_token_id
        return (
            *([] if bos is None else [bos]),
            *self._encode(self.template.instruction(self.units)),
        )

    @cached_property
    def question_end(self) -> tuple[int, ...]:
        """The tokens between ticket and thought, or unit where the template has no thought."""
        return tuple(self._encode(self.template.question_end))

    @cached_property
    def thought_end(self) -> tuple[int, ...]:
        """The tokens between thought and unit; none where the template has no thought."""
        return tuple(self._encode(self.template.thought_end))

    @property
    def suffix(self) -> tuple[int, ...]:
        """The tokens between ticket and unit, where the thought is empty."""
        return self.question_end + self.thought_end

    @cached_property
    def thought_stops(self) -> frozenset[int]:
        """The tokens with which a model ends its thought."""
        end = self.tokenizer.get_added_vocab().get(END_THINK)
        return frozenset({self.tokenizer.eos_token_id, *([] if end is None else [end])})

    def without_end(self, thought: list[int]) -> list[int]:
        """Return a thought without the break that the template has between it and its end mark."""
        places = [n for n, token in enumerate(self.thought_end) if token in self.thought_stops]
        gap = list(self.thought_end[: places[0]]) if places else []
        return thought[: -len(gap)] if gap and thought[-len(gap) :] == gap else thought

    def thought_room(self, wished: int) -> int:
        """Return how many of the wished tokens a thought may have.

        It shares the ticket's room, as in training, and leaves the ticket ``MIN_TICKET_TOKENS``.
        """
        if not self.template.has_thought:
            return 0
        return max(0, min(wished, self.room - MIN_TICKET_TOKENS))

    def to_think(self, tickets: Sequence[list[int]], thought: int) -> list[list[int]]:
        """Return tickets cut so that ticket and thought fit into ``room`` together."""
        return [cut_middle(ids, self.room - thought) for ids in tickets]

    @cached_property
    def labels(self) -> dict[str, tuple[int, ...]]:
        """Unit code -> the tokens of its name."""
        return self.name_tokens({unit.code: unit.name for unit in self.units})

    def name_tokens(self, names: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
        """Return unit code -> the tokens of its name, of unit code -> name."""
        encoded = self._encode_all(list(names.values()))
        return {code: tuple(ids) for code, ids in zip(names, encoded, strict=True)}

    @cached_property
    def room(self) -> int:
        """The tokens a ticket may have; a longer one is cut in its middle."""
        longest = max(map(len, self.labels.values()))
        rest = self.lengths.max_seq_length - len(self.suffix) - longest - 1  # 1 for the end token
        return rest if self.template.tells_duties else rest - len(self.prefix)

    @property
    def counts(self) -> str:
        """The lengths, for a person to read."""
        own = " of its own" if self.template.tells_duties else ""
        return (
            f"instruction {len(self.prefix)} tokens{own}, "
            f"max_seq_length {self.lengths.max_seq_length}, ticket up to {self.room}"
        )

    def tickets(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's tokens, without the middle of those longer than ``room``."""
        added = list(self.tokenizer.get_added_vocab())
        encoded = self._encode_all([neutralise(text, added) for text in texts])
        return [cut_middle(ids, self.room) for ids in encoded]

    def sample(self, ticket: Sequence[int], thought: str, code: str) -> tuple[list[int], int]:
        """Return a training sample's tokens, and how many of them are the question.

        The model learns what follows the question: the thought, the unit, the end token. A thought
        shares the ticket's room and leaves the ticket ``MIN_TICKET_TOKENS``. A template without a
        thought leaves it out.
        """
        thinking: list[int] = []
        if thought and self.template.has_thought:
            defused = neutralise(thought, list(self.tokenizer.get_added_vocab()))
            thinking = self._encode(defused)
            kept = min(len(ticket), MIN_TICKET_TOKENS)
            thinking = cut_middle(thinking, self.room - kept)
            ticket = cut_middle(list(ticket), self.room - len(thinking))
        question = [*self.prefix, *ticket, *self.question_end]
        answer = [*thinking, *self.thought_end, *self.labels[code], self.tokenizer.eos_token_id]
        if not thinking:  # an empty thought is given, not learned
            return question + answer, len(question) + len(self.thought_end)
        return question + answer, len(question)

    def _encode(self, text: str) -> list[int]:
        return self._encode_all([text])[0]

    def _encode_all(self, texts: list[str]) -> list[list[int]]:
        if not texts:
            return []
        # Not verbose: the tokenizer would warn of long tickets, which are cut afterwards.
        encoded = self.tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
        return [list(map(int, ids)) for ids in encoded]


def cut_middle(ids: list[int], length: int) -> list[int]:
    """Return the beginning and the end of a sequence longer than ``length``, so long in all."""
    if len(ids) <= length:
        return ids
    head = (length + 1) // 2
    return ids[:head] + ids[len(ids) - (length - head) :]
