"""``python -m har_cli`` is ``har``."""

from har_cli.main import main

main()
