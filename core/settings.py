"""All settings, read once from the environment (``PAIDAN_…``), checked together and frozen."""

import difflib
import hashlib
import os
import socket
import tempfile
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import ByteSize, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.database_url import parse_database_url, sqlite_url
from core.errors import SettingsError
from core.redis_address import RedisAddress, parse_redis_url
from core.setting_types import (
    DatabaseUrl,
    Hours,
    MemorySize,
    RedisUrl,
    Schedule,
    TimeZone,
    WorkerName,
)

# A unix socket's path must fit sockaddr_un.sun_path (108 bytes on Linux, 104 on macOS).
_MAX_SOCKET_PATH = 100

# A message with more ids is none of ours.
MAX_MESSAGE_IDS = 10_000

ModelMode = Literal["nf4", "bf16", "fp8"]
"""How an LLM's weights may be kept; ``classifier.model.mode`` tells what each means."""

UnitBalance = Literal["none", "root"]
"""How units of different sizes count in training; ``training.snapshot.weights`` tells."""

Promotion = Literal["auto", "ask"]
"""Whether a version that the gate lets pass answers at once or waits for a person."""

TrainingCard = Literal["together", "take-turns", "auto"]
"""How workers and runs share a card; ``training.runs.turn`` tells what each means."""

ReportTo = Literal["none", "tensorboard", "wandb"]
"""What besides the record gets a run's curves."""


