"""gan-eval human: a page that people answer in a browser, and what their answers come to."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from gan_cli import load_generator
from gan_cli.checks import ConfigError
from gan_cli.commands.evaluate import gan_eval
from gan_cli.config.compose import config_directory
from gan_cli.evaluation.human.answers import Answers, read_answers
from gan_cli.evaluation.human.page import Side, make_page
from gan_cli.evaluation.human.rates import Z95, over_people, wilson

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
N = 6
PROTOCOL: dict[str, Any] = {"real": {"name": "noise"}, "fake": {"run": "a run", "step": 7}, "seconds": None, "seed": 0}
OTHER = {"real": "fake", "fake": "real"}


def noise(seed: int, n: int = N // 2, shape: tuple[int, ...] = (6, 5, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), np.uint8)


REAL, FAKE = Side(noise(1), range(10, 13)), Side(noise(2), range(20, 23))


def written(text: str, name: str = "page.html") -> Path:
    path = Path(name).resolve()
    path.write_text(text)
    return path


def page(**protocol: Any) -> Path:
    return written(make_page(REAL, FAKE, {**PROTOCOL, **protocol}, seed=0, name="a run"))


def decoded(source: str) -> np.ndarray:
    """The pixels of a data: address, `[height, width, channels]`."""
    kind, _, content = source.partition(",")
    assert kind == "data:image/png;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    return pixels.reshape(*pixels.shape[:2], -1)


def content(path: Path) -> dict[str, Any]:
    """What the page's scripts read."""
    text = path.read_text()
    found = json.loads(text.split('<script type="application/json" id="page">')[1].split("</script>")[0])
    assert isinstance(found, dict)
    return found


