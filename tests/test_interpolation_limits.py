"""A configuration whose interpolations expand to too much is refused before any is resolved.

Each chain here has 60 levels that double: a test would never end if one of them were resolved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from planted import READERS, RUN_READERS, edit, refused

from gan_cli.config.compose import compose
from gan_cli.config.interpolation_limits import check_interpolations
from gan_cli.errors import ConfigError

LEVELS = 60


def doubling(text: str) -> dict[str, Any]:
    """Keys x0 .. x60, each with `text` twice, in which N stands for the next one."""
    return {f"x{level}": 2 * text.replace("N", str(level + 1)) for level in range(LEVELS)} | {f"x{LEVELS}": "end"}


CHAINS: dict[str, dict[str, Any]] = {
    "texts": doubling("${xN}"),
    "below another key": {"inner": doubling("${inner.xN}")},
    "relative": {"inner": doubling("${.xN}")},
    "selected": doubling("${oc.select:xN,0}"),
    "decoded": doubling("${oc.decode:'\\${xN}'}"),
    "computed": {"inner": doubling("${inner.${nN}}")} | {f"n{level}": f"x{level}" for level in range(LEVELS + 1)},
    "lists": {f"x{level}": [f"${{x{level + 1}}}"] * 2 for level in range(LEVELS)} | {f"x{LEVELS}": "end"},
    "mappings": {f"x{level}": {"a": f"${{x{level + 1}}}", "b": f"${{x{level + 1}.a}}"} for level in range(LEVELS)},
}


@pytest.mark.parametrize("name", CHAINS)
def test_interpolations_that_double_at_each_level_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="interpolations"):
        check_interpolations(OmegaConf.create(CHAINS[name]))


def test_ten_levels_that_multiply_by_ten_are_refused() -> None:
    config = {f"x{level}": 10 * f"${{x{level + 1}}}" for level in range(10)} | {"x10": "end"}
    with pytest.raises(ConfigError, match="expand to more than 100,000 characters"):
        check_interpolations(OmegaConf.create(config))


def test_a_configuration_of_usual_size_passes() -> None:
    config = {f"x{level}": f"${{x{level + 1}}}, ${{oc.select:y,0}}" for level in range(10)} | {"x10": "a" * 1000}
    check_interpolations(OmegaConf.create(config | {"long": "b" * 200_000, "self": "${.other}", "other": [1, 2]}))


@pytest.mark.parametrize("reader", ["a single job", "a sweep"])
def test_a_foreign_primary_configuration_is_checked_before_it_is_resolved(foreign_run: Path, reader: str) -> None:
    edit(foreign_run / "config.yaml", **doubling("${xN}"))
    assert "interpolations lead to its value" in refused(READERS[reader])


def test_a_stored_configuration_resumes_no_chain_of_links(foreign_run: Path) -> None:
    edit(foreign_run / "config.yaml", **{f"x{level}": f"${{x{level + 1}}}" for level in range(LEVELS)}, x60="end")
    assert "links lead to its value" in refused(RUN_READERS["resume"])


def test_a_chain_of_doubling_texts_stays_text_when_a_run_is_resumed(foreign_run: Path) -> None:
    edit(foreign_run / "config.yaml", **doubling("${xN}"))
    assert "x0: no such key" in refused(RUN_READERS["resume"])


def test_an_interpolation_as_the_argument_of_our_own_functions_inserts_no_more_than_its_value() -> None:
    nested = {"a": "${if_loss:x.Y,4,${if_model:z.W,16,1}}", "name": "${path_name:${long}}"}
    check_interpolations(OmegaConf.create({**nested, "long": "b" * 60_000}))
    with pytest.raises(ConfigError, match="interpolations expand"):
        check_interpolations(OmegaConf.create({**nested, "long": "b" * 100_001}))


def test_an_interpolation_in_thousands_of_brackets_is_refused(working_folder: Path) -> None:
    nested = "${" * 2000 + "a" + "}" * 2000
    (working_folder / "own.yaml").write_text(yaml.safe_dump({"seed": nested}, width=10**6))
    with pytest.raises(ConfigError, match="brackets in it are nested"):
        compose("own", [], str(working_folder))
