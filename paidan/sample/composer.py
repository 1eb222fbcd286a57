"""Puts one ticket together: the matter, who calls, how they talk, what else they mention."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from paidan.sample.corpus import Corpus, Matter, Place, Talk, Unit
from paidan.sample.grammar import Scene, Template

_REGISTERS = ("plain", "plain", "plain", "plain", "formal", "formal", "formal", "angry", "angry")

# How often a ticket has what; the first four set how hard the sample is to classify.
_SIDE_RATE = 0.15
_SIDE_FIRST_RATE = 0.3
_OTHER_UNIT_NAMED_RATE = 0.04
_VAGUE_TITLE_RATE = 0.5
_OWN_UNIT_NAMED_RATE = 0.02
_SHORT_RATE = 0.12
_SECOND_PHRASING_RATE = 0.45
_SUMMARY_RATE = 0.3
_PLACE_RATE = 0.7
_PHONE_RATE = 0.2
_TYPO_RATE = 0.08
_LOST_COMMA_RATE = 0.06

_LEAST_CHARACTERS = 30
_TERSE_CHARACTERS = 70
_MEAN_CHATTER = 2.9
_MOST_CHATTER = 7

_IN_SHORT = ("还有就是", "再就是", "类似的还有，", "加上", "同样的还有，")

# Slots that tell one caller from another.
_WHERE = frozenset({"place", "addr", "spot", "phone"})
_MORE = ("而且", "还有，", "再一个，", "并且", "再说", "")

_RECENT_DAYS = ("昨天", "前天", "上周三", "上周末", "上个月底", "今天早上", "前几天")


@dataclass(frozen=True)
class Subject:
    """What a ticket is about, hence its true unit."""

    unit: Unit
    matter: Matter
    place: Place


@dataclass(frozen=True)
class Message:
    """A composed ticket without its envelope; ``side_unit`` is a unit's name or empty."""

    subject: Subject
    register: str
    title: str
    text: str
    side_unit: str


@dataclass
class _Draft:
    """A message while it is written: sentences without their full stops."""

    subject: Subject
    scene: Scene
    talk: Talk
    opening: str = ""
    sentences: list[str] = field(default_factory=list)
    said: list[Template] = field(default_factory=list)
    side_unit: str = ""

    @property
    def length(self) -> int:
        """The characters so far, full stops apart."""
        return len(self.opening) + sum(map(len, self.sentences))


