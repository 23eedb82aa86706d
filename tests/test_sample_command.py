"""gan-sample: the same pixels for a seed however, wherever and with whatever else it is asked for."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from processes import command

from gan_cli import load_generator
from gan_cli.commands.sample import gan_sample
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import load_checkpoint, save_checkpoint
from gan_cli.sampling.generate import generate
from gan_cli.sampling.latents import Latents
from gan_cli.trained_models.restore_model import restore_generator

STORED = Path(__file__).parent / "data" / "runs_of_0_1" / "digits_dcgan"


@pytest.fixture
def run(quoted_run: Path) -> Path:
    return quoted_run


def sample(*words: str) -> None:
    assert gan_sample(list(words)) == 0


def arrays(path: str) -> np.lib.npyio.NpzFile:
    return np.load(path, allow_pickle=False)


def test_the_command_writes_a_grid_and_prints_its_path(finished_run: Path) -> None:
    shutil.copytree(finished_run, "run")
    done = command("gan-sample", "run=run", "grid=8x8")
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip().splitlines()[-1])
    assert path.parent == Path("run/rendered")
    # The latents of training's pictures are seeds 0 to 63.
    assert path.read_bytes() == (finished_run / "samples" / "step_00000015.png").read_bytes()


def test_a_seed_gives_the_same_pixels_however_many_are_asked_for(run: Path) -> None:
    sample(f"run={run}", "n=70", "format=npz", "output=many.npz")
    sample(f"run={run}", "seeds=[69,3]", "format=npz", "output=two.npz")
    many, two = arrays("many.npz"), arrays("two.npz")
    assert many["images"].shape == (70, 8, 8, 1)
    assert many["images"].dtype == np.uint8
    assert many["seeds"].tolist() == list(range(70))
    np.testing.assert_array_equal(two["images"], many["images"][[69, 3]])
    assert len(np.unique(many["images"], axis=0)) == 70


def test_files_are_single_images_of_their_own_size(run: Path) -> None:
    sample(f"run={run}", "seeds=5-7", "format=files", "output=pictures")
    sample(f"run={run}", "seeds=5-7", "format=npz", "output=a.npz")
    names = ["seed_00000005.png", "seed_00000006.png", "seed_00000007.png"]
    assert sorted(path.name for path in Path("pictures").iterdir()) == names
    for name, image in zip(names, arrays("a.npz")["images"], strict=True):
        with Image.open(Path("pictures") / name) as picture:
            np.testing.assert_array_equal(np.array(picture), image[..., 0])


@pytest.mark.parametrize("kind", ["linear", "slerp"])
def test_between_seeds_it_makes_a_strip_or_an_animation(run: Path, kind: str) -> None:
    words = (f"run={run}", "seeds=[4,9]", f"interpolate={kind}", "frames=3")
    sample(*words, "format=npz", "output=way.npz")
    sample(f"run={run}", "seeds=[4,9]", "format=npz", "output=ends.npz")
    way, ends = arrays("way.npz")["images"], arrays("ends.npz")["images"]
    assert len(way) == 5
    np.testing.assert_array_equal(way[[0, -1]], ends)
    sample(*words, "output=strip.png")
    with Image.open("strip.png") as strip:
        assert strip.width > 4 * strip.height
    sample(*words, "format=gif", "output=way.gif")
    with Image.open("way.gif") as animation:
        assert animation.n_frames == 8  # there and back again


RESAMPLED = ["truncation=1.5", "truncation_method=resample"]


def test_truncation_and_raw_weights_change_the_images(run: Path) -> None:
    made = {}
    for name, words in {
        "plain": [],
        "truncated": ["truncation=0.3"],
        "resampled": RESAMPLED,
        "raw": ["weights=raw"],
    }.items():
        sample(f"run={run}", "n=8", "format=npz", f"output={name}.npz", *words)
        made[name] = arrays(f"{name}.npz")["images"].astype(float)
    assert made["truncated"].std(axis=0).mean() < made["plain"].std(axis=0).mean()
    assert not np.array_equal(made["raw"], made["plain"])
    assert not np.array_equal(made["resampled"], made["plain"])


def test_run_checkpoint_and_shared_file_give_the_same_images(run: Path) -> None:
    shutil.copy(run / "generator.keras", "generator.keras")
    shutil.copy(run / "checkpoints" / "step_00000015.npz", "alone.npz")
    sample(f"run={run}", "n=3", "format=npz", "output=a.npz")
    sample("checkpoint=generator.keras", "n=3", "format=npz", "output=b.npz")
    sample("checkpoint=alone.npz", "n=3", "format=npz", "output=c.npz")
    for other in ("b.npz", "c.npz"):
        np.testing.assert_array_equal(arrays("a.npz")["images"], arrays(other)["images"])


def test_an_earlier_step_can_be_asked_for(run: Path) -> None:
    sample(f"run={run}", "step=10", "n=3", "format=npz", "output=early.npz")
    sample(f"run={run}", "n=3", "format=npz", "output=late.npz")
    assert not np.array_equal(arrays("early.npz")["images"], arrays("late.npz")["images"])
    with pytest.raises(ConfigError, match="it has 5, 10, 15"):
        gan_sample([f"run={run}", "step=11"])


def test_a_notebook_needs_three_lines(run: Path) -> None:
    generator = load_generator(run)
    images = generator.images(seeds=range(4))
    assert images.shape == (4, 8, 8, 1)
    assert images.dtype == np.uint8
    sample(f"run={run}", "n=4", "format=npz", "output=a.npz")
    np.testing.assert_array_equal(images, arrays("a.npz")["images"])


@pytest.mark.parametrize(("place", "step"), [("checkpoints/step_00000010.npz", 5), ("generator.keras", 5), ("", "abc")])
def test_a_missing_step_is_reported_in_a_notebook(run: Path, place: str, step: int | str) -> None:
    with pytest.raises(ConfigError, match=f"step={step}"):
        load_generator(run / place, step=step)


def test_points_are_drawn_in_the_plane(ring_run: Path) -> None:
    shutil.copytree(ring_run, "ring")
    sample("run=ring", "output=points.png")
    with Image.open("points.png") as picture:
        assert picture.size == (640, 640)
    sample("run=ring", "format=npz", "output=points.npz")
    assert arrays("points.npz")["images"].shape == (2500, 2)


def test_a_checkpoint_that_names_foreign_code_is_refused(run: Path) -> None:
    checkpoint = load_checkpoint(run / "checkpoints" / "step_00000015.npz")
    checkpoint.config["model"]["_target_"] = "os.system"
    Path("foreign").mkdir()
    path = save_checkpoint(Path("foreign"), checkpoint, keep=1)
    with pytest.raises(ConfigError, match=r"model._target_=os.system: names code outside gan_cli.*trust=true"):
        gan_sample([f"checkpoint={path}"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["model", "width"], 10**9, "describes a model that can't be built|not those of the model"),
        (["model", "width"], 16, "arrays `averaged` are not those of the model"),
        (["model", "latent_size"], 5, "arrays `averaged` are not those of the model"),
        (["model"], None, "model: expected a mapping with a _target_|model=null: expected"),
        (["train", "precision"], "float8", "train.precision=float8: expected one of"),
        (["train"], [], None),
    ],
    ids=str,
)
def test_a_checkpoint_whose_configuration_does_not_fit_its_arrays_is_refused(
    path: list[str], value: Any, message: str | None
) -> None:
    checkpoint = load_checkpoint(STORED / "checkpoints" / "step_00000012.npz")
    node: Any = checkpoint.config
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = value
    if message is None:
        restore_generator(checkpoint, "ema", trust=False)
        return
    with pytest.raises(ConfigError, match=message):
        restore_generator(checkpoint, "ema", trust=False)


def test_a_generator_takes_labels_beside_latents_and_may_have_inner_results() -> None:
    z, label = keras.Input((3,)), keras.Input((), dtype="int32")
    w = keras.layers.Concatenate()([z, keras.layers.Embedding(4, 2)(label)])
    model = keras.Model([z, label], {"samples": keras.layers.Dense(2)(w), "w": w})
    inputs = Latents(np.ones((5, 3), np.float32), np.array([0, 1, 2, 3, 0]))
    samples = generate(model, inputs)
    assert samples.shape == (5, 2)
    np.testing.assert_array_equal(samples[0], samples[4])
    assert not np.array_equal(samples[0], samples[1])
    np.testing.assert_array_equal(generate(model, inputs[2:3])[0], samples[2])


@pytest.mark.parametrize("module", ["subprocess", "os", "numpy"])
def test_a_shared_file_that_names_foreign_code_is_refused(run: Path, module: str) -> None:
    with zipfile.ZipFile(run / "generator.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] |= {"module": module, "class_name": "Popen", "registered_name": None}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile("foreign.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ConfigError, match=rf"holds {module}.Popen"):
        gan_sample(["checkpoint=foreign.keras"])


def test_a_shared_file_with_a_lambda_is_refused() -> None:
    layers = [keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1)]
    keras.Sequential(layers).save("lambda.keras")
    with pytest.raises(ConfigError, match="Lambda"):
        gan_sample(["checkpoint=lambda.keras"])


def test_a_generator_that_another_tool_saved_is_fed_normal_latents() -> None:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((5,)), keras.layers.Dense(48, activation="tanh"), keras.layers.Reshape((4, 4, 3))]
    keras.Sequential(layers).save("other.keras")
    sample("checkpoint=other.keras", "n=2", "format=npz", "output=a.npz")
    assert arrays("a.npz")["images"].shape == (2, 4, 4, 3)


def test_a_model_that_is_no_generator_is_reported() -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save("classifier.keras")
    with pytest.raises(ConfigError, match="is no generator"):
        gan_sample(["checkpoint=classifier.keras"])


def test_a_file_that_is_no_archive_is_reported() -> None:
    Path("broken.keras").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="is not a whole Keras archive"):
        gan_sample(["checkpoint=broken.keras"])
    Path("broken.npz").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="can't be read whole"):
        gan_sample(["checkpoint=broken.npz"])
