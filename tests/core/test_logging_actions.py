"""Each log call of the product has a literal ``action``, which says in fixed words what happened.

The test reads the source, so it finds calls that no other test reaches.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from bench.measure import ROOMS, ROOT

LEVELS = frozenset(
    ("debug", "info", "warning", "error", "exception", "critical", "fatal", "log", "warn")
)
LOGGER = re.compile("_?(logger|log|logging)")
FORM = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*[.][a-z]+(_[a-z]+)*")


def log_calls(source: str) -> Iterator[ast.Call]:
    """Yield the calls of a logger, and of ``logging`` itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if node.func.attr in LEVELS and LOGGER.fullmatch(name):
                yield node


def literals(extra: ast.expr | None) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    """Yield the keys and values that a dict display has, or one of several joined by ``|``."""
    if isinstance(extra, ast.Dict):
        yield from zip(extra.keys, extra.values, strict=True)
    elif isinstance(extra, ast.BinOp) and isinstance(extra.op, ast.BitOr):
        yield from literals(extra.left)
        yield from literals(extra.right)


def action_of(call: ast.Call) -> str | None:
    """Return a call's action; None where it is missing, made at run time, or of another form."""
    extra = next((k.value for k in call.keywords if k.arg == "extra"), None)
    actions = [
        value.value if isinstance(value, ast.Constant) else None
        for key, value in literals(extra)
        if isinstance(key, ast.Constant) and key.value == "action"
    ]
    match actions:
        case [str(action)] if FORM.fullmatch(action):
            return action
    return None


def without_action(room: str) -> list[str]:
    """Return the places of a room's log calls that have no action."""
    return [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in log_calls(path.read_text("utf-8"))
        if action_of(call) is None
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_every_log_call_of_the_product_has_an_action(room: str) -> None:
    assert without_action(room) == []


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ('logger.info("x", extra={"action": "claims.freed", "freed": n})', "claims.freed"),
        ('logger.info("x", extra={"action": "message.done", **counts})', "message.done"),
        ('logger.info("x", extra=counts | {"action": "lane.swept_dry"})', "lane.swept_dry"),
        ('self.logger.exception("x", extra={"action": "model.loaded"})', "model.loaded"),
        ('logger.warning("x", extra={"action": "fp8.refused"})', "fp8.refused"),
        ('logger.info("x")', None),
        ('logger.info("x", extra=fields)', None),
        ('logger.info("x", extra={"freed": n})', None),
        ('logger.info("x", extra={"action": name})', None),
        ('logger.info("x", extra={"action": f"{noun}.freed"})', None),
        ('logger.info("x", extra={"action": "freed"})', None),
        ('logger.info("x", extra={"action": "Claims.freed"})', None),
        ('logging.warning("x")', None),
    ],
)
def test_an_action_is_a_literal_noun_and_verb(source: str, action: str | None) -> None:
    [call] = log_calls(source)

    assert action_of(call) == action


def test_what_is_no_log_call_needs_no_action() -> None:
    assert list(log_calls('math.log(2); client.info("x"); logging.getLogger("x")')) == []
