"""Puts a model in service when it has earned it, and goes back."""

from har_core import bundle as bundles
from har_core import latency, serving
from har_core.bundle import Bundle, Metric
from har_core.config import settings
from har_core.datasets import store
from har_core.datasets.manifest import fingerprint, taught
from har_core.datasets.store import Dataset
from har_core.errors import BundleBroken, DatasetError, ModelError, ModelNotFound, PromotionRefused
from har_core.predictor import Predictor
from har_core.progress import Progress, silent
from har_core.serving import Check, Entry

__all__ = ["Check", "Entry", "examine", "promote", "roll_back"]

_TITLES = {
    "files": "Every file is as it was written",
    "golden": "The golden inputs get the answers expected",
    "parity": "It answers as the network that was trained",
    "figures": "It is not worse than the model in service",
    "latency": "It is fast enough on this machine",
}
_FINAL = ("files", "golden")
_COMPARED = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
_LONGEST = 1000
_NAMED = 5


def examine(bundle: Bundle, progress: Progress = silent) -> list[Check]:
    """Examines whether a model may be put in service.

    Args:
        bundle: The model.
        progress: Told while models are asked about photos; an exception from it interrupts the work.

    Returns:
        What was found: the files' digests and the golden answers, which nothing overrides; and, where these are right,
        the parity with the network that was trained, the figures against those of the model in service, and the
        latency. Each of the latter can be overridden by a reason.
    """
    checks = _soundness(bundle)
    if all(check.passed for check in checks):
        checks += [_parity(bundle), _figures(bundle, progress), _latency(bundle)]
    return checks


def promote(reference: str, who: str, why: str = "", override: str = "", progress: Progress = silent) -> Entry:
    """Puts a model in service.

    Args:
        reference: The model, ``NAME@VERSION``.
        who: Who asks for it.
        why: What for, in their words.
        override: Their reason for doing it although a check fails. Damaged files and wrong golden answers it does not
            override.
        progress: As for ``examine``.

    Returns:
        What was recorded. From then on the model is in service.

    Raises:
        ModelNotFound: There is no such model.
        BundleBroken: Its description is damaged.
        PromotionRefused: A check failed; or it is in service already; or the settings name a version, or have this host
            follow others.
        HistoryBroken: The history cannot be read or written.
    """
    who, why, override = _words(who), _words(why), _words(override)
    _require_ours()
    number, before = _next_id(), _in_service()
    bundle = serving.find(reference)
    if reference not in {folder.name for folder in serving.folders()}:
        raise PromotionRefused(f"Name the model with its version, {bundle.reference}, rather than {reference}.")
    if reference == before:
        raise PromotionRefused(f"{reference} is in service already.")
    checks = examine(bundle, progress)
    failed = [check for check in checks if not check.passed]
    if any(check.is_final for check in failed) or (failed and not override):
        raise _refusal(bundle, checks)
    entry = Entry(
        id=number, action="promote", model=reference, digest=bundle.digest, before=before, who=who, why=why,
        override=override if failed else "", checks=checks,
    )  # fmt: skip
    serving.put(entry)
    return entry


def roll_back(who: str, why: str = "") -> Entry:
    """Goes back to the model that was in service before the last promotion; again, to the one before that.

    Args:
        who: Who asks for it.
        why: What for, in their words.

    Returns:
        What was recorded. From then on that model is in service.

    Raises:
        PromotionRefused: There is none to go back to; or it is gone, damaged, or does not give its golden answers any
            more; or the settings name a version, or have this host follow others.
        HistoryBroken: The history cannot be read or written.
    """
    who, why = _words(who), _words(why)
    _require_ours()
    number, promoted = _next_id(), serving.stack()
    if len(promoted) < 2:
        raise PromotionRefused("There is nothing to go back to: no promotion is in force.")
    before, model = promoted[-1], promoted[-2]
    try:
        bundle = serving.find(model)
        serving.require_as_promoted(bundle)
    except (ModelNotFound, BundleBroken) as error:
        raise PromotionRefused(f"{before} stays in service. {error}") from error
    checks = _soundness(bundle)
    if not all(check.passed for check in checks):
        raise _refusal(bundle, checks)
    entry = Entry(
        id=number, action="rollback", model=model, digest=bundle.digest, before=before, who=who, why=why, checks=checks
    )
    serving.put(entry)
    return entry


def _soundness(bundle: Bundle) -> list[Check]:
    try:
        bundle.verify_files()
    except BundleBroken as error:
        return [_check("files", False, str(error))]
    files = _check("files", True, f"The SHA-256 of each of its {len(bundle.info.sha256)} files is right.")
    try:
        difference = bundles.verify_golden(bundle, Predictor(bundle, threads=1).probabilities)
    except BundleBroken as error:
        return [files, _check("golden", False, str(error))]
    return [files, _check("golden", True, f"No probability is more than {difference:.1g} off.")]


def _parity(bundle: Bundle) -> Check:
    info = bundle.info
    served = next((form for form in info.exports if form.precision == info.precision), None)
    if served is None or served.parity is None:
        return _check("parity", False, "How far its answers are from those of the network trained was not recorded.")
    bar = bundles.PARITY[info.precision]
    found = f"In {info.precision}, no probability is more than {served.parity:.2g} off; {bar:g} is allowed."
    return _check("parity", served.parity <= bar, found)


