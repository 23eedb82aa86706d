"""Options that have no effect, or that do harm together, are warned of."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("penalty", ["[]", "[drift]", "[orthogonal,kernel_diversity]"])
def test_a_critic_that_nothing_bounds_is_warned_of(penalty: str) -> None:
    from gan_cli.config.launch_plan import prepare

    (note,) = prepare("train", ["loss=wgan", f"penalty={penalty}"], None)[1].notes
    assert "nothing bounds the critic" in note
    assert prepare("train", ["loss=wgan", "penalty=[drift,weight_clip]"], None)[1].notes == ()


def test_a_margin_that_spectral_normalization_takes_out_is_warned_of() -> None:
    from gan_cli.config.launch_plan import prepare

    words = ["model=dcgan", "loss=geometric", "model.discriminator_normalization=spectral"]
    (note,) = prepare("train", words, None)[1].notes
    assert "soft_margin" in note


def test_batch_norm_under_a_gradient_penalty_warns_with_its_reason() -> None:
    from gan_cli.config.launch_plan import prepare

    _, start = prepare("train", ["model=dcgan", "penalty=r1", "model.discriminator_normalization=batch"], None)
    (note,) = start.notes
    assert "depend on the others" in note
    assert "r1" in note
    assert prepare("train", ["model=dcgan", "penalty=r1"], None)[1].notes == ()  # the default changes with the penalty


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["eval.stop_on_collapse=true"], "eval.stop_on_collapse=true has no effect"),
        (["eval.every=7"], "eval.every=7 has no effect"),
        (["features=random"], "features=RandomNetwork has no effect where nothing is measured"),
        (["optimizer=adam", "optimizer.warmup_steps=5000"], "optimizer.warmup_steps=5000 is above train.steps=4000"),
        (
            ["optimizer=adam", "optimizer.decay_steps=100"],
            "optimizer.decay_steps=100 has no effect with optimizer.schedule=constant",
        ),
        (["optimizer=adam", "optimizer.final_fraction=0.5"], "optimizer.final_fraction=0.5 has no effect"),
        (["optimizer.schedule=linear", "optimizer.decay_steps=9000"], "optimizer.decay_steps=9000 is above"),
        (["penalty=lecam", "train.steps=500"], "penalty.lecam.start=1000 with train.steps=500"),
        (["penalty=lecam", "penalty.lecam.start=3999"], "penalty.lecam.start=3999 with train.steps=4000"),
        (["penalty=r1", "penalty.r1.every=4000"], "penalty.r1.every=4000 with train.steps=4000"),
        (["penalty=r1", "penalty.r1.weight=0"], "penalty.r1.weight=0"),
        (["train.top_k_steps=100"], "train.top_k_steps=100 has no effect with train.top_k=1"),
        (["loss=hinge", "train.top_k=0.5", "train.top_k_steps=9000"], "train.top_k_steps=9000 is above"),
        (["augment=instance_noise", "augment.instance_noise.steps=9000"], "augment.instance_noise.steps=9000 is above"),
        (["penalty=r1", "penalty.r1.weight={start: 0, end: 0}"], "penalty.r1.weight=0"),
        (["penalty=r1", "penalty.r1.weight={start: 1, end: 0, steps: 5000}"], "penalty.r1.weight.steps=5000 is above"),
        (["train.ema_half_life={start: 9, end: 5, shape: constant}"], "train.ema_half_life.end=5 has no effect with"),
        (
            ["augment=instance_noise", "augment.instance_noise={sigma: {start: 1, end: 0}, final_sigma: 0.1}"],
            "augment.instance_noise.final_sigma=0.1 has no effect",
        ),
        (["augment=ada", "train.steps=50"], "augment.ada.ramp_images=500000 lets the probability come to"),
    ],
)
def test_an_option_without_effect_is_warned_of(words: list[str], part: str) -> None:
    from gan_cli.config.launch_plan import prepare

    notes = prepare("train", words, None)[1].notes
    assert len(notes) == 1 and part in notes[0], notes


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=adam", "optimizer.warmup_steps=4000"],
        ["penalty=lecam", "penalty.lecam.start=3998"],
        ["penalty=r1", "penalty.r1.every=3999"],
    ],
)
def test_an_option_that_just_has_an_effect_is_not_warned_of(words: list[str]) -> None:
    from gan_cli.config.launch_plan import prepare

    assert prepare("train", words, None)[1].notes == ()
