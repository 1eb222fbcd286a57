"""Two encodings of one family: which one wrote the file?"""

from pathlib import Path

from tests.support.tables import (
    rows_of,
    table,
    texts_of,
)


def test_a_western_file_with_curly_quotes_is_read(csv_file: Path) -> None:
    """ISO 8859-15 would read control characters there, which no text holds."""
    texts = [
        "L’éclairage de la rue est cassé – depuis hier",
        "Où est la clé de l’école “Jardin” ?",
        "La réparation de la porte coûte 5 € par mois",
    ]

    rows = rows_of(csv_file, table(*texts).encode("cp1252"))

    assert texts_of(rows) == texts
