"""A call of `gan-eval human`, from a checked job to what is printed and written."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path

from gan_cli.console import Console
from gan_cli.errors import ConfigError
from gan_cli.human_evaluation.answers import format_of, read_answers
from gan_cli.human_evaluation.pooled_results import FORMAT, as_json, pool, table
from gan_cli.human_evaluation.survey_config import HumanJob
from gan_cli.human_evaluation.survey_images import find_images, read_images
from gan_cli.human_evaluation.survey_page import make_page
from gan_cli.output_streams import print_result
from gan_cli.runs.atomic_files import check_folder, write_json, write_text
from gan_cli.runs.environment import installed_version
from gan_cli.sampling.generator_weights import EMA

LARGE_PAGE = 64 * 2**20  # bytes, about what a telephone opens without trouble


def run_human(job: HumanJob) -> int:
    """Makes a page and prints its path, or pools answers and prints what they come to; gives the exit code.

    Raises:
        ConfigError: for what the user can mend.
    """
    if job.results is not None:
        pool_results(job)
    else:
        print_result(str(write_page(job)))
    return 0


def write_page(job: HumanJob) -> Path:
    """The path of the page that the job asks for."""
    found = find_images(job)
    folder = Path(job.output).parent if job.output else default_folder(job)
    check_folder("output", folder)
    with closing(Console(stderr=True)) as console:
        if found.generator is not None:
            from gan_cli.devices import load_for_inference  # here, since it loads TensorFlow

            load_for_inference()
        real, fake, protocol, step = read_images(job, found, console)
        versions = {"gan-cli": installed_version("gan-cli")}
        protocol |= {"seconds": job.seconds, "seed": job.seed, "versions": versions}
        protocol |= {"show_class": True} if job.show_class else {}
        text = make_page(real, fake, protocol, job.seed, found.name)
        if len(text) > LARGE_PAGE:
            console.warn(f"The page has {len(text) / 2**20:,.0f} MiB; some browsers refuse so much. A smaller n helps.")
        path = Path(job.output) if job.output else folder / f"{page_name(job, step)}.html"
        try:
            write_text(path, text)
        except OSError as error:
            raise ConfigError("output", f"can't be written ({error.strerror})", path) from error
        return path


def page_name(job: HumanJob, step: int | None) -> str:
    """The default name of a page. Two requests share it only where they ask for the same page."""
    words = [f"step_{step:08d}" if step is not None else Path(str(job.fake)).stem, f"seed_{job.seed}", f"n_{job.n}"]
    words += [f"seconds_{job.seconds!r}"] if job.seconds is not None else []
    words += [job.weights] if job.weights != EMA else []
    words += ["show_class"] if job.show_class else []
    words += [f"truncation_{job.truncation!r}"] if job.truncation != 1 else []
    files = ("image_size", "channels", "max_megapixels", "value_range")
    others = {key: getattr(job, key) for key in ("checkpoint", "fake", "real", *files)}
    others = {key: value for key, value in others.items() if value != getattr(HumanJob, key)}
    if others:
        words.append(hashlib.sha256(json.dumps(others, sort_keys=True, default=str).encode()).hexdigest()[:16])
    return "_".join(words)


def default_folder(job: HumanJob) -> Path:
    if job.run is not None:
        return Path(job.run) / "human"
    return (Path(job.checkpoint).parent if job.checkpoint else Path()) / "human"


def pool_results(job: HumanJob) -> None:
    """Prints what the answers come to, and writes it where `output` says."""
    pooled = pool([read_answers(path) for path in answer_files(job.result_names)])
    content = as_json(pooled)
    if job.output is not None:
        output = Path(job.output)
        check_overwrites_no_answers(output)
        check_folder("output", output.parent)
        write_json(output, content)
    print_result(json.dumps(content, indent=2) if job.json else "\n".join(table(pooled)))


def answer_files(names: list[str]) -> list[Path]:
    """The files, and those in the folders, that `results` names. Raises ConfigError for a folder without any."""
    paths = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = [file for file in sorted(path.glob("*.json")) if format_of(file) != FORMAT]
            if not inside:
                raise ConfigError("results", "there are no files of answers (*.json) in this folder", name)
            paths += inside
        else:
            paths.append(path)
    return paths


def check_overwrites_no_answers(path: Path) -> None:
    """Raises ConfigError where writing to `path` could lose what somebody answered."""
    if path.exists() and format_of(path) != FORMAT:
        problem = "is there already, and holds something else than pooled results"
        raise ConfigError("output", problem, path, "Name another file.")
