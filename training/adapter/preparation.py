"""What stands before an adapter's training: recipe, set-up, prompt, and what is held out."""

import training.adapter.unsloth_first  # noqa: F401

# isort: split

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from classifier.labels.prompt import Prompt
from classifier.labels.template import STEPS, PromptUnit, load_template
from classifier.labels.trie import LabelTrie
from classifier.model.bases.base import Base
from classifier.model.bases.files import RECIPE
from classifier.model.bases.tokenizer import has_thoughts, load_tokenizer
from classifier.setup import Setup
from core.errors import InputError
from training.adapter.draws import drawn
from training.adapter.recipe import Recipe
from training.adapter.soft.targets import Chances, Names, SoftTarget, row_of
from training.adapter.tokens import Tokens
from training.conflicts import tell_conflicts
from training.near_duplicates import group_near_duplicates
from training.progress import SILENT, Progress
from training.samples import Sample, check_samples

MAX_SCORED = 5_000
"""Held-out tickets that are scored: enough for all that is set by them."""

MAX_VALIDATED = 32
"""Held-out tickets whose loss is measured with each point of a run's curves: two steps' worth."""


@dataclass(frozen=True)
class Preparation:
    """What one training run learns from, and how.

    Parameters:
        base: the base model, found unchanged.
        recipe: all settings.
        setup: what the version will hold beside its adapter.
        prompt: the set-up in the base's tokens.
        known: the samples to learn from.
        held_out: the others, which measure and calibrate the version.
        soft: (known, taught) distributions that the known samples are learned as; None where their
            labels alone are.
    """

    base: Base
    recipe: Recipe
    setup: Setup
    prompt: Prompt
    known: Sequence[Sample]
    held_out: Sequence[Sample]
    soft: Chances | None = None

    @property
    def is_weighted(self) -> bool:
        """Whether some known samples count more than others."""
        return any(sample.weight != 1 for sample in self.known)

    @property
    def scored(self) -> Sequence[Sample]:
        """The held-out samples that are scored."""
        return self.held_out[:MAX_SCORED]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """(scored,) group numbers of near-duplicates among the scored samples."""
        return group_near_duplicates([sample.text for sample in self.scored])

    @cached_property
    def taught(self) -> tuple[str, ...]:
        """Codes of the units with known samples: the rows of a head."""
        return tuple(sorted({sample.unit for sample in self.known}))

    @property
    def validated(self) -> Sequence[Sample]:
        """The held-out samples whose loss is measured while others are learned."""
        taught = set(self.taught)
        return [sample for sample in self.held_out if sample.unit in taught][:MAX_VALIDATED]

    def tokens(self) -> list[Tokens]:
        """Return the known samples in tokens, with their weights.

        They have their thoughts where the recipe learns these.
        """
        thoughts = [self.thought_of(sample) for sample in self.known]
        soft = [None] * len(self.known) if self.soft is None else self.soft
        return self._all_in_tokens(self.known, thoughts, soft)

    def validated_tokens(self) -> list[Tokens]:
        """Return the ``validated`` samples in tokens, with an empty thought as they are served.

        All count alike: weights are for learning.
        """
        alike = [replace(sample, weight=1.0) for sample in self.validated]
        return self._all_in_tokens(alike, [""] * len(alike), [None] * len(alike))

    def _all_in_tokens(
        self,
        samples: Sequence[Sample],
        thoughts: Sequence[str],
        soft: Sequence[Chances | None] | Chances,
    ) -> list[Tokens]:
        tickets = self.prompt.tickets([sample.text for sample in samples])
        together = zip(tickets, samples, thoughts, soft, strict=True)
        return [self._in_tokens(*one) for one in together]

    def thought_of(self, sample: Sample) -> str:
        """Return the thought that a sample is learned with; empty where it has or learns none."""
        data = self.recipe.data
        if data.thoughts == "mixed" and sample.thought:
            learns = drawn(data.seed, "thought", sample.text) < data.thought_share
            return sample.thought if learns else ""
        return sample.thought if data.thoughts == "on" else ""

    def _in_tokens(
        self, ticket: list[int], sample: Sample, thought: str, units: Chances | None
    ) -> Tokens:
        row = self.taught.index(sample.unit)
        if units is not None and not thought:  # a thought pleads for its own unit
            row = row_of(units, drawn(self.recipe.data.seed, "name", sample.text))
        unit = self.taught[row]
        ids, question = self.prompt.sample(ticket, thought, unit)
        # Name and end token are the last; the head reads where they are predicted from.
        answer_at = len(ids) - len(self.prompt.labels[unit]) - 2
        soft = None if units is None else SoftTarget(units, self._names.soft(row, units))
        return Tokens(ids, question, answer_at, row, soft, sample.weight)

    @cached_property
    def _names(self) -> Names:
        end = self.prompt.tokenizer.eos_token_id
        return Names([[*self.prompt.labels[code], end] for code in self.taught])


