"""``har train``: trains a model, here or in the queue."""

import time
from typing import Annotated, Any

import typer

from har_cli.output import JsonOption, examples, fail, failing_on_errors, print_json, verb
from har_cli.reporting import reporting
from har_core.datasets import store
from har_core.errors import TrainingError
from har_core.progress import Progress
from training import queue, recipe, runs, supervisor
from training.distributed import cluster
from training.distributed.cluster import Cluster
from training.estimate import estimate
from training.runs import Run

app = verb()


@app.command(
    epilog=examples(
        "har train quick --dataset mine",
        "har train finetune --dataset mine --set phases.0.epochs=20 --queue",
        "har train --resume RUN",
    )
)
def train(
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE",
            help="quick, finetune, everyday, sports, or a TOML file; or the bundle.json of a model, for its recipe.",
        ),
    ] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", "-d", metavar="NAME", help="The dataset's name.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe: optimizer.batch_size=32, phases.0.epochs=3."
        ),
    ] = None,
    in_queue: Annotated[bool, typer.Option("--queue", help="Leave it to the worker, and return at once.")] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was interrupted, cancelled or failed.")
    ] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="With --resume: train no further, make a model of the best so far.")
    ] = False,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|HOST:PORT,…",
            help="Share every batch among so many processes here, or among these, of which each host starts one.",
        ),
    ] = None,
    worker: Annotated[
        int | None,
        typer.Option(min=0, help="Which of the --workers this is; 0, the first, is the one that has the run."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train a model on a dataset.

    It then lies in HAR_HOME/models, and does not take over by itself: `har models promote` puts it in service.
    """
    together = _cluster(workers, worker)
    if together and in_queue:
        fail("The queue's worker trains alone: leave out --queue, or --workers.", code=2)
    if together and not together.is_chief:
        _help(together)
        return
    is_new = reference is not None and dataset is not None
    if is_new == (resume is not None) or (finish and not resume):
        fail("Give either RECIPE and --dataset NAME, or --resume RUN.", code=2)
    started = time.monotonic()
    with failing_on_errors():
        if resume:
            run = runs.find(resume)
            run.reopen(finish)
        else:
            run = _new(str(reference), str(dataset), changes or [])
        if in_queue:
            queue.put(run)
            _say_queued(run, json)
            return
        _supervise(run, together)
    _say_outcome(run, time.monotonic() - started, json)


def _new(reference: str, dataset: str, changes: list[str]) -> Run:
    plan = recipe.load(reference, changes)
    problems = estimate(plan, store.load(dataset)).problems
    if problems:
        raise TrainingError(problems[0])
    return Run.create(plan, dataset)


def _cluster(workers: str | None, worker: int | None) -> Cluster | None:
    try:
        if workers is None:
            if worker is not None:
                fail("--worker says which of the --workers this is: name them all, too.", code=2)
            return cluster.of_environment()
        return cluster.read(workers, worker or 0)
    except TrainingError as error:
        fail(str(error), code=2)


def _help(together: Cluster) -> None:
    try:
        with failing_on_errors():
            supervisor.help_chief(together)
    except KeyboardInterrupt:
        fail("Interrupted: the others wait a while for this worker to be started again.")


def _supervise(run: Run, together: Cluster | None) -> None:
    with reporting(None) as progress:
        try:
            supervisor.supervise(run, lambda: _pass_on(run, progress), together)
        except KeyboardInterrupt:
            fail(f"Interrupted. To go on: har train --resume {run.id}")


def _pass_on(run: Run, progress: Progress) -> None:
    now = run.progress()
    if now:
        epoch = f", epoch {now.epoch} of {now.epochs}" if now.epoch else ""
        progress(now.done, now.total, now.what + epoch)


def _say_queued(run: Run, json: bool) -> None:
    position = queue.waiting().index(run.id) + 1 if run.id in queue.waiting() else 0
    if json:
        print_json({"run": run.id, "state": run.state(), "position": position})
        return
    print(f"{run.id}: number {position} in the queue")
    if not queue.has_worker():
        app_does = ", and so does the page Training of the app" if queue.starts_workers() else ""
        print(f"No worker is alive: `make worker` starts one{app_does}.")


def _say_outcome(run: Run, seconds: float, json: bool) -> None:
    outcome = run.outcome()
    if outcome is None or outcome.state != "done":
        fail(outcome.message if outcome and outcome.message else f"The run {run.id} was {run.state()}.")
    metrics: dict[str, Any] = {name: metric.model_dump() for name, metric in outcome.metrics.items()}
    if json:
        print_json({"run": run.id, "bundle": outcome.bundle, "metrics": metrics, "seconds": round(seconds, 1)})
        return
    print(f"{run.id}: {outcome.bundle}, after {seconds:.0f} s")
    for name, metric in outcome.metrics.items():
        print(f"  {name}: {metric}")
