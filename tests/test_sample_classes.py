"""Samples of a class: by name or number, in rows, between classes, as arrays and as folders that training reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from PIL import Image

from gan_cli import load_generator
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data.folder import Folder
from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError
from gan_cli.sampling.sample_request import folder_name


def arrays(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def sample(run: Path, *words: str) -> None:
    assert gan_sample([f"run={run}", *words]) == 0


def refused(run: Path, *words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        gan_sample([f"run={run}", "output=refused.png", *words])
    assert not Path("refused.png").exists()
    return str(caught.value)


def test_the_class_of_each_image_is_the_one_that_was_asked_for(labelled_run: Path) -> None:
    generator = load_generator(labelled_run)
    sample(labelled_run, "class=7", "seeds=3-5", "format=npz", "output=seven.npz")
    seven = arrays("seven.npz")
    assert (seven["labels"].tolist(), seven["seeds"].tolist()) == ([7, 7, 7], [3, 4, 5])
    assert np.array_equal(seven["images"], generator.images([3, 4, 5], classes=7))
    assert not np.array_equal(seven["images"], generator.images([3, 4, 5], classes="2"))
    sample(labelled_run, "classes=[1,3-4]", "n=2", "format=npz", "output=rows.npz")
    rows = arrays("rows.npz")
    assert (rows["labels"].tolist(), rows["seeds"].tolist()) == ([1, 1, 3, 3, 4, 4], [0, 1] * 3)
    sample(labelled_run, "n=12", "format=npz", "output=all.npz")
    assert arrays("all.npz")["labels"].tolist() == [*range(10), 0, 1]
    assert np.array_equal(arrays("all.npz")["images"][[3, 1]], generator.images([3, 1], classes=[3, 1]))


def test_pictures_have_a_row_for_each_class(labelled_run: Path) -> None:
    for words, rows, columns in ((["classes=0-3", "n=5"], 4, 5), ([], 10, 8), (["class=2", "n=6", "grid=2x3"], 2, 3)):
        sample(labelled_run, *words, "output=a.png")
        with Image.open("a.png") as picture:
            width, height = picture.size
        assert width / columns == pytest.approx(height / rows, rel=0.05)  # margins lie around images, too


def test_two_requests_for_classes_have_different_names(labelled_run: Path, working_folder: Path) -> None:
    run = working_folder / "copy"
    shutil.copytree(labelled_run, run)
    for words in ([], ["n=64"], ["class=1", "n=8"], ["class=2", "n=8"], ["classes=0-9"], ["classes=[1,0]"]):
        sample(run, *words)
    assert len(list((run / "rendered").glob("*.png"))) == 6


def test_images_lie_between_classes_and_between_latents(labelled_run: Path) -> None:
    generator = load_generator(labelled_run)
    words = ["interpolate=linear", "frames=3", "format=npz", "output=a.npz"]
    sample(labelled_run, *words, "classes=[1,4,8]", "seed=5")
    between = arrays("a.npz")["images"]
    assert len(between) == 2 * 5
    for place, label in ((0, 1), (4, 4), (5, 4), (9, 8)):
        assert np.array_equal(between[place], generator.images([5], classes=label)[0])
    assert len({image.tobytes() for image in between}) == 9
    sample(labelled_run, *words, "class=3", "seeds=[2,6]")
    ends = arrays("a.npz")["images"][[0, -1]]
    assert np.array_equal(ends, generator.images([2, 6], classes=3))
    sample(labelled_run, "interpolate=linear", "frames=2", "format=gif", "classes=[1,4]", "output=a.gif")
    with Image.open("a.gif") as animation:
        assert animation.n_frames == 6  # there and back


def test_folders_of_classes_and_arrays_are_read_as_data(labelled_run: Path) -> None:
    sample(labelled_run, "classes=[3,7]", "n=4", "format=files", "output=made")
    examples = Folder(path="made").open()
    assert (examples.spec.class_names, examples.spec.examples) == (("3", "7"), 8)
    sample(labelled_run, "n=20", "format=npz", "output=made.npz")
    data = Npz(path="made.npz", labels_key="labels").open()
    assert data.spec.classes == 10
    assert data.read_labels(np.arange(20)).tolist() == [*range(10)] * 2


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["class=12"], ["class=12", "the classes are 0 to 9"]),
        (["class=cat"], ["class=cat", "no such class"]),
        (["classes=8-12"], ["no such class", "0 to 9"]),
        (["classes=[1,1]"], ["names the class 1 twice"]),
        (["class=1", "classes=0-3"], ["class=1", "classes="]),
        (["classes=0-3", "grid=2x2"], ["grid=2x2", "row for each class"]),
        (["interpolate=slerp", "seeds=0-2"], ["interpolate=slerp", "Add class=NAME"]),
        (["interpolate=slerp", "classes=[1]"], ["classes=[1]", "two classes"]),
        (["code=3"], ["code=3", "no codes", "class=NAME"]),
    ],
)
def test_what_a_conditional_generator_can_not_give_is_refused(
    labelled_run: Path, words: list[str], parts: list[str]
) -> None:
    message = refused(labelled_run, *words)
    assert all(part in message for part in parts), message


def test_a_generator_without_classes_takes_none(perceptron_run: Path) -> None:
    for words in (["class=1"], ["classes=0-3"], ["class=1", "interpolate=slerp", "seeds=0-1"]):
        assert "this generator takes no classes" in refused(perceptron_run, *words)
    with pytest.raises(ConfigError, match="takes no classes"):
        load_generator(perceptron_run).images([0], classes=1)


def test_the_shared_file_knows_the_names_of_its_classes(working_folder: Path) -> None:
    for name in ("cats", "dogs"):
        (working_folder / "pets" / name).mkdir(parents=True)
        for number in range(8):
            Image.fromarray(np.full((8, 8), 20 * number, np.uint8)).save(
                working_folder / "pets" / name / f"{number}.png"
            )
    words = ["dataset=folder", "dataset.path=pets", "conditioning=auxiliary_classifier", "train.steps=2"]
    words += ["model=dcgan", "model.width=4", "train.batch_size=4", "hydra.run.dir=run"]
    assert gan_train([*(word for word in TINY if word != "model.width=8"), *words]) == 0
    generator = load_generator("run/generator.keras")  # conditional batch normalization is among its layers
    assert generator.metadata.data.class_names == ("cats", "dogs")
    images = generator.images(range(10), classes="dogs")
    assert np.array_equal(images, load_generator("run").images(range(10), classes=1))
    with pytest.raises(ConfigError, match=r"the classes are cats, dogs. Did you mean cats\?"):
        generator.images([0], classes="cat")
    with pytest.raises(ConfigError, match="names 2 classes for 1 seeds"):
        generator.images([0], classes=["cats", "dogs"])
    sample(Path("run"), "class=dogs", "n=3", "format=files", "output=made")
    assert sorted(path.name for path in Path("made").iterdir()) == ["dogs"]


def test_folders_of_classes_have_safe_names() -> None:
    from gan_cli.data import DataSpec

    spec = DataSpec((8, 8, 1), 0, 4, class_names=("cat", "../dog", ".emu", "a/b"))
    names = [folder_name(spec, label) for label in range(4)]
    assert names[0] == "cat"
    assert len(set(names)) == 4
    assert not any("/" in name or name.startswith(".") for name in names)


def test_codes_are_found_again_in_sampling(working_folder: Path) -> None:
    words = [*TINY, *PERCEPTRON, "conditioning=infogan", "conditioning.categories=4", "conditioning.continuous=2"]
    assert gan_train([*words, "train.steps=4", "hydra.run.dir=run"]) == 0
    generator = load_generator("run")
    for name in ("a", "b"):
        code = {"a": "code=[3,0.5,-1]", "b": "code=3"}[name]
        sample(Path("run"), code, "n=2", "format=npz", f"output={name}.npz")
    assert np.array_equal(arrays("b.npz")["images"], generator.images([0, 1], classes=3))
    assert not np.array_equal(arrays("a.npz")["images"], arrays("b.npz")["images"])
    np.testing.assert_allclose(arrays("a.npz")["codes"], [[0, 0, 0, 1, 0.5, -1]] * 2)
    assert "the classes are 0 to 3" in refused(Path("run"), "code=4")
    assert "2 numbers" in refused(Path("run"), "code=[3,0.5]")
    sample(Path("run"), "output=rows.png")
    assert gan_train(["resume=run", "train.steps=6"]) == 0
