"""Images of StyleGAN3 from gan-sample: rotated, shifted, and with truncated w; and a run that resumes exactly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from runs import assert_same_run

from gan_cli import load_generator
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.mapping_network import truncate_w
from gan_cli.models.mlp import MLP
from gan_cli.models.stylegan3.model import StyleGAN3
from gan_cli.plotting.image_grid import to_uint8
from gan_cli.runs.checkpoint import list_checkpoints
from gan_cli.sampling.generator_file import save_generator
from gan_cli.sampling.generator_metadata import GeneratorMetadata
from gan_cli.sampling.input_transform import move_images
from gan_cli.sampling.loaded_generator import LoadedGenerator

SMALLEST: dict[str, Any] = {"latent_size": 6, "style_size": 8, "layers": 3, "channel_base": 32, "channel_max": 4}
DATA = DataSpec((8, 8, 1), 100)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator.keras."""
    keras.utils.set_random_seed(5)
    pair, path = StyleGAN3(**SMALLEST), tmp_path_factory.mktemp("stylegan3") / "generator.keras"
    generator = pair.generator(DATA)
    generator.get_layer("w_average").average.assign(np.linspace(-1, 1, 8))
    save_generator(path, generator, pair, DATA, 3)
    return path


def images_of(file: Path, name: str, *words: str) -> np.ndarray:
    assert gan_sample([f"checkpoint={file}", "n=3", "format=npz", f"output={name}.npz", *words]) == 0
    with np.load(f"{name}.npz") as content:
        found: np.ndarray = content["images"]
    return found


def test_gan_sample_rotates_and_shifts(file: Path, working_folder: Path) -> None:
    plain = images_of(file, "plain")
    full_turn = images_of(file, "full_turn", "rotate=360")
    assert np.abs(full_turn.astype(int) - plain).max() <= 1
    turned = images_of(file, "turned", "rotate=45", "shift=[0.25,-0.1]")
    assert not np.array_equal(turned, plain)
    assert gan_sample([f"checkpoint={file}", "n=1", "rotate=45", "shift=[0.25,0]"]) == 0
    assert [path.name for path in file.parent.iterdir() if "rotate_45.0_shift_0.25_0.0" in path.name]
    np.testing.assert_array_equal(load_generator(file).images([2])[0], plain[2])  # whatever else is in the batch


def test_truncation_moves_w_to_its_average(file: Path) -> None:
    generator = load_generator(file)
    mapping, average, synthesis = (generator.model.get_layer(name) for name in ("mapping", "w_average", "synthesis"))
    w = mapping([generator.latents(range(3)).z])
    for psi in (0.5, 1.0):
        truncated = synthesis([truncate_w(w, average.average, psi, synthesis.inputs[0].shape[1])])
        expected = to_uint8(np.clip(truncated, -1.0, 1.0)).astype(int)
        assert np.abs(generator.images(range(3), psi) - expected).max() <= 1
    assert not np.array_equal(generator.images(range(3), 0.5), generator.images(range(3)))


def test_images_of_other_models_are_not_moved() -> None:
    pair = MLP(latent_size=6, width=4, depth=1)
    generator = LoadedGenerator(pair.generator(DATA), GeneratorMetadata(6, "normal", DATA, 0))
    move_images(generator, 0.0, (0.0, 0.0))
    for degrees, shift, message in ((5.0, (0.0, 0.0), r"^rotate=5\.0: .*stylegan3"), (0.0, (0.5, 0.0), "^shift")):
        with pytest.raises(ConfigError, match=message):
            move_images(generator, degrees, shift)


@pytest.mark.parametrize("words", ["rotate=nan", "shift=1", "shift=[1]", "shift=[a,0]", "shift=[0,1e9]"])
def test_a_movement_that_is_none_is_refused(file: Path, words: str) -> None:
    with pytest.raises(ConfigError, match=f"^{words.partition('=')[0]}"):
        gan_sample([f"checkpoint={file}", words])


def test_a_run_resumes_exactly(working_folder: Path) -> None:
    words = ["model=stylegan3", *(f"model.{key}={value}" for key, value in SMALLEST.items()), "dataset=digits"]
    words += ["model.discriminator_channel_max=4", "loss=non_saturating", "penalty=r1", "logger=[]"]
    words += ["train.batch_size=4", "run.checkpoint_every=2", "run.sample_every=2", "run.log_every=1"]
    assert gan_train([*words, "train.steps=4", "hydra.run.dir=whole"]) == 0
    whole, killed = Path("whole"), Path("killed")
    shutil.copytree(whole, killed)
    list_checkpoints(killed / "checkpoints")[0].unlink()
    assert gan_train([f"resume={killed}"]) == 0
    assert_same_run(whole, killed)
    np.testing.assert_array_equal(
        load_generator("whole").images([2]), load_generator("whole/generator.keras").images([2])
    )
