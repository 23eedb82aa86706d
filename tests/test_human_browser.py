"""The page of gan-eval human, used as people use it: in a browser, by keys and by touch, without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from human_page import FAKE, OTHER, PROTOCOL, REAL, decoded, page, written

from gan_cli.human_evaluation.answers import Answers, read_answers
from gan_cli.human_evaluation.survey_page import Side, make_page
from gan_cli.statistics import wilson

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
N = 6  # pictures of a page


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
    visitor.sheet.wait_for_selector("#mask:visible")
    visitor.sheet.reload()
    visitor.begin()
    visitor.truth()
    assert not visitor.sheet.locator("#picture").is_visible()  # a reload gives no second look
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
    for done, key in ((0, "r"), (2, "Enter")):  # Enter presses the button that was clicked last
        visitor.truth()
        visitor.sheet.keyboard.down(key)
        visitor.truth()
        visitor.sheet.keyboard.down(key)  # as a keyboard repeats it
        visitor.truth()
        assert visitor.text("#position") == f"{done + 2} of 6"
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


def test_another_person_begins_again_in_another_order(sheet: Callable[..., Any]) -> None:
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