def _latency(bundle: Bundle) -> Check:
    found, budget = latency.measure(bundle), settings().latency_budget_ms
    return _check("latency", found <= budget, f"{found:.1f} ms a photo on one core; the budget is {budget:g} ms.")


def _figures(bundle: Bundle, progress: Progress) -> Check:
    try:
        other = serving.find()
        if other.digest == bundle.digest:
            return _check("figures", True, "It is the model in service.")
        return _compare(bundle, other, progress)
    except ModelError as error:
        return _check("figures", False, f"There is nothing to compare it with. {error}")


def _compare(bundle: Bundle, other: Bundle, progress: Progress) -> Check:
    missing = [label for label in other.info.labels if label not in bundle.info.labels]
    if missing:
        some = ", ".join(missing[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        return _check("figures", False, f"It lacks {len(missing)} labels that {other.reference} knows: {some}.")
    dataset, why = _tested_on(bundle), "the photos that it was tested on are not here"
    if dataset:
        try:
            return _measured(bundle, other, dataset, progress)
        except DatasetError as error:
            why = str(error)
    return _recorded(bundle, other, why)


def _measured(bundle: Bundle, other: Bundle, dataset: Dataset, progress: Progress) -> Check:
    """Both models asked about the same photos: worse where the whole interval of a difference is below 0."""
    # They take a second to import.
    from har_core.evaluation import comparison, judging  # noqa: PLC0415

    split = bundle.info.evaluation.split
    ours, theirs = (judging.judge(Predictor(model), dataset, split, progress) for model in (bundle, other))
    found = comparison.compare(theirs, ours)
    worse = [name for name in _COMPARED if not found.difference[name].high >= 0]
    figures = "; ".join(f"{title} {_signed(found.difference[name])}" for name, title in _COMPARED.items())
    text = f"On the same {found.n} photos of {dataset.name}, against {other.reference}: {figures}."
    return _check("figures", not worse, " ".join([text, *found.notes]))


def _recorded(bundle: Bundle, other: Bundle, why: str) -> Check:
    """The figures in the bundles: worse where one is below the interval of that of the model in service."""
    ours, theirs = bundle.info.evaluation, other.info.evaluation
    are_of_same_photos = (
        bundle.info.dataset.get("fingerprint") == other.info.dataset.get("fingerprint") and ours.split == theirs.split
    )
    if not are_of_same_photos or any(name not in ours.metrics or name not in theirs.metrics for name in _COMPARED):
        return _check("figures", False, f"It cannot be compared with {other.reference}: {why.rstrip('.')}.")
    # In this form since a bundle from elsewhere may well say "not a number".
    worse = [name for name in _COMPARED if not ours.metrics[name].value >= theirs.metrics[name].low]
    figures = "; ".join(
        f"{title} {ours.metrics[name].value:.3f}, that of {other.reference} {theirs.metrics[name]}"
        for name, title in _COMPARED.items()
    )
    return _check("figures", not worse, f"As recorded on the same {theirs.n} photos: {figures}.")


def _tested_on(bundle: Bundle) -> Dataset | None:
    """The dataset that a model was made and tested on, where it is here and has not changed since."""
    wanted, likely = bundle.info.dataset.get("fingerprint"), bundle.info.dataset.get("name")
    for name in sorted(store.names(), key=lambda name: name != likely):
        try:
            dataset = store.load(name)
            if fingerprint(taught(dataset.manifest(), bundle.info.labels)) == wanted:
                return dataset
        except DatasetError:  # Another one may be the right one.
            continue
    return None


def _check(name: str, passed: bool, detail: str) -> Check:
    return Check(name=name, title=_TITLES[name], passed=passed, detail=detail, is_final=name in _FINAL)


def _refusal(bundle: Bundle, checks: list[Check]) -> PromotionRefused:
    failed = [check for check in checks if not check.passed]
    said = " ".join(check.detail for check in failed)
    hint = "" if any(check.is_final for check in failed) else " A reason can override that."
    return PromotionRefused(f"{bundle.reference} is not put in service. {said}{hint}", checks)


def _signed(metric: Metric) -> str:
    return f"{metric.value:+.3f} ({metric.low:+.3f} to {metric.high:+.3f})"


def _words(text: str) -> str:
    """What somebody typed, on one line, without what a terminal would obey."""
    text = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    if len(text) > _LONGEST:
        raise PromotionRefused(f"A name or a reason has at most {_LONGEST} characters.")
    return text


def _require_ours() -> None:
    """What is in service is neither named by the settings nor decided on another host."""
    if serving.is_pinned():
        raise PromotionRefused(
            f"The setting HAR_MODEL names {settings().model}, which stays in service whatever is promoted. Name a "
            "model without a version there, or none."
        )
    if settings().follow:
        raise PromotionRefused(
            "This host follows what is put in service elsewhere (HAR_FOLLOW): promote and roll back there."
        )


def _next_id() -> int:
    return len(serving.history()) + 1


def _in_service() -> str:
    """Empty where there is none yet."""
    try:
        return serving.in_service()
    except ModelNotFound:
        return ""
