"""What of a check's report is still to be decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from har_core.datasets.checks import LabelIssue, NearPair, Report


@dataclass(frozen=True)
class Findings:
    """The findings of a report that no later fix has settled.

    Attributes:
        near_pairs: Neither is excluded, and they are not known to be of one group.
        duplicates: Of each group, the photos that are not excluded; at least two.
        cross_split: Likewise, as long as they lie in different splits.
        conflicting: Likewise, as long as their labels differ.
    """

    label_issues: list[LabelIssue]
    near_pairs: list[NearPair]
    duplicates: list[list[str]]
    cross_split: list[list[str]]
    conflicting: list[list[str]]


def still_open(report: Report, photos: pd.DataFrame) -> Findings:
    """What of a report is still to be decided.

    Args:
        report: Of an earlier state of the dataset.
        photos: The effective manifest now.
    """
    wanted = _named(report)
    now = photos[photos["path"].isin(wanted) & ~photos["excluded"]]
    label, group, split, kept = (
        dict(zip(now["path"], now[column], strict=True)) for column in ("label", "group", "split", "kept")
    )
    here = [[path for path in paths if path in label] for paths in report.duplicates]
    return Findings(
        label_issues=[
            issue for issue in report.label_issues if label.get(issue.path) == issue.label and not kept[issue.path]
        ],
        near_pairs=[
            pair
            for pair in report.near_pairs
            if label.keys() >= set(pair.paths) and len(_values(group, pair.paths)) > 1
        ],
        duplicates=[paths for paths in here if len(paths) > 1],
        cross_split=_differing(report.cross_split, split),
        conflicting=_differing(report.conflicting, label),
    )


def _named(report: Report) -> set[str]:
    groups = [*report.duplicates, *report.cross_split, *report.conflicting, *(pair.paths for pair in report.near_pairs)]
    return {path for paths in groups for path in paths} | {issue.path for issue in report.label_issues}


def _differing(groups: list[list[str]], values: dict[str, str]) -> list[list[str]]:
    """Of each group the photos that are still there, where they have more than one value."""
    here = [[path for path in paths if path in values] for paths in groups]
    return [paths for paths in here if len(_values(values, paths)) > 1]


def _values(values: dict[str, str], paths: Sequence[str]) -> set[str]:
    return {values[path] for path in paths if not pd.isna(values[path])}
