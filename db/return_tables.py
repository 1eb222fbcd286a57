"""The table of returns: why units gave tickets back."""

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from db.models import Base
from db.types import BigId


class ReturnReason(Base):
    """Why a unit returned a ticket; beside the correction, which can neither change nor go."""

    __tablename__ = "return_reasons"

    correction_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("corrections.id"), primary_key=True, autoincrement=False
    )
    reason: Mapped[str] = mapped_column(Text)