class Visitor:
    """Somebody at the page, who sees and does what a person could; `sheet` is Playwright's page."""

    def __init__(self, sheet: Any, path: Path, real: np.ndarray = REAL.images, fake: np.ndarray = FAKE.images) -> None:
        self.sheet = sheet
        self.truths = {image.tobytes(): "real" for image in real} | {image.tobytes(): "fake" for image in fake}
        sheet.goto(path.as_uri())

    def begin(self, person: str = "") -> None:
        if person:
            self.sheet.locator("#person").fill(person)
        self.sheet.keyboard.press("Enter")

    def truth(self) -> str:
        """What the picture is that can be seen now."""
        self.sheet.wait_for_selector("[data-awaiting=yes]")
        return self.truths[decoded(self.sheet.locator("#picture").get_attribute("src")).tobytes()]

    def answer_all(self, fakes_missed: int, reals_missed: int, do: Callable[[str], None] | None = None) -> list[str]:
        """Answers every picture, so many of each kind wrongly; gives what was shown, in order."""
        left, shown = {"fake": fakes_missed, "real": reals_missed}, []
        for _ in range(N):
            truth = self.truth()
            shown.append(truth)
            says = OTHER[truth] if left[truth] > 0 else truth
            left[truth] -= 1
            (do or self.press)(says)
        self.sheet.wait_for_selector("[data-screen=result]")
        return shown

    def press(self, says: str) -> None:
        self.sheet.keyboard.press({"real": "r", "fake": "f"}[says])

    def text(self, name: str) -> str:
        return str(self.sheet.locator(name).inner_text()).replace("\N{NO-BREAK SPACE}", " ")

    def save(self, name: str = "answers.json") -> Answers:
        with self.sheet.expect_download() as download:
            self.sheet.locator("#save").click()
        download.value.save_as(name)
        return read_answers(Path(name))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as running:
        try:
            launched = running.chromium.launch(executable_path=found, args=FLAGS)
        except playwright.Error as error:
            pytest.skip(f"{found} does not start: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture
def sheet(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a tab; afterwards, nothing must have asked for anything outside the page, and no script have failed."""
    contexts, outside, failed = [], [], []

    def opened(**options: Any) -> Any:
        context = browser.new_context(accept_downloads=True, offline=True, **options)
        contexts.append(context)
        context.on("request", lambda request: outside.append(request.url))
        tab = context.new_page()
        tab.on("pageerror", lambda error: failed.append(str(error)))
        tab.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in outside if not url.startswith(("file:", "data:", "blob:"))] == []
    assert failed == []


def test_a_session_by_keys_gives_the_error_rate_its_interval_and_a_file(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page())
    visitor.begin("Ann")
    shown = visitor.answer_all(fakes_missed=2, reals_missed=1)
    assert visitor.text("#rate") == "50.0 %"
    low, high = wilson(3, 6)
    assert f"{100 * low:.1f} to {100 * high:.1f} %, from 6 answers" in visitor.text("#interval")
    table = " ".join(visitor.text("#split").split())
    assert table.startswith(
        "Fakes taken for real 2 of 3 66.7 % 20.8 to 93.9 % Reals taken for fake 1 of 3 33.3 % 6.1 to"
    )
    saved = visitor.save()
    assert saved.person == "Ann"
    assert (saved.counts(), saved.counts("fake"), saved.counts("real")) == ((3, 6), (2, 3), (1, 3))
    assert [each.truth for each in saved.given] == shown
    assert {key: saved.protocol[key] for key in PROTOCOL} == PROTOCOL
    assert (saved.protocol["n"], saved.protocol["shape"]) == (6, [6, 5, 3])
    told = json.loads(Path("answers.json").read_text())
    assert (told["result"]["all"]["rate"], told["result"]["all"]["low"]) == (0.5, pytest.approx(low, abs=1e-12))
    fooled = [each["number"] for each in told["answers"] if each["truth"] == "fake" and each["answer"] == "real"]
    assert len(fooled) == 2
    assert set(fooled) < set(FAKE.numbers)
    titles = visitor.sheet.locator("#fooled img").evaluate_all("all => all.map(each => each.title)")
    assert [title for title in titles if title.startswith("fake")] == [f"fake {number}" for number in fooled]
    visitor.sheet.get_by_text("Show them as text").click()
    assert json.loads(visitor.sheet.locator("#json").input_value()) == told


def test_a_session_by_touch_on_a_telephone(sheet: Callable[..., Any]) -> None:
    tab = sheet(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, device_scale_factor=2)
    visitor = Visitor(tab, page())
    fingers = tab.context.new_cdp_session(tab)
    ways = iter([*("tap",) * 3, *("swipe",) * 3])

    def swipe(way: int) -> None:
        for kind, points in (("touchStart", [180]), ("touchMove", [180 + way]), ("touchEnd", [])):
            touches = [{"x": x, "y": 300} for x in points]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def touch(says: str) -> None:
        if next(ways) == "tap":
            tab.locator(f"#{says}").tap()
        else:
            swipe(20)  # too short to mean anything
            swipe({"real": -100, "fake": 100}[says])

    tab.locator("#start").tap()
    visitor.answer_all(fakes_missed=1, reals_missed=0, do=touch)
    assert visitor.text("#rate") == "16.7 %"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert visitor.save().counts() == (1, 6)


def test_a_time_limit_masks_the_picture_and_the_answer_still_counts(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page(seconds=0.1))
    visitor.begin()

    def wait_and_press(says: str) -> None:
        visitor.sheet.wait_for_selector("#mask:visible")
        assert not visitor.sheet.locator("#picture").is_visible()
        visitor.press(says)

    assert not visitor.sheet.locator("#undo").is_visible()
    visitor.answer_all(fakes_missed=0, reals_missed=2, do=wait_and_press)
    assert visitor.text("#rate") == "33.3 %"
    saved = visitor.save()
    assert saved.protocol["seconds"] == 0.1
    for each in json.loads(Path("answers.json").read_text())["answers"]:
        assert 0.09 < each["shown"] <= each["seconds"]


def test_the_mask_shows_nothing_of_the_picture(sheet: Callable[..., Any]) -> None:
    black, white = np.zeros((1, 64, 64, 1), np.uint8), np.full((1, 64, 64, 1), 255, np.uint8)
    path = written(make_page(Side(black, [0]), Side(white, [0]), {**PROTOCOL, "seconds": 0.02}, 0, "two"))
    visitor = Visitor(sheet(), path, black, white)
    visitor.begin()
    means = []
    for _ in range(2):
        visitor.truth()
        visitor.sheet.wait_for_selector("#mask:visible")
        masked = decoded(visitor.sheet.evaluate("document.getElementById('mask').toDataURL()"))
        assert masked.shape[:2] == (64, 64)
        np.testing.assert_array_equal(masked[..., 0], masked[..., 1])  # grey, as the pictures are
        assert masked[..., 0].std() > 40
        means.append(masked[..., :3].mean())
        visitor.press("real")
    assert max(abs(np.array(means) - 128)) < 64  # those of the pictures are 0 and 255


def test_an_answer_can_be_taken_back(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page())
    visitor.begin()
    first = visitor.truth()
    visitor.press(OTHER[first])
    visitor.truth()
    visitor.sheet.keyboard.press("u")
    assert visitor.truth() == first
    assert visitor.text("#position") == "1 of 6"
    visitor.answer_all(0, 0)
    assert visitor.text("#rate") == "0.0 %"


def test_a_held_key_and_a_double_click_answer_once(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page())
    visitor.begin()
    for key in ("r", "Enter"):  # Enter presses the button that was clicked last
        visitor.truth()
        visitor.sheet.keyboard.down(key)
        visitor.truth()
        visitor.sheet.keyboard.down(key)  # as a keyboard repeats it
        visitor.sheet.keyboard.up(key)
        visitor.sheet.locator("#real").dblclick()
    visitor.truth()
    assert visitor.text("#position") == "5 of 6"


def test_a_reload_loses_no_answers(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page())
    visitor.begin("Ann")
    for _ in range(3):
        visitor.press(OTHER[visitor.truth()])
    visitor.truth()
    visitor.sheet.reload()
    assert visitor.text("#start") == "Go on at 4 of 6"
    visitor.begin()
    for _ in range(3):
        visitor.press(visitor.truth())
    visitor.sheet.wait_for_selector("[data-screen=result]")
    assert visitor.text("#rate") == "50.0 %"
    visitor.sheet.reload()
    saved = visitor.save()
    assert (saved.person, saved.counts()) == ("Ann", (3, 6))


def test_another_person_begins_anew_in_another_order(sheet: Callable[..., Any]) -> None:
    visitor = Visitor(sheet(), page())
    visitor.sheet.on("dialog", lambda dialog: dialog.accept())
    orders = []
    for turn in range(2):
        visitor.begin()
        visitor.answer_all(turn, 0)
        saved = visitor.save(f"{turn}.json")
        orders.append([each.image for each in saved.given])
        assert saved.counts() == (turn, 6)
        visitor.sheet.locator("#again").click()
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(6))
    assert read_answers(Path("0.json")).session != read_answers(Path("1.json")).session


def test_the_page_may_run_and_fetch_nothing_but_its_own(sheet: Callable[..., Any]) -> None:
    name = "</script><script>document.title = 'taken over'</script>"
    path = written(make_page(REAL, FAKE, {**PROTOCOL, "fake": {"run": name}}, 0, name))
    tab = sheet()
    visitor = Visitor(tab, path)
    visitor.begin("<img src=x onerror=\"document.title = 'taken over'\">")
    visitor.answer_all(0, 0)
    assert visitor.save().protocol["fake"]["run"] == name
    assert tab.title() == "Real or fake?"
    policy = tab.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in path.read_text().replace("http-equiv", "")
    assert "https:" not in path.read_text()


def test_a_page_does_not_tell_at_a_glance_which_images_are_real() -> None:
    found = content(page())
    known = [image.tobytes() for image in (*REAL.images, *FAKE.images)]
    order = [known.index(decoded(f"data:image/png;base64,{each}").tobytes()) for each in found["images"]]
    assert sorted(order) == list(range(6))
    assert order != list(range(6))
    assert b"fake" not in base64.b64decode(found["key"]) + found["key"].encode()


def test_the_same_images_make_the_same_page_and_others_another() -> None:
    first = content(page())["id"]
    assert content(page())["id"] == first
    assert content(page(seconds=1.0))["id"] != first
    other = make_page(REAL, Side(noise(3), FAKE.numbers), PROTOCOL, 0, "a run")
    assert content(written(other))["id"] != first


def test_unlike_sides_make_no_page() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        make_page(REAL, Side(noise(2, n=2), range(2)), PROTOCOL, 0, "a run")


@pytest.mark.parametrize(("wrong", "answers"), [(0, 7), (7, 7), (1, 2), (37, 100), (500, 1000)])
def test_wilsons_bounds_solve_its_equation(wrong: int, answers: int) -> None:
    share, bounds = wrong / answers, wilson(wrong, answers)
    for bound in bounds:
        assert answers * (share - bound) ** 2 == pytest.approx(Z95**2 * bound * (1 - bound), abs=1e-12)
    assert bounds[0] <= share <= bounds[1]


def test_wilsons_bounds_of_no_error_are_closed_forms() -> None:
    assert wilson(0, 10) == (0, pytest.approx(Z95**2 / (10 + Z95**2)))
    assert wilson(10, 10) == (pytest.approx(10 / (10 + Z95**2)), pytest.approx(1))
    with pytest.raises(ValueError, match="0 answers"):
        wilson(0, 0)


def test_the_interval_over_people_is_that_of_the_resampled_people() -> None:
    # Two people drawn from two: a quarter each of the first twice and the second twice, so the bounds are theirs.
    assert over_people([10, 40], [100, 100]) == (50, 200, 0.1, 0.4)
    assert over_people([30] * 12, [100] * 12) == (360, 1200, 0.3, 0.3)
    many = over_people(np.random.default_rng(0).binomial(100, 0.3, 400).tolist(), [100] * 400)
    low, high = wilson(many.wrong, many.answers)  # nobody is better than another here, so both agree
    assert (many.low, many.high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))
    with pytest.raises(ValueError, match="1 people"):
        over_people([1], [2])


def answers_file(name: str, wrong: int = 2, person: str = "", **changes: Any) -> Path:
    """A file as the page writes it, of 10 images, the first `wrong` of them answered wrongly; fakes come first."""
    given = []
    for at, truth in enumerate(["fake"] * 5 + ["real"] * 5):
        says = OTHER[truth] if at < wrong else truth
        given.append({"image": at, "truth": truth, "number": at, "answer": says, "seconds": 1.0 + at})
    protocol = {**PROTOCOL, "n": 10, "shape": [6, 5, 3], "version": 1, **changes.pop("protocol", {})}
    whole = {"format": "gan-cli human answers", "version": 1, "page": "0123", "session": f"session of {name}"}
    whole |= {"person": person, "protocol": protocol, "answers": given, **changes}
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(whole))
    return path


def pooled(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert gan_eval(["human", *words, "json=true"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_files_of_several_people_are_pooled(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("ann.json", wrong=2, person="Ann")
    answers_file("ben.json", wrong=6, person="Ben", page="4567", protocol={"seed": 5})
    answers_file("somebody.json", wrong=1)
    words = "results=[ann.json,ben.json,somebody.json]"
    found = pooled(capsys, words)
    assert (found["all"]["wrong"], found["all"]["answers"], found["all"]["rate"]) == (9, 30, 0.3)
    assert (found["fake"]["wrong"], found["real"]["wrong"]) == (8, 1)
    assert (found["all"]["low"], found["all"]["high"]) == over_people([2, 6, 1], [10, 10, 10])[2:]
    assert "3 people are few" in found["notes"][0]
    assert [each["all"]["rate"] for each in found["people"]] == [0.2, 0.6, 0.1]
    assert gan_eval(["human", words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[1].split()) == "Ann 10 20.0 % 5.7 to 51.0 % 40.0 % 0.0 % 5.50 s"
    assert " ".join(lines[4].split()).startswith("all 3 people 30 30.0 %")


def test_one_persons_interval_is_wilsons(capsys: pytest.CaptureFixture[str]) -> None:
    found = pooled(capsys, f"results={answers_file('ann.json')}")
    assert (found["all"]["low"], found["all"]["high"]) == wilson(2, 10)
    assert found["notes"] == []


def test_a_copy_counts_once_and_one_name_is_one_person(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("a/first.json", person="Ann")
    shutil.copyfile("a/first.json", "a/copy.json")
    answers_file("a/second.json", person=" ann ", wrong=4)
    found = pooled(capsys, "results=a")
    assert (found["all"]["answers"], len(found["people"])) == (20, 1)
    assert any("is a copy of" in note for note in found["notes"])
    assert any("2 times" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"protocol": {"seconds": 0.5}}, "seconds is None there and 0.5 here"),
        ({"protocol": {"fake": {"run": "a run", "step": 8}}}, "fake.step is 7 there and 8 here"),
        ({"session": "session of ann.json", "wrong": 3}, "the same sitting"),
    ],
)
def test_unlike_answers_are_not_pooled(changes: dict[str, Any], told: str) -> None:
    answers_file("ann.json")
    answers_file("ben.json", **changes)
    with pytest.raises(ConfigError, match=told) as error:
        gan_eval(["human", "results=[ann.json,ben.json]"])
    assert error.value.key == "results"


def test_files_that_contradict_each_other_are_not_pooled() -> None:
    answers_file("ann.json")
    found = json.loads(answers_file("ben.json").read_text())
    found["answers"][0]["truth"] = "real"
    Path("ben.json").write_text(json.dumps(found))
    with pytest.raises(ConfigError, match=r"image 0 is real, and ann.json that it is fake"):
        gan_eval(["human", "results=[ann.json,ben.json]"])


def with_answer(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["answers"][0].update(changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.clear(),
        lambda whole: whole.update(format="another"),
        lambda whole: whole.update(version=2),
        lambda whole: whole.update(answers=[]),
        lambda whole: whole.update(answers={}),
        lambda whole: whole["answers"].pop(),
        lambda whole: whole.update(answers=[7] * 10),
        lambda whole: whole.update(session=None),
        lambda whole: whole.update(page="\x1b[2J"),
        lambda whole: whole.update(person=["Ann"]),
        lambda whole: whole.update(protocol=[]),
        lambda whole: whole["protocol"].update(real="noise"),
        lambda whole: whole["protocol"].update(real={"name": "\x1b[2J"}),
        lambda whole: whole["protocol"].update(deep=[[[[]]]]),
        with_answer(image=1),
        with_answer(image=10),
        with_answer(image=True),
        with_answer(truth="maybe"),
        with_answer(answer=["real"]),
        with_answer(seconds="1"),
        with_answer(seconds=-1),
        with_answer(seconds=10**400),
        with_answer(seconds=float("nan")),
    ],
)
def test_a_file_that_is_not_as_the_page_writes_it_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    path = answers_file("ann.json")
    whole = json.loads(path.read_text())
    spoil(whole)
    path.write_text(json.dumps(whole))
    with pytest.raises(ConfigError, match="is no file of answers") as error:
        gan_eval(["human", "results=[ann.json]"])
    assert error.value.key == "results"


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff\xfe", b"null", b'{"format": "gan-cli human an'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    Path("ann.json").write_bytes(text)
    for words in ("results=ann.json", "results=."):
        with pytest.raises(ConfigError, match="is no file of answers"):
            gan_eval(["human", words])


def test_a_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_eval(["human", f"results={answers_file('ann.json', person=chr(27) + '[2J')}"]) == 0
    assert "?[2J" in capsys.readouterr().out


def test_pooled_results_are_written_and_answers_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("answers/ann.json")
    before = Path("answers/ann.json").read_bytes()
    for _ in range(2):  # the second time the folder holds the pooled results too
        found = pooled(capsys, "results=answers", "output=answers/pooled.json")
        assert json.loads(Path("answers/pooled.json").read_text()) == found
    with pytest.raises(ConfigError, match="is there already") as error:
        gan_eval(["human", "results=answers", "output=answers/ann.json"])
    assert error.value.key == "output"
    assert Path("answers/ann.json").read_bytes() == before


@pytest.fixture
def run(finished_run: Path) -> Path:
    shutil.copytree(finished_run, "run")
    return Path("run")


def all_digits() -> set[bytes]:
    """The data set of the run as training sees it."""
    return {image.tobytes() for image in np.round(load_digits().images * (255 / 16)).astype(np.uint8)}


def test_the_command_shows_the_runs_images_and_its_data(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_eval(["human", f"run={run}", "n=20", "seed=3", "seconds=0.5"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == run / "human" / "step_00000015_seed_3_n_20_seconds_0.5.html"
    found = content(path)
    images = {decoded(f"data:image/png;base64,{each}").tobytes() for each in found["images"]}
    generated = {image.tobytes() for image in load_generator(run).images(range(3, 13))}
    assert generated <= images
    assert images - generated <= all_digits()
    assert len(found["images"]) == 20
    protocol = found["protocol"]
    assert (protocol["fake"]["run"], protocol["fake"]["step"], protocol["real"]["name"]) == ("run", 15, "digits")
    assert (protocol["n"], protocol["seed"], protocol["seconds"]) == (20, 3, 0.5)


def test_pages_whose_seeds_lie_half_a_page_apart_share_no_image(capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("real", 1), ("fake", 2)):
        np.save(f"{name}.npy", noise(seed, n=12))
    shown = []
    for seed in (0, 4):
        assert gan_eval(["human", "real=real.npy", "fake=fake.npy", "n=8", f"seed={seed}"]) == 0
        shown.append(set(content(Path(capsys.readouterr().out.strip()))["images"]))
    assert len(shown[0] | shown[1]) == 16


def test_a_file_of_answers_does_not_tell_where_files_lie() -> None:
    np.save("real.npy", noise(1))
    np.save("fake.npy", noise(2))
    here = Path.cwd()
    assert gan_eval(["human", f"real={here}/real.npy", f"fake={here}/fake.npy", "n=4", "output=p.html"]) == 0
    assert str(here) not in Path("p.html").read_text()
    assert content(Path("p.html"))["protocol"]["fake"]["name"] == "fake"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ([], "run"),
        (["run=a", "fake=b", "real=c"], "fake"),
        (["fake=fake.npy"], "real"),
        (["run=nowhere"], "run"),
        (["real=real.npy", "fake=fake.npy", "n=7"], "n"),
        (["real=real.npy", "fake=fake.npy", "n=10"], "n"),
        (["real=real.npy", "fake=small.npy", "n=4"], "real"),
        (["real=real.npy", "fake=fake.npy", "n=4", "seconds=0"], "seconds"),
        (["real=real.npy", "fake=fake.npy", "n=4", "output=page.txt"], "output"),
        (["real=real.npy", "fake=points.npy", "n=4"], "fake"),
        (["real=real.npy", "fake=fake.npy", "n=4", "json=true"], "json"),
        (["results=[]"], "results"),
        (["results=nowhere.json"], "results"),
        (["results=ann.json", "run=a"], "results"),
        (["secnds=1"], "secnds"),
    ],
)
def test_what_can_not_work_is_told_with_its_key(words: list[str], key: str) -> None:
    np.save("real.npy", noise(1))
    np.save("fake.npy", noise(2))
    np.save("small.npy", noise(2, shape=(4, 4, 3)))
    np.save("points.npy", np.zeros((9, 2), np.float32))
    with pytest.raises(ConfigError) as error:
        gan_eval(["human", *words])
    assert error.value.key == key


def test_a_generator_of_points_is_refused(run: Path) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["dataset"] = yaml.safe_load((config_directory() / "dataset" / "ring.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigError, match="points in the plane") as error:
        gan_eval(["human", f"run={run}", "n=4"])
    assert error.value.key == "run"


def test_data_of_others_is_not_run_without_trust(run: Path) -> None:
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("gan_cli.data.digits.Digits", "theirs.Digits"))
    Path("theirs.py").write_text("open('ran', 'w').close()")
    with pytest.raises(ConfigError, match="trust=true"):
        gan_eval(["human", f"run={run}", "n=4"])
    assert not Path("ran").exists()


def test_its_help_and_its_settings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gan_eval(["human", "--help"])
    assert "gan-eval human results=[ann.json,ben.json]" in capsys.readouterr().out