class Composer:
    """Writes messages from a corpus; it keeps no state between them."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def compose(self, rng: Random, received_at: datetime) -> Message:
        """Write one message as of ``received_at``, taking all chance from ``rng``."""
        subject = self._subject(rng)
        scene = self._scene(rng, subject, received_at)
        register = scene.pick(_REGISTERS)
        draft = _Draft(subject, scene, self._corpus.talk[register])
        if scene.chance(_SHORT_RATE):
            self._write_short(draft)
        else:
            self._write_long(draft, received_at)
        self._fill_up(draft)
        text = draft.opening + draft.talk.end.join(draft.sentences) + draft.talk.end
        text = self._mistype(self._anchored(draft, text), scene)
        return Message(subject, register, self._title(draft), text, draft.side_unit)

    def _subject(self, rng: Random) -> Subject:
        corpus = self._corpus
        (unit,) = rng.choices(corpus.units, cum_weights=corpus.cumulative_shares)
        matter = rng.choice(unit.matters)
        return Subject(unit, matter, unit.home or rng.choice(corpus.places))

    def _scene(self, rng: Random, subject: Subject, received_at: datetime) -> Scene:
        scene = Scene(self._corpus.grammar, rng, {})
        place = subject.place
        towns = place.towns
        if subject.matter.is_upper or subject.unit.home is None:
            towns += place.upper_towns
        # Villages are called villages: where a district has a town, they lie in it.
        rural = [town for town in towns if not town.endswith("街道")] or towns
        scene.values.update(
            district=place.district,
            town=scene.pick(towns),
            rural_town=scene.pick(rural),
            op=subject.unit.operator,
            date=_date(scene, received_at),
        )
        return scene

    def _write_short(self, draft: _Draft) -> None:
        scene = draft.scene
        phrasings = draft.subject.matter.phrasings
        phrasing = phrasings[-1] if scene.chance(0.5) else scene.pick(phrasings)
        draft.sentences.append(scene.render(phrasing))
        draft.opening = f"{scene.slot('spot')}，"
        if scene.chance(0.6):
            self._add(draft, draft.talk.request)
        if scene.chance(_PHONE_RATE):
            self._add(draft, draft.talk.closing)

    def _write_long(self, draft: _Draft, received_at: datetime) -> None:
        scene, talk = draft.scene, draft.talk
        full = draft.subject.matter.phrasings[:-1]
        first = int(scene.rng.random() * len(full))
        main = scene.render(full[first])
        is_placed = not _WHERE.isdisjoint(scene.values)
        if draft.subject.unit.home is None and (is_placed or not scene.chance(_PLACE_RATE)):
            draft.opening = scene.say(talk.opening)
        else:
            draft.opening = scene.say(talk.opening_place)
        draft.sentences.append(main)
        if scene.chance(_SECOND_PHRASING_RATE):
            more = scene.pick(_MORE) + scene.render(full[(first + 1) % len(full)])
            draft.sentences.append(more)
        for _ in range(min(_MOST_CHATTER, int(scene.rng.expovariate(1 / _MEAN_CHATTER)))):
            self._add(draft, talk.chatter)
        if scene.chance(_SIDE_RATE):
            self._add_side(draft, received_at)
        self._mention_units(draft)
        if scene.chance(_SUMMARY_RATE):
            summary = scene.render(draft.subject.matter.phrasings[-1])
            draft.sentences.append(scene.pick(_IN_SHORT) + summary)
        if scene.chance(0.75):
            self._add(draft, talk.request)
        if scene.chance(_PHONE_RATE):
            self._add(draft, talk.closing)

    def _fill_up(self, draft: _Draft) -> None:
        """Keep a terse ticket from saying too little, or what another ticket says as well."""
        if draft.length < _TERSE_CHARACTERS and _WHERE.isdisjoint(draft.scene.values):
            draft.opening = f"{draft.scene.slot('spot')}，"
        while draft.length < _LEAST_CHARACTERS:
            self._add(draft, draft.talk.chatter)

    def _add(self, draft: _Draft, templates: tuple[Template, ...]) -> None:
        template = draft.scene.pick(templates)
        if template not in draft.said:
            draft.said.append(template)
            draft.sentences.append(draft.scene.render(template))

    def _add_side(self, draft: _Draft, received_at: datetime) -> None:
        """Mention a second matter, which belongs to another unit and does not decide."""
        corpus, scene, unit = self._corpus, draft.scene, draft.subject.unit
        other = corpus.by_name[scene.pick(unit.neighbours)]
        if scene.chance(0.4):
            other = scene.pick(corpus.units)
        if other is unit or (other.home and other.home != draft.subject.place):
            return
        matter = scene.pick(other.matters)
        side_scene = self._scene(
            scene.rng, Subject(other, matter, draft.subject.place), received_at
        )
        scene.values["side"] = side_scene.render(matter.phrasings[-1])
        draft.side_unit = other.name
        if scene.chance(_SIDE_FIRST_RATE):
            draft.sentences[0] = scene.say(corpus.phrases["side.before"]) + draft.sentences[0]
        else:
            draft.sentences.append(scene.say(corpus.phrases["side.after"]))

    def _mention_units(self, draft: _Draft) -> None:
        scene, unit = draft.scene, draft.subject.unit
        if scene.chance(_OTHER_UNIT_NAMED_RATE):
            scene.values["unit"] = scene.pick(unit.neighbours)
            draft.sentences.append(scene.say(self._corpus.phrases["mention.other"]))
        elif scene.chance(_OWN_UNIT_NAMED_RATE):
            scene.values["unit"] = unit.name
            draft.sentences.append(scene.say(self._corpus.phrases["mention.own"]))

    def _anchored(self, draft: _Draft, text: str) -> str:
        """Name the place in ``text`` where only the place can decide the unit."""
        home = draft.subject.unit.home
        if home is None or any(name in text for name in home.anchors):
            return text
        scene = draft.scene
        return f"{home.district}{scene.slot('town')}，{text}"

    def _title(self, draft: _Draft) -> str:
        scene = draft.scene
        if scene.chance(_VAGUE_TITLE_RATE):
            return scene.say(self._corpus.phrases["title.vague"])
        scene.values["matter"] = draft.subject.matter.title
        return scene.say(self._corpus.phrases["title.matter"])

    def _mistype(self, text: str, scene: Scene) -> str:
        if scene.chance(_TYPO_RATE):
            right, wrong = scene.pick(self._corpus.typos)
            text = text.replace(right, wrong, 1)
        if scene.chance(_LOST_COMMA_RATE):
            text = text.replace("，", scene.pick(("", " ", ",")))
        return text


def _date(scene: Scene, received_at: datetime) -> str:
    if scene.chance(0.4):
        return scene.pick(_RECENT_DAYS)
    day = received_at - timedelta(days=1 + int(scene.rng.random() * 25))
    return f"{day.month}月{day.day}日" if scene.chance(0.8) else f"{day.month}月{day.day}号"
