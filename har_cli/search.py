"""``har search``: tries many recipes, and says which is best."""

import importlib.util
import os
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from har_cli.output import JsonOption, complain, examples, fail, failing_on_errors, print_json, verb
from har_cli.reporting import reporting
from har_core.datasets import store
from har_core.errors import SearchInvalid, TrainingError
from training import recipe
from training.estimate import estimate
from training.search import record, space
from training.search.record import MetricName, Result, Search

app = verb()


@app.command(
    epilog=examples(
        "har search quick --dataset mine --vary phases.0.learning_rate=log:1e-5..1e-2 --trials 8",
        "har search --resume mine-search-20260101-120000",
    )
)
def search(
    reference: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="What is varied: a recipe's name, or a TOML file.")
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", metavar="NAME", help="The dataset's name.")] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=SPEC", help="What to vary, and in which range or list."),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, for all trials.")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=1000, help="How many to try.")] = 8,
    concurrent: Annotated[int, typer.Option(min=1, max=1000, help="How many at a time; they share the cores.")] = 1,
    metric: Annotated[MetricName, typer.Option(help="What is best, on the validation photos.")] = "macro_f1",
    seed: Annotated[int, typer.Option(min=0, help="The same seed tries the same recipes.")] = 0,
    name: Annotated[str | None, typer.Option(help="The search's name.")] = None,
    resume: Annotated[str | None, typer.Option(metavar="NAME", help="Go on with a search.")] = None,
    json: JsonOption = False,
) -> None:
    """Try many recipes, and say which is best.

    They differ in what is varied; those that do poorly are stopped. Trials are compared by the validation photos; the
    test photos are not looked at, and no model is made.
    """
    is_new = reference is not None and dataset is not None and bool(vary)
    if is_new == (resume is not None):
        fail("Give either RECIPE, --dataset NAME and --vary KEY=SPEC, or --resume NAME.", code=2)
    if importlib.util.find_spec("ray") is None:
        fail("A search needs Ray, which is not installed: pip install -r requirements-cluster.txt")
    with failing_on_errors():
        if resume:
            found = record.find(resume)
        else:
            # A cluster's hosts have memory of their own.
            here = min(concurrent, trials) if os.environ.get("RAY_ADDRESS", "local") in ("", "local") else 0
            found = _new(str(reference), str(dataset), vary or [], changes or [], trials, here, metric, seed, name)
        with found.claimed():
            reasons = _run(found, concurrent) if found.to_do() else {}
    _say(found, reasons, json)


def _new(
    reference: str,
    dataset: str,
    vary: list[str],
    changes: list[str],
    trials: int,
    here: int,
    metric: MetricName,
    seed: int,
    name: str | None,
) -> Search:
    base = recipe.load(reference, changes)
    problems = estimate(base, store.load(dataset), here).problems
    if problems:
        raise TrainingError(problems[0])
    try:
        varied = [space.read(text, reference, changes) for text in vary]
        if len({key.key for key in varied}) < len(varied):
            raise SearchInvalid("A key can be varied in one way only.")
        plans = space.plan(varied, trials, seed)
        planned = record.new_record(reference, dataset, changes, plans, metric)
        # Cut, since a search's name is no longer than a dataset's.
        return Search.create(name or f"{dataset[:40]}-search-{datetime.now(UTC):%Y%m%d-%H%M%S}", planned)
    except SearchInvalid as error:
        fail(str(error), code=2)


def _run(found: Search, concurrent: int) -> dict[int, str]:
    from training.search import tuning  # noqa: PLC0415 - Ray takes seconds to import, and may be missing

    total = len(found.record.trials)
    with reporting(None) as progress:
        try:
            return tuning.run(found, concurrent, lambda done, what: progress(done, total, what))
        except KeyboardInterrupt:
            fail(_how_to_go_on(found))


def _say(found: Search, reasons: dict[int, str], json: bool) -> None:
    results = found.results()
    done = [result for result in results if result.state == "done"]
    command = found.command(done[0].changes) if done else None
    if json:
        rows = [_row(found, result) for result in results]
        print_json({"search": found.name, "metric": found.record.metric, "trials": rows, "command": command})
    else:
        _print(results, command)
    for result in results:
        reason = result.message if result.state == "failed" else reasons.get(result.number)
        if reason:
            complain(f"{result.run}: {reason}")
    if found.to_do():
        fail(_how_to_go_on(found))


def _how_to_go_on(found: Search) -> str:
    return f"Not all trials are over. To go on: har search --resume {found.name}"


def _row(found: Search, result: Result) -> dict[str, Any]:
    kept = result.kept
    figures = {name: getattr(kept, f"val_{name}") for name in ("macro_f1", "accuracy", "loss")} if kept else {}
    return {
        "run": result.run,
        "state": result.state,
        "changes": result.changes,
        "epochs": result.epochs,
        "kept_epoch": kept.epoch if kept else None,
        "validation": figures,
        "command": found.command(result.changes),
    }


def _print(results: list[Result], command: str | None) -> None:
    width = max(len(result.run) for result in results)
    print(f"{'trial':{width}}  state        epochs  macro-F1  accuracy   loss  changes")
    for result in results:
        kept = result.kept
        figures = f"{kept.val_macro_f1:8.3f}  {kept.val_accuracy:8.3f}  {kept.val_loss:5.3f}" if kept else " " * 25
        print(f"{result.run:{width}}  {result.state:11}  {result.epochs:6}  {figures}  {' '.join(result.changes)}")
    if command:
        print(f"Figures are of the validation photos. The best recipe makes a model by:\n  {command}")
