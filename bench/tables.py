"""Makes seeded tables of plausible messages, and writes them in many dialects and encodings."""

import csv
import io
import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "cp1252",
)
_WESTERN = ("spanish", "french", "german")
# What is written in an encoding: its own languages more often than what it can also hold.
_OWN = {
    "gb18030": ("simplified", "simplified", "simplified", "mixed"),
    "gbk": ("simplified", "simplified", "simplified", "mixed"),
    "big5": ("traditional",),
    "shift_jis": ("japanese",),
    "cp1252": _WESTERN,
}
_LANGUAGES = ("simplified", "traditional", "japanese", "english", *_WESTERN, "mixed")
_HEADERS = {
    "simplified": ("工单编号", "诉求内容", "姓名", "备注"),
    "traditional": ("工單編號", "內容", "姓名", "備註"),
    "japanese": ("番号", "内容", "担当", "備考"),
}
_PLAIN_HEADER = ("external_id", "text", "name", "note")
_OWN_HEADER_SHARE = 0.5
_SIZES = (1, 1, 2, 3, 5, 8, 10, 12, 20, 40)
_TITLES = {
    "simplified": "2026年3月热线工单导出表",
    "traditional": "三月份陳情案件清單",
    "japanese": "三月の問い合わせ一覧",
}


@dataclass(frozen=True)
class Written:
    """A table as a file.

    Attributes:
        rows: what every record holds, in the header's order.
        suffix: of the file's name.
        content: its bytes.
    """

    dialect: str
    encoding: str
    language: str
    rows: list[tuple[str, ...]]
    suffix: str
    content: bytes


Table = tuple[Sequence[str], list[tuple[str, ...]], str]


@cache
def _phrases() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((files("bench") / "phrases.toml").read_text("utf-8"))


def _sentence(random: Random, language: str) -> str:
    parts = _phrases()[language]
    place, matter, wish = (random.choice(parts[k]) for k in ("place", "matter", "wish"))
    joint = random.choice(parts["joint"])
    between = joint if language == "english" else " " if language in _WESTERN else ""
    text = f"{place}{between}{matter}"
    return f"{text}{joint}{wish}" if wish else text


def _table(random: Random, language: str) -> Table:
    """Return header, rows and title of a table."""
    main = "simplified" if language == "mixed" else language
    own = random.random() < _OWN_HEADER_SHARE
    header = _HEADERS.get(main, _PLAIN_HEADER) if own else _PLAIN_HEADER
    rows: list[tuple[str, ...]] = []
    for number in range(random.choice(_SIZES)):
        spoken = random.choice(_LANGUAGES[:-1]) if language == "mixed" else language
        count = random.choice((1, 1, 2, 3))
        text = " ".join(_sentence(random, spoken) for _ in range(count))
        note = random.choice(("", "", "P2", _sentence(random, spoken)))
        rows.append((f"T{number + 1}", text, random.choice(_phrases()[spoken]["names"]), note))
    return header, rows, _TITLES.get(main, "Tickets of March 2026")


def _delimited(
    table: Table, delimiter: str, *, quoted: bool = False, end: str = "\n", top: str = ""
) -> str:
    header, rows, _ = table
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
        lineterminator=end,
    )
    writer.writerow(header)
    writer.writerows(rows)
    return top + stream.getvalue()


def _objects(table: Table) -> list[dict[str, str]]:
    header, rows, _ = table
    return [dict(zip(header, row, strict=True)) for row in rows]


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


DIALECTS: dict[str, tuple[str, Callable[[Table], str]]] = {
    "comma": (".csv", lambda t: _delimited(t, ",")),
    "semicolon": (".csv", lambda t: _delimited(t, ";")),
    "tab": (".tsv", lambda t: _delimited(t, "\t")),
    "pipe": (".txt", lambda t: _delimited(t, "|")),
    "quoted": (".csv", lambda t: _delimited(t, ",", quoted=True)),
    "sep": (".csv", lambda t: _delimited(t, ";", top="sep=;\r\n", end="\r\n")),
    "crlf": (".csv", lambda t: _delimited(t, ",", end="\r\n")),
    "title": (".csv", lambda t: _delimited(t, ",", top=f"{t[2]},,,\n\n")),
    "jsonl": (".jsonl", lambda t: "".join(_dump(row) + "\n" for row in _objects(t))),
    "array": (".json", lambda t: _dump(_objects(t))),
}


def write_table(seed: int, dialect: str, encoding: str) -> Written:
    """Make the table of a seed in a language that the encoding can hold."""
    random = Random(f"{seed} {dialect} {encoding}")
    suffix, write = DIALECTS[dialect]
    while True:
        language = random.choice((*_OWN.get(encoding, ()), *_LANGUAGES))
        table = _table(random, language)
        try:
            content = write(table).encode(encoding)
        except UnicodeEncodeError:
            continue
        return Written(dialect, encoding, language, table[1], suffix, content)