class Settings(BaseSettings):
    """Paidan's settings; every field can be set as ``PAIDAN_<FIELD>``. Times are seconds."""

    model_config = SettingsConfigDict(
        env_prefix="PAIDAN_",
        env_ignore_empty=True,  # "PAIDAN_MODELS_DIR=" in a .env file means unset, not "."
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # the input may be a password
    )

    home: Path = Field(Path("var/paidan"), description="state of the embedded stack")
    # Both may contain a password: only ``Database.shown_url`` and ``redis_address`` show them.
    database_url: DatabaseUrl | None = Field(
        None, repr=False, description="default: SQLite under home"
    )
    redis_url: RedisUrl | None = Field(
        None, repr=False, description="default: the embedded stack's"
    )
    models_dir: Path | None = Field(None, description="default: home/models")
    rules_file: Path | None = Field(None, description="priority rules; default: the shipped ones")
    worker_name: WorkerName = Field("", description="stable name of a worker; default: its host's")
    trainer_name: WorkerName = Field("", description="the same of a trainer")

    # How long each step may take. _check_times compares them with each other.
    task_loop: float = Field(15, gt=0, description="a task claims batches for so long")
    hard_limit: float = Field(45, gt=0, description="Celery kills a task after this")
    claim: float = Field(60, gt=0, description="a claim is good for so long")
    visibility: float = Field(90, gt=0, description="Redis redelivers an unacked message after")
    relay_sweep: float = Field(5, gt=0, description="between two sweeps of the relay")
    stop_grace: float = Field(30, gt=0, description="a stopping process has so long")
    heartbeat: float = Field(5, gt=0, description="between two heartbeats of a worker")
    stall: float = Field(
        30, ge=1, description="a worker that takes none of the waiting messages connects anew, ends"
    )
    model_load: float = Field(300, gt=0, description="a worker may load its model for so long")

    model_mode: ModelMode = Field("nf4", description="how an LLM's weights are kept on the GPU")
    gpu_memory: MemorySize = Field(
        None, gt=0, description="the worker's on its GPU, e.g. 20GiB; default: all of it"
    )

    think_tokens: int = Field(
        0, ge=0, le=512, description="an LLM thinks about a doubtful ticket for so long; 0: never"
    )

    retrain_decisions: int = Field(0, ge=0, description="so many decisions start a run; 0: never")
    retrain_every: Schedule = Field("", description="minutes, or a time of day; empty: never")
    retrain_pause: float = Field(60, ge=0, description="minutes after a run before one starts")
    run_limit: float = Field(86_400, gt=0, description="a training run is ended after this")
    checkpoint: float = Field(300, ge=0, description="between two checkpoints of an LLM's run")
    training_yields: bool = Field(
        default=True, description="between two steps a training waits for live tickets"
    )
    training_card: TrainingCard = Field(
        "together", description="whether workers let go of the card for a run"
    )
    training_hours: Hours = Field("", description="when a run may have the card; empty: always")
    training_memory: MemorySize = Field(
        ByteSize(16 << 30), gt=0, description="auto: free memory that a run needs beside a worker"
    )
    training_live_wait: float = Field(
        0, ge=0, description="a live ticket that waits longer takes the card back; 0: never"
    )
    promote: Promotion = Field("auto", description="who promotes what a run has made")
    disagreements: int = Field(
        150, ge=0, description="are drawn for people where nothing else says which is better"
    )
    shadow: float = Field(0, ge=0, le=1, description="of tickets, answered unseen by a candidate")
    report_to: ReportTo = Field("none", description="where curves go, too; nothing leaves the host")

    message_ids: int = Field(256, ge=1, le=MAX_MESSAGE_IDS, description="ticket ids a message")
    lane_messages: int = Field(4096, ge=1, description="messages a lane holds at most")
    max_batch: int = Field(256, ge=1, description="tickets a claim takes at most")
    max_attempts: int = Field(3, ge=1, description="attempts before a ticket is dead")
    max_ticket_chars: int = Field(50_000, ge=100, description="a longer ticket is refused")
    timezone: TimeZone = Field("Asia/Shanghai", description="of times in files that name none")
    review_sample: float = Field(0.01, ge=0, le=1, description="share of sure answers reviewed")
    frozen_share: float = Field(0.1, ge=0, lt=1, description="of new tickets, to the frozen test")
    frozen_cap: int = Field(2000, ge=0, description="tickets of the frozen test set at most")
    recent_share: float = Field(0.1, ge=0, lt=1, description="of decided tickets, not learned")
    bulk_weight: float = Field(0.3, gt=0, le=1, description="of a decision that confirmed a list")
    unit_balance: UnitBalance = Field("none", description="root: large units count for less")
    unit_cap: int = Field(0, ge=0, description="tickets a unit is learned from at most; 0: all")
    top_k: int = Field(5, ge=1, description="units kept with each classification")

    @model_validator(mode="after")
    def _check_times(self) -> Self:
        """Refuse times under which a healthy task could be killed or a claim expire under it."""
        order = ("task_loop", "hard_limit", "claim", "visibility")
        for shorter, longer in pairwise(order):
            if getattr(self, shorter) >= getattr(self, longer):
                message = (
                    f"PAIDAN_{shorter.upper()} ({getattr(self, shorter):g} s) must be less than "
                    f"PAIDAN_{longer.upper()} ({getattr(self, longer):g} s)"
                )
                raise ValueError(message)
        if self.task_loop >= self.stop_grace:
            message = (
                f"PAIDAN_TASK_LOOP ({self.task_loop:g} s) must be less than PAIDAN_STOP_GRACE "
                f"({self.stop_grace:g} s), or a clean stop would kill a running task"
            )
            raise ValueError(message)
        return self

    def as_environment(self) -> dict[str, str]:
        """Return the variables that give a child process these very settings."""
        values = self.model_dump(exclude_none=True)
        for name, value in values.items():
            if isinstance(value, Path):
                values[name] = value.expanduser().absolute()
        return {f"PAIDAN_{name.upper()}": str(value) for name, value in values.items()}

    @property
    def resolved_home(self) -> Path:
        """The state directory, absolute."""
        return self.home.expanduser().absolute()

    @property
    def resolved_models_dir(self) -> Path:
        """Where model versions lie, absolute."""
        return (self.models_dir or self.home / "models").expanduser().absolute()

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy URL; PostgreSQL always through psycopg 3."""
        if self.database_url is None:
            url = sqlite_url(self.resolved_home / "paidan.db")
        else:
            url = parse_database_url(self.database_url)
        return url.render_as_string(hide_password=False)

    @property
    def embedded_socket(self) -> Path:
        """The embedded Redis' socket: in home, or in a private temporary folder if that is long."""
        path = self.resolved_home / "redis.sock"
        if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(self.resolved_home)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"paidan-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def redis_address(self) -> RedisAddress:
        """Where Redis is: the embedded one where no URL is set."""
        if self.redis_url is None:
            return RedisAddress(socket=self.embedded_socket)
        return parse_redis_url(self.redis_url)

    @property
    def resolved_worker_name(self) -> str:
        """This machine's worker: the name under which a restarted worker finds its dead claims."""
        return self.worker_name or f"worker@{socket.gethostname()}"

    @property
    def resolved_trainer_name(self) -> str:
        """This machine's trainer: the name under which it finds its dead predecessor's runs."""
        return self.trainer_name or f"trainer@{socket.gethostname()}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the process' settings, read once.

    Raises:
        SettingsError: a variable is malformed or contradicts another; names it.
    """
    return load_settings()


def load_settings() -> Settings:
    """Read the settings afresh (see ``get_settings`` for the errors)."""
    _refuse_unknown()
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            field = "".join(f"PAIDAN_{part}".upper() for part in problem["loc"])
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{field}: {said}" if field else said)
        raise SettingsError("settings: " + "; ".join(lines)) from error


def _refuse_unknown() -> None:
    """Refuse a variable that is no setting: a misspelt one would have no effect."""
    known = [f"PAIDAN_{name.upper()}" for name in Settings.model_fields]
    for name in os.environ:
        if name.startswith("PAIDAN_") and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{name} is no setting of Paidan{meant} (docs/SETTINGS.md)")
