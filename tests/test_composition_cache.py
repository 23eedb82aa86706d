"""What is composed with the cache is what Hydra composes without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from gan_cli.config import composition_cache
from gan_cli.config.compose import compose, composer
from gan_cli.errors import ConfigError


def composed(name: str, words: list[str], by_hydra_alone: bool) -> tuple[Any, ...]:
    """The text, the flags and the types of a configuration, Hydra's settings included, or its error and the cause."""
    with composer(None):
        if by_hydra_alone:
            running = GlobalHydra.instance().hydra
            assert running is not None
            running.config_loader = ConfigLoaderImpl(running.config_loader.get_search_path())
        try:
            config = hydra.compose(name, words, return_hydra_config=True)
        except Exception as error:
            return type(error), str(error), type(error.__cause__), str(error.__cause__)
        return OmegaConf.to_yaml(config), nodes_of(config)


def nodes_of(node: DictConfig, prefix: str = "") -> list[tuple[Any, ...]]:
    found = [(prefix, node._metadata.flags, node._metadata.ref_type, node._metadata.object_type)]
    for key, value in node.items_ex(resolve=False):
        if isinstance(value, DictConfig) and not value._is_none():
            found += nodes_of(value, f"{prefix}.{key}")
    return found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train", []),
        ("train", ["loss=wgan", "train.steps=5", "hydra.run.dir=x"]),
        ("train", ["loss=wgan", "train.steps=7", "train.steps=8", "+train.more={a: [1]}"]),
        ("train", ["penalty=[r1,r2]", "penalty.r1.weight={start: 1, end: 0.1, steps: 4}", "loss=rpgan", "~seed"]),
        ("train", ["experiment=ring", "hydra/launcher=basic", "hydra.job.name=own"]),
        ("eval", ["metric=[fid]", "samples=3"]),
        ("sample", ["number=3"]),
        ("train", ["~loss"]),
        ("train", ["~logger"]),
        ("train", ["model={a: 3}"]),
        ("train", ["loss=nope"]),
        ("train", ["loss=3"]),
        ("train", ["loss=a,b"]),
        ("train", ["loss@x=wgan"]),
        ("train", ["train.steps=1,2"]),
        ("train", ["train.nope=3"]),
        ("train", ["train.steps=]"]),
        ("nope", []),
    ],
    ids=str,
)
def test_a_configuration_is_the_one_of_hydra_alone(name: str, words: list[str], working_folder: Path) -> None:
    expected = composed(name, words, by_hydra_alone=True)
    assert composed(name, words, by_hydra_alone=False) == expected
    assert composed(name, words, by_hydra_alone=False) == expected  # from the cache


def test_one_composition_does_not_change_the_next() -> None:
    before = compose("train", ["loss=wgan"]).config
    changed = compose(
        "train", ["loss=wgan", "train.steps=3", "penalty.weight_clip.limit=0.5", "hydra.run.dir=x"]
    ).config
    assert (changed["train"]["steps"], changed["penalty"]["weight_clip"]["limit"]) == (3, 0.5)
    assert compose("train", ["loss=wgan"]).config == before


def test_a_file_that_changes_is_read_again(working_folder: Path) -> None:
    own = Path("conf/loss/own.yaml")
    own.parent.mkdir(parents=True)
    target = "_target_: gan_cli.losses.non_saturating.NonSaturatingLoss\nreal_target: "
    for value in ("0.75", "0.85", "1.0"):
        own.write_text(target + value)
        for _ in range(2):
            assert compose("train", ["loss=own"], "conf").config["loss"]["real_target"] == float(value)
    own.unlink()
    with pytest.raises(ConfigError, match="loss=own"):
        compose("train", ["loss=own"], "conf")


def test_a_folder_with_links_or_too_many_files_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    stored = dict(composition_cache.COMPOSED)
    (tmp_path / "conf" / "loop").symlink_to(tmp_path)
    assert compose("train", [], str(tmp_path / "conf")).config == compose("train", []).config
    (tmp_path / "conf" / "loop").unlink()
    for number in range(composition_cache.MOST_FILES + 1):
        (tmp_path / "conf" / f"{number}.png").touch()
    assert compose("train", [], str(tmp_path / "conf")).config == compose("train", []).config
    assert not [key for key in composition_cache.COMPOSED.keys() - stored.keys() if str(tmp_path) in str(key)]
