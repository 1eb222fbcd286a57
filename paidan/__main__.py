"""``python -m paidan`` is the ``paidan`` command."""

from paidan.cli import main

if __name__ == "__main__":
    main()
