"""Make the declared form out of a tree of nodes, and turn what pydantic finds wrong into faults with places."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from standoff.errors import Fault, shortened
from standoff.names import closest, listed
from standoff.reading import ANYWHERE, Reach
from standoff.scenario.models import Chain, Scenario
from standoff.scenario.places import FieldPath, Node, Origin, dotted
from standoff.scenario.texts import text_faults

_NAME_RULE = "letters a to z, digits and underscores, beginning with a letter or underscore, at most 64"
_ALLOWED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "date_type": "a date such as 2020-09-20",
    "date_parsing": "a date such as 2020-09-20",
    "date_from_datetime_parsing": "a date such as 2020-09-20",
    "dict_type": "a block of named fields",
    "model_type": "a block of named fields",
    "list_type": "a list",
    "tuple_type": "a list",
}
_TYPE_ERRORS = frozenset(_ALLOWED)


def declare(root: Node, path: Path | None = None, reach: Reach = ANYWHERE) -> tuple[Scenario | None, list[Fault]]:
    """Make a scenario out of a tree, with the faults of shape found; None when there are any."""
    origin = Origin(path, root, reach)
    unwritable = text_faults(root)
    try:
        scenario = Scenario.model_validate(root.data())
    except ValidationError as error:
        return None, [*unwritable, *_faults(error, origin, Scenario)]
    if unwritable:
        return None, unwritable
    scenario._origin = origin
    return scenario, []


def declare_chain(root: Node, path: Path | None = None) -> tuple[Chain | None, list[Fault]]:
    """Make a chain of scenarios out of a tree, with the faults of shape found; None when there are any."""
    unwritable = text_faults(root)
    try:
        chain = Chain.model_validate(root.data())
    except ValidationError as error:
        return None, [*unwritable, *_faults(error, Origin(path, root), Chain)]
    return (None, unwritable) if unwritable else (chain, [])


def _faults(error: ValidationError, origin: Origin, model: type[BaseModel]) -> list[Fault]:
    grouped: dict[FieldPath, list[tuple[tuple[str, ...], Any]]] = defaultdict(list)
    for item in error.errors(include_url=False):
        field, branch = _field_path(item["loc"], origin.root, item["type"] == "missing")
        grouped[field].append((branch, item))
    faults = []
    around = {field[:length] for field in grouped for length in range(len(field))}
    for field, items in grouped.items():
        # A block that is wrong inside is not also to be called "no number" because a number was possible too.
        details = [item for _, item in items]
        if field in around and all(item["type"] in _TYPE_ERRORS for item in details):
            continue
        faults.append(_fault(field, details, origin, model))
    return sorted(faults, key=lambda fault: (fault.file or "", fault.line or 0, fault.column or 0))


def _field_path(loc: tuple[int | str, ...], root: Node, missing: bool) -> tuple[FieldPath, tuple[str, ...]]:
    """Split pydantic's location into the path in the file and the branches of unions it passed."""
    path: list[int | str] = []
    branch: list[str] = []
    node: Node | None = root
    for position, part in enumerate(loc):
        child = None if node is None else node.child(part)
        if child is not None:
            path.append(part)
            node = child
        elif missing and position == len(loc) - 1:
            path.append(part)
        elif part != "[key]":
            branch.append(str(part))
    return tuple(path), tuple(branch)


def _fault(field: FieldPath, items: list[Any], origin: Origin, model: type[BaseModel]) -> Fault:
    item = items[0]
    kind = item["type"]
    bad_key = "[key]" in item["loc"] or kind == "extra_forbidden"
    place = origin.place(field, key=bad_key)
    found: str | None = shortened(str(field[-1])) if bad_key and field else _shown(item["input"])
    problem, allowed, suggestion = _told(kind, item)
    if kind == "missing":
        found = None
    elif kind == "extra_forbidden":
        known = list(_fields(field[:-1], model))
        allowed, suggestion = listed(known), closest(str(field[-1]), known)
    elif all(one["type"] in _TYPE_ERRORS for one in items):
        allowed = " or ".join(dict.fromkeys(_ALLOWED[one["type"]] for one in items))
    elif kind == "literal_error":
        words = [str(value) for value in get_args(_annotation(field, model) or Any)]
        suggestion = closest(str(item["input"]), words)
    return Fault(
        file=place.file,
        line=place.line,
        column=place.column,
        field=dotted(field) or None,
        problem=problem,
        found=found,
        allowed=allowed,
        suggestion=suggestion,
    )


def _told(kind: str, item: Any) -> tuple[str, str | None, str | None]:
    """Say what an error of pydantic means: the problem, what is allowed, what to do."""
    context = item.get("ctx", {})
    match kind:
        case "missing":
            return "a required field is missing", None, None
        case "extra_forbidden":
            return "unknown field", None, None
        case "literal_error":
            return "this value is not allowed", str(context.get("expected")), None
        case "string_pattern_mismatch":
            pattern = str(context.get("pattern"))
            if "a-z0-9-" in pattern:
                return "this is no name of a scenario", "small letters, digits and hyphens", None
            if "/" in pattern:
                return "this is no address of a move", "player.option, player.signal, event/outcome", None
            return "this is no name", _NAME_RULE, None
        case "string_too_long":
            return "this name is too long", f"{context.get('max_length')} characters", None
        case _ if kind in _TYPE_ERRORS:
            return "this value is of the wrong kind", _ALLOWED[kind], None
        case "too_short" | "too_long":
            return "the number of entries is wrong", _count(context), None
        case _:
            limits = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
            allowed = ", ".join(f"{limits[key]} {value}" for key, value in context.items() if key in limits)
            return ("the number is out of range", allowed, None) if allowed else (str(item["msg"]), None, None)


def _count(context: dict[str, Any]) -> str:
    if "min_length" in context:
        return f"at least {context['min_length']}"
    return f"at most {context.get('max_length')}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return f"a {'block' if isinstance(value, dict) else 'list'} of {len(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    return shortened(str(value)) or "empty text"


def _models(annotation: Any) -> Iterator[Any]:
    """Unpack optional, union and annotated types."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for option in get_args(annotation):
            yield from _models(option)
    else:
        yield annotation


def _step(annotation: Any, part: str | int) -> Any:
    """Give the type of a part of a value of this type."""
    for option in _models(annotation):
        arguments = get_args(option)
        if isinstance(option, type) and issubclass(option, BaseModel):
            for name, info in option.model_fields.items():
                if str(part) in (info.alias or name, name):
                    return info.annotation
        elif get_origin(option) is dict:
            return arguments[1]
        elif get_origin(option) in (list, tuple) and isinstance(part, int):
            return arguments[min(part, len(arguments) - 1)]
    return None


def _annotation(path: FieldPath, model: type[BaseModel]) -> Any:
    annotation: Any = model
    for part in path:
        annotation = _step(annotation, part)
    return next((option for option in _models(annotation) if get_args(option)), annotation)


def _fields(path: FieldPath, model: type[BaseModel]) -> Iterator[str]:
    """List the fields of the block at a path."""
    annotation: Any = model
    for part in path:
        annotation = _step(annotation, part)
    for option in _models(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            for name, info in option.model_fields.items():
                yield info.alias or name
