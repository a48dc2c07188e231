"""Form fields for a pydantic model: what it describes and bounds is asked for, and nothing else."""

import math
from collections.abc import Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from har_ui.training import words

_WIDTH = 150
# What can be typed as well; these are offered.
_OFFERED = {"backbone": ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")}


def draw(values: BaseModel, names: Sequence[str], key: str) -> dict[str, Any]:
    """Draws a field for each of these values, side by side where there is room.

    Args:
        values: What the fields begin with.
        names: Which of the model's fields.
        key: Tells these widgets from others on the page.

    Returns:
        What the visitor entered, by name; nothing of it has been checked against the model.
    """
    fields = type(values).model_fields
    with st.grid(min_column_width=_WIDTH, gap="small", vertical_alignment="bottom"):
        return {name: _field(name, fields[name], getattr(values, name), f"{key}-{name}") for name in names}


def simple(model: type[BaseModel]) -> list[str]:
    """The names of a model's fields that hold a single value rather than a part of their own."""
    return [name for name, info in model.model_fields.items() if not _is_part(info.annotation)]


def bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest value of a field; the model itself says whether they are within."""
    found: dict[str, float] = {}
    for constraint in info.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if getattr(constraint, name, None) is not None:
                found[name] = getattr(constraint, name)
    return found.get("ge", found.get("gt")), found.get("le", found.get("lt"))


def step(value: float) -> float:
    """A step that changes a value in its second digit: 0.01 for 0.3, 1e-5 for 1e-4."""
    return 10.0 ** math.floor(math.log10(value) - 1 + 1e-9) if value > 0 else 0.05


def _field(name: str, info: FieldInfo, value: Any, key: str) -> Any:
    kind = _kind(info.annotation)
    title, meaning = words.title(name), info.description
    if kind is bool:
        return st.toggle(title, value, key=key, help=meaning, persist_state="page")
    options = _choices(info.annotation) or _OFFERED.get(name)
    if options:
        options = tuple(dict.fromkeys([*options, value]))
        is_open = name in _OFFERED
        return st.selectbox(
            title,
            options,
            options.index(value),
            key=key,
            help=meaning,
            accept_new_options=is_open,
            persist_state="page",
        )
    if kind in (int, float):
        return _number(title, info, value, key)
    text = st.text_input(title, value or "", key=key, help=meaning, persist_state="page")
    return str(text).strip() or None


def _number(title: str, info: FieldInfo, value: float | None, key: str) -> float | None:
    number: Any = int if _kind(info.annotation) is int else float
    least, most = (None if limit is None else number(limit) for limit in bounds(info))
    entered: float | None = st.number_input(
        title,
        least,
        most,
        None if value is None else number(value),
        step=number(1) if number is int else number(step(value or 0.0)),
        format="%d" if number is int else "%g",
        key=key,
        help=info.description,
        placeholder="automatic",
        persist_state="page",
    )
    return entered


def _alternatives(annotation: Any) -> list[Any]:
    """The types of which a value has one; None aside."""
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    return [kind for kind in get_args(annotation) if kind is not type(None)]


def _kind(annotation: Any) -> Any:
    return _alternatives(annotation)[0]


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of which a field has one; empty where it can have others."""
    kinds = _alternatives(annotation)
    if any(get_origin(kind) is not Literal for kind in kinds):
        return ()
    return tuple(value for kind in kinds for value in get_args(kind))


def _is_part(annotation: Any) -> bool:
    kinds = [annotation, *get_args(annotation)]
    return any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
