"""The LLM: a 4-bit base with a LoRA adapter that answers by a head, or by the units' names.

The answer is always a unit. The head scores all of them in one forward. Names are scored under the
full softmax and searched exactly (``labels.search``), never sampled.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from classifier.answering import Answering
from classifier.blend import Blend
from classifier.continuous import BatchLoop
from classifier.decision_rule import DecisionRule
from classifier.engine.engine import Engine
from classifier.fp8_gate import served_mode, why_not_fp8
from classifier.interface import Batch, Decision
from classifier.labels.head import HEAD, Head
from classifier.labels.trie import LabelTrie
from classifier.manifest import Calibration, Manifest, damaged
from classifier.model.adapter_file import load_adapter
from classifier.model.backbone import empty_model, load_backbone
from classifier.model.bases.tokenizer import load_tokenizer
from classifier.model.mode import Mode
from classifier.raw_scores import RawScores
from classifier.setup import SETUP, Answer, Setup
from classifier.version_files import read_manifest
from core.errors import TaxonomyError

logger = logging.getLogger(__name__)


class LlmClassifier:
    """Answers with a base model and an adapter.

    Parameters:
        version: the version's name.
        engine: with its adapter and prompt.
        calibration: see ``DecisionRule``.
        mapping: see ``DecisionRule``.
        answer: by what it answers; None for the names, all of which were taught.
        blend: what is added to the head's scores, if anything.
        added: code -> name of units that are in no prompt of the version. They are answered by
            their names, and such answers held back.
        think_tokens: in ``classify_batches`` a doubtful ticket is thought about, in so many tokens
            at most, and its units are scored once more; 0 for never. Live tickets are not: somebody
            waits. Where the threshold holds all answers back, no thought could help.
    """

    kind = "llm"

    def __init__(
        self,
        version: str,
        engine: Engine,
        calibration: Calibration,
        mapping: Mapping[str, str] | None = None,
        think_tokens: int = 0,
        *,
        answer: Answer | None = None,
        blend: Blend | None = None,
        added: Mapping[str, str] | None = None,
    ) -> None:
        self.version = version
        self.think_tokens = engine.prompt.thought_room(think_tokens)
        self.engine = engine
        labels = engine.prompt.labels
        answer = answer or Answer(by="names", taught=tuple(labels))
        trie = _trie_with(added or {}, engine, version)
        untaught = frozenset(trie.labels) - set(answer.taught)
        rule = DecisionRule(version, list(trie.labels), calibration, mapping, untaught)
        rows = engine.head.codes if engine.head and answer.by == "head" else ()
        self._answering = Answering(rule, trie, answer, rows, blend if rows else None)
        self.units = rule.units

    @property
    def token_budget(self) -> int:
        """Tokens of one forward."""
        return self.engine.token_budget

    @property
    def calibration(self) -> Calibration:
        """By which it decides."""
        return self._answering.rule.calibration

    @classmethod
    def load(
        cls,
        directory: Path,
        mapping: Mapping[str, str] | None = None,
        mode: Mode = "nf4",
        gpu_memory: int | None = None,
        think_tokens: int = 0,
        added: Mapping[str, str] | None = None,
    ) -> Self:
        """Open a version; its base is loaded, or shared with a classifier that has it loaded.

        Bases added to Paidan are entered in the folder ``bases`` beside the version. For ``mode``
        see ``served_mode``, for ``gpu_memory`` ``load_backbone``, for ``think_tokens`` and
        ``added`` the class.

        Raises:
            ModelVersionError: the directory is damaged, or its base is unknown or another one.
            DeviceError: the GPU is gone or its memory too small.
            StorageError: a file is there and cannot be read.
        """
        manifest = read_manifest(directory)
        setup = Setup.read(directory, manifest)
        base = setup.find_base(directory, manifest)
        served = served_mode(manifest, mode)
        if served != mode:
            logger.warning(
                "version %s is served in nf4: %s",
                manifest.name,
                why_not_fp8(manifest),
                extra={"action": "fp8.refused", "version": manifest.name},
            )
        backbone = load_backbone(base, served, gpu_memory=gpu_memory)
        prompt = setup.read_prompt(directory, backbone.tokenizer)
        adapter = load_adapter(directory, manifest, backbone.model)
        head = load_head(directory, manifest, setup, backbone.model)
        engine = Engine(backbone, adapter, prompt, head=head)
        return cls(
            manifest.name,
            engine,
            manifest.calibration,
            mapping,
            think_tokens,
            answer=setup.answer,
            blend=Blend.load(directory, manifest, setup),
            added=added,
        )

    @staticmethod
    def check(directory: Path) -> None:
        """Raise what ``load`` would of a version, with no weight of its base and no GPU.

        Raises:
            ModelVersionError: see ``load``; whether the base's files are intact is seen there.
            StorageError: a file is there and cannot be read.
        """
        manifest = read_manifest(directory)
        setup = Setup.read(directory, manifest)
        base = setup.find_base(directory, manifest)
        DecisionRule(manifest.name, manifest.codes, manifest.calibration)
        setup.read_prompt(directory, load_tokenizer(base))
        model = empty_model(base)
        load_adapter(directory, manifest, model)
        load_head(directory, manifest, setup, model)
        Blend.load(directory, manifest, setup)

    def classify(
        self, texts: Sequence[str], allowed: Sequence[frozenset[str]], top_k: int = 5
    ) -> list[Decision]:
        """Answer each text with one of its allowed units (see ``interface.Classifier``)."""
        batch = Batch(texts, allowed)
        [(_, decisions)] = BatchLoop(self.engine, self._answering, [batch], top_k).run()
        return decisions

    def raw_scores(self, texts: Sequence[str]) -> RawScores:
        """Score n texts (see ``raw_scores.ScoringClassifier``), without thoughts."""
        return self._answering.raw_scores(self.engine, texts)

    def recalibrate(self, calibration: Calibration | None) -> None:
        """Decide by another calibration from now on (see ``interface.Classifier``)."""
        self._answering.recalibrate(calibration)

    def classify_batches(
        self, batches: Iterable[Batch], top_k: int = 5
    ) -> Iterator[tuple[Batch, list[Decision]]]:
        """Answer batches as they come (see ``interface.ContinuousClassifier``)."""
        before, began = self._work_done(), time.perf_counter()
        think_tokens = 0 if self._answering.rule.holds_all else self.think_tokens
        try:
            yield from BatchLoop(self.engine, self._answering, batches, top_k, think_tokens).run()
        finally:
            seconds = time.perf_counter() - began
            done = {name: round(n - before[name], 3) for name, n in self._work_done().items()}
            logger.info(
                "batches ended",
                extra={"action": "batches.ended", **done, "seconds": round(seconds, 3)},
            )

    def _work_done(self) -> dict[str, float]:
        """Return what the engine did so far; ``busy`` is seconds of the device."""
        counts = self.engine.counts
        return {
            "tickets": counts.tickets,
            "tokens": counts.ticket_tokens,
            "label_nodes": counts.label_nodes,
            "forwards": counts.forwards,
            "thoughts": counts.thoughts,
            "thought_tokens": counts.thought_tokens,
            "busy": self.engine.backbone.runner.busy,
        }


def load_head(directory: Path, manifest: Manifest, setup: Setup, model: Any) -> Head | None:
    """Return the head that a version answers by; None where names answer.

    Raises:
        ModelVersionError: it is missing, changed, or does not fit the version or its base.
    """
    if setup.answer is None or setup.answer.by == "names":
        return None
    head = Head.load(directory, manifest, model.config.hidden_size)
    if head is None:
        raise damaged(directory / SETUP, f"the version answers by a head, and has no {HEAD}")
    if not set(head.codes) <= set(setup.answer.taught):
        raise damaged(directory / HEAD, f"has rows of units that {SETUP} says nobody taught")
    return head


def _trie_with(added: Mapping[str, str], engine: Engine, version: str) -> LabelTrie:
    """Return the trie of the prompt's units and of added ones.

    An added unit whose name cannot be told from another is left out: the version serves on.
    """
    labels = dict(engine.prompt.labels)
    for code, tokens in engine.prompt.name_tokens(added).items():
        try:
            LabelTrie(labels | {code: tokens}, engine.backbone.end)
        except TaxonomyError:
            logger.warning(
                "version %s cannot answer unit %s, which was added since: its name has the tokens "
                "of another; train again",
                version,
                code,
                extra={"action": "unit.skipped", "version": version, "unit": code},
            )
        else:
            labels[code] = tokens
    return LabelTrie(labels, engine.backbone.end)
