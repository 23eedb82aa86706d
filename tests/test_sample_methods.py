"""gan-sample with the discriminator (`method`), and with statistics that are collected anew, by the real command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import PERCEPTRON, TINY

from gan_cli import load_generator
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError
from gan_cli.sampling.guided_latents import GuidedLatents
from gan_cli.sampling.latents import latents
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sampling_methods import METHODS
from gan_cli.trained_models.load_generator import read_source
from gan_cli.trained_models.load_guide import load_guide

GUIDED = METHODS[1:]


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose logits are log density ratios, with classes."""
    folder = tmp_path_factory.mktemp("runs") / "conditional"
    words = [*TINY, *PERCEPTRON, "loss=non_saturating", "conditioning=projection", "train.steps=30"]
    assert gan_train([*words, f"hydra.run.dir={folder}"]) == 0
    return folder


def guide(run: Path, method: str, steps: int | None = None) -> GuidedLatents:
    job = SampleJob(
        str(run), None, None, 4, 0, None, None, "npz", None, 8, 1.0, "ema", None, False, method=method,
        method_steps=steps,
    )  # fmt: skip
    return load_guide(run / "checkpoints", job)


def images(run: Path, name: str, *words: str) -> np.ndarray:
    assert gan_sample([f"run={run}", "format=npz", f"output={name}.npz", *words]) == 0
    with np.load(f"{name}.npz") as file:
        found: np.ndarray = file["images"]
    return found


@pytest.mark.parametrize("method", GUIDED)
def test_a_seed_gives_the_same_image_alone_and_among_others(conditional: Path, method: str) -> None:
    words = [f"method={method}", "class=3", *(["method_steps=4"] if method != "latent_optimization" else [])]
    many = images(conditional, "many", *words, "seeds=0-5")
    assert np.array_equal(many[4:5], images(conditional, "one", *words, "seeds=[4]"))
    plain = load_generator(conditional).images(range(6), classes=3)
    assert not np.array_equal(many, plain)


@pytest.mark.parametrize("method", [method for method in GUIDED if method != "langevin"])
def test_chosen_latents_have_higher_logits_than_plain_ones(conditional: Path, method: str) -> None:
    found = guide(conditional, method, None if method == "latent_optimization" else 16)
    labels = np.full(48, 7, np.int32)
    guided = found.latents(range(48), labels)
    plain = latents(range(48), guided.z.shape[1], "normal")
    scores = [found.logits(z, labels[:1]).mean() for z in (guided.z, plain)]
    assert scores[0] > scores[1]


def test_the_steps_of_langevin_follow_the_gradient(conditional: Path) -> None:
    """Compared with the same noise in the flat landscape of a discriminator that is always undecided."""
    found, labels = guide(conditional, "langevin", 16), np.full(48, 7, np.int32)
    flat = replace(found, score=lambda z, *given: 0.0 * tf.reduce_sum(z, axis=1))
    means = [found.logits(one.latents(range(48), labels).z, labels[:1]).mean() for one in (found, flat)]
    assert means[0] > means[1]


def test_candidates_are_plain_latents(conditional: Path) -> None:
    z = guide(conditional, "rejection", 3).latents([5], np.array([1], np.int32)).z[0]
    candidates = latents([5 + place * 2**64 for place in range(3)], len(z), "normal")
    assert any(np.array_equal(z, one) for one in candidates)


def test_a_loss_without_density_ratios_leaves_latent_optimization_alone(ring_run: Path) -> None:
    assert images(ring_run, "points", "method=latent_optimization", "n=3").shape == (3, 2)
    for method in ("rejection", "metropolis_hastings", "langevin"):
        with pytest.raises(ConfigError, match=rf"^method={method}: needs logits that are log density ratios"):
            gan_sample([f"run={ring_run}", f"method={method}"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method=reject"], "method=reject: expected one of"),
        (["method=plain", "method_steps=3"], "method_steps=3: goes with method="),
        (["method=rejection", "method_steps=1"], "method_steps=1:"),
        (["method=langevin", "truncation=0.5"], "method=langevin: does not go with truncation="),
        (["method=rejection", "interpolate=slerp"], "method=rejection: does not go with interpolate="),
        (["truncation_method=redraw", "truncation=0.001"], "truncation=0.001:"),
        (["standing_statistics=-1"], "standing_statistics=-1:"),
        (["standing_statistics=2"], "standing_statistics=2: needs a generator with batch normalisation"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(conditional: Path, words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        gan_sample([f"run={conditional}", "output=refused.png", *words])
    assert str(error.value).startswith(message)
    assert not Path("refused.png").exists()


def test_a_method_is_refused_where_there_is_no_discriminator(conditional: Path) -> None:
    with pytest.raises(ConfigError, match=r"^method=rejection: .*a \.keras file has the generator alone"):
        gan_sample([f"checkpoint={conditional}/generator.keras", "method=rejection"])


def test_standing_statistics_take_the_place_of_the_averages_of_training(tmp_path: Path) -> None:
    run = tmp_path / "convolutional"
    words = [*TINY, "model=dcgan", "model.width=2", "dataset=digits", "train.steps=2", "metric=[]"]
    assert gan_train([*words, f"hydra.run.dir={run}"]) == 0
    before = read_source(run / "checkpoints").arrays
    plain, standing = (images(run, f"of_{len(words)}", "n=4", *words) for words in ([], ["standing_statistics=2"]))
    assert not np.array_equal(plain, standing)
    assert np.array_equal(standing, images(run, "again", "n=4", "standing_statistics=2"))
    after = read_source(run / "checkpoints").arrays
    assert all(np.array_equal(before[name], after[name]) for name in before)
