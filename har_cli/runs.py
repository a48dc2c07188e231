"""``har runs``: which trainings there are, and how they go."""

from typing import Annotated

import typer

from har_cli.output import JsonOption, failing_on_errors, print_json, tell, verb
from training import queue, runs

app = verb("Follow, stop and remove trainings.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's name.")]
_LOG_LINES = 15


@app.command("list")
def list_runs(json: JsonOption = False) -> None:
    """List the runs, newest first."""
    with failing_on_errors():
        waiting = queue.waiting()
    for run in runs.newest_first():
        row = queue.summary(run, waiting)
        place = f", number {row['position']} in the queue" if row["position"] else ""
        tell(json, row, f"{run.id}: {row['state']}{place}; {run.record.dataset}, {row['bundle'] or 'no model'}")


@app.command()
def show(name: RunArgument, json: JsonOption = False) -> None:
    """Show how far a run is, or how it ended."""
    with failing_on_errors():
        run = runs.find(name)
        row = queue.summary(run, queue.waiting())
    progress, outcome = run.progress(), run.outcome()
    if json:
        details = {"progress": progress and progress.model_dump(), "epochs": [e.model_dump() for e in run.epochs()]}
        print_json(row | details | {"recipe": run.recipe.model_dump(mode="json")})
        return
    print(f"{run.id}: {row['state']}")
    if progress and row["state"] == "running":
        print(f"{progress.what}: {progress.done} of {progress.total}")
    if outcome and outcome.message:
        print(outcome.message)
    for epoch in run.epochs():
        print(f"  epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation accuracy {epoch.val_accuracy:.3f}")
    for line in run.log(_LOG_LINES):
        print(f"    {line}")


@app.command()
def cancel(name: RunArgument, json: JsonOption = False) -> None:
    """Stop a run; what it has learnt so far is kept, and it can be resumed."""
    with failing_on_errors():
        run = runs.find(name)
        run.cancel()
    tell(json, {"run": run.id, "cancelled": True}, f"{run.id}: will stop")


@app.command()
def remove(name: RunArgument, json: JsonOption = False) -> None:
    """Delete a run's curves, log and checkpoint; its model stays."""
    with failing_on_errors():
        runs.remove(runs.find(name))
    tell(json, {"removed": name}, f"removed {name}")