def prepare(
    samples: Sequence[Sample],
    units: Sequence[PromptUnit],
    base: Base,
    recipe: Recipe,
    progress: Progress,
    held_out: Sequence[Sample] | None = None,
) -> Preparation:
    """Check what is given, and divide the samples unless ``held_out`` were taken out before.

    Raises:
        InputError, TaxonomyError: see ``check_samples``; or the set-up leaves a ticket no room, or
            the recipe's loss knows no weights, and samples have some.
        ModelVersionError: the base was changed.
    """
    check_samples(samples, {unit.code: unit.name for unit in units})
    base.check()
    setup = setup_of(base, units, recipe)
    prompt = setup.prompt(load_tokenizer(base))
    LabelTrie(prompt.labels, prompt.tokenizer.eos_token_id)  # refuses names that look alike
    progress.say(f"base {base.name}: {prompt.counts}")
    thoughts = sum(bool(sample.thought) for sample in samples)
    if thoughts and recipe.data.thoughts != "off" and not prompt.template.has_thought:
        progress.say(
            f"warning: {thoughts:,} thoughts (Complex_CoT) are left out, units alone learned: the "
            f"prompt has no thought, since base {base.name} has no <think> or the template has none"
        )
    known: Sequence[Sample] = samples
    if held_out is None:
        known, held_out = split(samples, recipe, progress)
    elif not held_out:
        raise InputError(
            f"none of the {len(samples):,} samples is held out: a version cannot be calibrated. "
            "Train on more tickets"
        )
    progress.say(f"{len(known):,} tickets to learn from, {len(held_out):,} held out")
    prepared = Preparation(base, recipe, setup, prompt, known, held_out)
    if prepared.is_weighted and recipe.other_losses:
        raise InputError(
            f"{', '.join(recipe.other_losses)} of the recipe cannot be used where samples have "
            "weights: leave it out, or set PAIDAN_BULK_WEIGHT=1 and PAIDAN_UNIT_BALANCE=none"
        )
    return prepared


def recipe_for(base: Base, file: Path | None = None) -> Recipe:
    """Return the recipe: the defaults, what the base brings, what a file says, in this order.

    Raises:
        InputError: a file is malformed.
    """
    own = base.path / RECIPE
    files = [own] if own.is_file() else []
    return Recipe.read(*files, *([file] if file else []))


def setup_of(base: Base, units: Sequence[PromptUnit], recipe: Recipe) -> Setup:
    """Return the set-up that a recipe gives a version; no thought where the base has no marks.

    Raises:
        InputError: the template is missing or malformed, or asks for a thought that the base
            cannot mark.
    """
    template = load_template(recipe.data.template)
    if not has_thoughts(load_tokenizer(base)):
        if recipe.data.template == STEPS:
            raise InputError(
                f"the template {STEPS!r} asks for a thought in steps, and base {base.name} has no "
                "<think> to write it behind: take the template 'duties', or another base"
            )
        template = template.without_thought()
    return Setup(
        base=base.name,
        base_sha256=base.sha256,
        tokenizer_sha256=base.tokenizer_sha256,
        template=template.text,
        units=tuple(sorted(units, key=lambda unit: unit.code)),
        max_seq_length=recipe.load.max_seq_length,
        max_prefix_length=recipe.data.max_prefix_length,
    )


def split(
    samples: Sequence[Sample], recipe: Recipe, progress: Progress = SILENT
) -> tuple[list[Sample], list[Sample]]:
    """Hold a part out, the article's way, whatever the order the samples come in.

    What is drawn are groups of near-duplicates, so that none is on both sides; where there are no
    near-duplicates, the division is the article's own. A unit's only group is learned from: what
    was never learned would say nothing of what was.

    Raises:
        InputError: all samples are near-duplicates of each other.
    """
    ordered = sorted(samples, key=lambda sample: (sample.unit, sample.text))
    groups = group_near_duplicates([sample.text for sample in ordered])
    tell_conflicts(ordered, groups, progress)
    members = defaultdict(list)
    for group, sample in zip(groups.tolist(), ordered, strict=True):
        members[group].append(sample)
    if len(members) == 1:
        raise InputError(
            f"all {len(samples)} samples tell nearly the same: none can be held out; check which "
            "column was imported as the text"
        )
    numbers = Dataset.from_dict({"number": list(members)})
    parts = numbers.train_test_split(test_size=recipe.data.test_size, seed=recipe.data.seed)
    known, drawn = ([members[n] for n in parts[part]["number"]] for part in ("train", "test"))
    taught = {sample.unit for group in known for sample in group}
    held_out: list[list[Sample]] = []
    for group in drawn:
        is_new = not {sample.unit for sample in group} <= taught
        (known if is_new else held_out).append(group)
        if is_new:
            taught.update(sample.unit for sample in group)
    return list(chain.from_iterable(known)), list(chain.from_iterable(held_out))
