"""What the YAML files here use beyond plain Hydra: four functions in `${...}`, and a launcher."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf

from gan_cli.config.target_allowlist import rebuilds_examples, takes_gradients_of
from gan_cli.config.yaml_source import register_yaml_source

LONGEST_NAME, MOST_BYTES = 120, 200  # characters, bytes; file systems allow 255 bytes, and paths are typed and read


def register_resolvers() -> None:
    """Makes the functions of `${...}` below and the launcher `process_each` known.

    Hydra finds the launcher by itself in an installed package, but not in an editable installation.
    """
    from hydra_plugins.gan_cli import ProcessEachLauncher

    Plugins.instance().register(ProcessEachLauncher)
    register_yaml_source()
    OmegaConf.register_new_resolver("path_name", path_name, replace=True)
    OmegaConf.register_new_resolver("if_gradient_penalty", if_gradient_penalty, replace=True)
    OmegaConf.register_new_resolver("if_loss", if_loss, replace=True)
    OmegaConf.register_new_resolver("if_model", if_model, replace=True)


def path_name(text: str) -> str:
    """`text` as one folder name: no separators, not too long, and distinct texts stay distinct."""
    name = re.sub(r"[^\w=,.+-]", "_", text).strip(".") or "job"
    if name == text and len(name) <= LONGEST_NAME and len(name.encode()) <= MOST_BYTES:
        return name
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
    start = name[: LONGEST_NAME - 9].encode()[: MOST_BYTES - 9].decode(errors="ignore")
    return f"{start}_{digest}"


def if_gradient_penalty(then: Any, otherwise: Any, *, _root_: DictConfig) -> Any:
    """`then` where a selected penalty differentiates the discriminator for each example, else `otherwise`.

    Batch normalisation makes one example's output depend on the others, which spoils such a penalty (WGAN-GP,
    arXiv:1704.00028, section 4), so a model's default normalisation depends on it. A loss that compares how well real
    and generated examples are rebuilt counts as such a penalty: their batches must not be normalised
    to the same statistics first.
    """
    penalties = _root_.get("penalty") or {}
    alone = any(takes_gradients_of(node) for node in penalties.values()) or rebuilds_examples(_root_.get("loss"))
    return then if alone else otherwise


def if_model(target: str, then: Any, otherwise: Any, *, _root_: DictConfig) -> Any:
    """`then` where the selected model is the class `target`, else `otherwise`; for the recipe of a model."""
    model = _root_.get("model")
    return then if isinstance(model, DictConfig) and model.get("_target_") == target else otherwise


def if_loss(target: str, then: Any, otherwise: Any, *, _root_: DictConfig) -> Any:
    """`then` where the selected loss is the class `target`, else `otherwise`.

    A loss can set a number of a penalty in this way and no other: what its own YAML file sets for a penalty would stay
    where other penalties are typed.
    """
    loss = _root_.get("loss")
    return then if isinstance(loss, DictConfig) and loss.get("_target_") == target else otherwise
