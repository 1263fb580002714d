"""Whether parameters are what the manifest declares, as far as types can be told."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

Check = Callable[[Any], Any]


def first_offence(
    declared: Any, parameters: Mapping[str, Any], validators: Mapping[str, Optional[Check]]
) -> Optional[str]:
    """What is wrong with the first parameter that is; None if all are accepted."""
    if not isinstance(declared, dict):
        return None
    for name, field in declared.items():
        if not isinstance(field, dict) or field.get("data_type") == "ph":
            continue
        value = parameters.get(name)
        if value is None or value == "":
            if field.get("required"):
                return f"Parameter '{name}' is required and was not given"
        elif not all(_is_accepted(item, field, validators) for item in _items(value, field)):
            return f"Parameter '{name}' failed validation"
    return None


def _items(value: Any, field: Dict[str, Any]) -> List[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    text = str(value)
    return [part.strip() for part in text.split(",") if part.strip()] if field.get("allow_list") else [text]


def _is_accepted(value: str, field: Dict[str, Any], validators: Mapping[str, Optional[Check]]) -> bool:
    """A type that nobody can check accepts everything; else one check that agrees is enough."""
    kinds = field.get("contains") or []
    checks = [validators.get(kind) for kind in kinds]
    known = [check for check in checks if check is not None]
    return len(known) < len(checks) or not kinds or any(_agrees(check, value) for check in known)


def _agrees(check: Check, value: str) -> bool:
    try:
        return bool(check(value))
    except Exception:
        return False  # an app's own check
