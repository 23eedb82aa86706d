"""Evaluations of release 0.1 with the names of today, so that they are still compared and ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_cli.runs.renamed_keys import upgrade_config

VALUE_KEYS = {"by": "method"}
SIDE_KEYS = {"left_out": "skipped"}
SIDE_VALUES = {("weights", "averaged"): "ema"}


def upgrade_evaluation(line: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a line of evaluations.jsonl, whose parts are mappings, with the names of today."""
    protocol = dict(line["protocol"])
    for side in ("real", "fake"):
        renamed = {SIDE_KEYS.get(key, key): value for key, value in protocol[side].items()}
        protocol[side] = {key: replace_value(key, value) for key, value in renamed.items()}
    protocol["metrics"] = upgrade_config({"metric": protocol["metrics"]})["metric"]
    values = {
        name: {VALUE_KEYS.get(key, key): entry for key, entry in value.items()}
        for name, value in line["values"].items()
    }
    return {**line, "values": values, "protocol": protocol}


def replace_value(key: str, value: Any) -> Any:
    return SIDE_VALUES.get((key, value), value) if isinstance(value, str) else value
