"""The text of docs/reference/cli.md: every command of ``har``, as the command itself describes it."""

from collections.abc import Iterator
from typing import Any

import typer

from har_cli.main import app
from har_core.config import PROJECT_ROOT

REFERENCE = PROJECT_ROOT / "docs" / "reference" / "cli.md"

_HEAD = """# Command line

<!-- Written by `python -m tools.document` from the commands' own descriptions. -->

`har` recognises actions, keeps datasets, trains and judges models, and puts them in service. Each command tells its
options with `--help`. It lies in `.venv/bin`; `. .venv/bin/activate` puts it on the shell's path.

| exit code | |
| --- | --- |
| 0 | all done |
| 1 | something failed: it is named on standard error, and the rest was done all the same |
| 2 | wrong usage |

With `--json`, standard output has JSON and nothing else: an object a line where there are many. What an error's code
means: [errors](errors.md).

"""
_NOT_TOLD = {"--help"}  # Every command has it.


def text() -> str:
    """The whole page."""
    main = typer.main.get_command(app)
    commands = list(_commands(main, typer.Context(main), "har"))
    rows = [f"| [`{name}`](#{_anchor(name)}) | {_first_sentence(command)} |" for name, command in commands]
    overview = "\n".join(["| command | |", "| --- | --- |", *rows])
    return _HEAD + overview + "\n" + "".join(_section(name, command) for name, command in commands)


def _commands(group: Any, context: typer.Context, name: str) -> Iterator[tuple[str, Any]]:
    for verb in group.list_commands(context):
        # Not get_command: the verb's module is imported here.
        _, command, _ = group.resolve_command(context, [verb])
        if hasattr(command, "list_commands"):
            yield from _commands(command, context, f"{name} {verb}")
        else:
            yield f"{name} {verb}", command


def _section(name: str, command: Any) -> str:
    context = typer.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"\n## {name}\n\n{(command.help or '').strip()}\n\n```text\n{name} {usage}\n```\n"]
    for kind in ("argument", "option"):
        records = [param.get_help_record(context) for param in command.params if param.param_type_name == kind]
        rows = [(left, right) for left, right in filter(None, records) if left not in _NOT_TOLD]
        if rows:
            parts.append(f"\n| {kind} | |\n| --- | --- |\n")
            parts += [f"| `{_cell(left)}` | {_cell(right)} |\n" for left, right in rows]
    if command.epilog:
        parts.append("\n" + command.epilog.partition("\n")[2].replace("```", "```sh", 1) + "\n")
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "&#124;" if "`" in text else r"\|").replace("*", r"\*" if " " in text else "*")


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _first_sentence(command: Any) -> str:
    return _cell((command.help or "").strip().partition("\n\n")[0].replace("\n", " "))
