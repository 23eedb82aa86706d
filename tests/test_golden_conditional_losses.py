"""Losses of conditionings against the values and gradients of published implementations (losses.json)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from golden_conditional import GRADIENTS, VALUES, check, floats, labels_of, load, output

from gan_cli.conditioning import Conditioning, class_losses
from gan_cli.conditioning.adversarial_classifier import AdversarialClassifier
from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS, AuxiliaryClassifier
from gan_cli.conditioning.contrastive import EMBEDDING, PROXY, Contrastive
from gan_cli.conditioning.data_to_data import DataToData
from gan_cli.conditioning.heads import pick
from gan_cli.conditioning.multi_hinge import CLASS_SCORES, FEATURES, MultiHinge, complement_hinge, weston_watkins
from gan_cli.conditioning.mutual_information import (
    STUDIOGAN_EPSILON,
    categorical_loss,
    gaussian_loss,
    unit_gaussian_loss,
)
from gan_cli.conditioning.twin_classifier import TWIN_LOGITS, TwinClassifier
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.hinge import HingeLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss

LOSSES = load("losses")
Inputs = Mapping[str, Any]
Batch = Mapping[str, Any]
Compute = Callable[[Inputs], Any]

REAL, FAKE = "labels_real", "labels_fake"


def of_discriminator(conditioning: Conditioning, batch: Batch, real: Inputs, fake: Inputs) -> Any:
    """The sum of a conditioning's terms for the discriminator, of heads of both batches."""
    both = output(batch, REAL, **real), output(batch, FAKE, **fake)
    return tf.add_n(list(conditioning.discriminator(*both).values()))


def of_generator(conditioning: Conditioning, batch: Batch, fake: Inputs, real: Inputs | None = None) -> Any:
    given = None if real is None else output(batch, REAL, **real)
    return tf.add_n(list(conditioning.generator(output(batch, FAKE, **fake), given).values()))


def auxiliary(p: Mapping[str, Any], **options: Any) -> AuxiliaryClassifier:
    return AuxiliaryClassifier(weight=p.get("cond_lambda", 1.0), **options)


def on_real(conditioning: Conditioning, batch: Batch, logits: Any) -> Any:
    return of_discriminator(conditioning, batch, {CLASS_LOGITS: logits}, {CLASS_LOGITS: logits})


def on_fake(conditioning: Conditioning, batch: Batch, logits: Any) -> Any:
    return of_generator(conditioning, batch, {CLASS_LOGITS: logits})


def paper_classifier(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    conditioning = auxiliary(p, trained_on="real_and_fake", smoothing=p.get("label_smoothing", 0.0))
    return of_discriminator(conditioning, b, {CLASS_LOGITS: x["cls_real"]}, {CLASS_LOGITS: x["cls_fake"]})


def twin(p: Mapping[str, Any]) -> TwinClassifier:
    return TwinClassifier(weight=p["weight"], twin_weight=p["weight"])


def adversarial(p: Mapping[str, Any]) -> AdversarialClassifier:
    objective = "hinge" if p.get("hinge") else "cross_entropy"
    return AdversarialClassifier(weight=p.get("cond_lambda", 1.0), objective=objective)


def am_gan(b: Batch, scores: Any, labels: str | None) -> Any:
    """The K + 1 classes of AM-GAN, arXiv:1703.02000, whose last one is of generated examples."""
    wanted = tf.fill([scores.shape[0]], b["num_classes"]) if labels is None else labels_of(b, labels)
    return class_losses.cross_entropy(scores, wanted)


def hinge_scores(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    conditioning = MultiHinge(generator_weight=p.get("mh_lambda", 0.05), matching_weight=0.0)
    features = {FEATURES: tf.zeros([1, 1], x["mh_fake"].dtype)}
    heads = {CLASS_SCORES: x["mh_fake"], **features}
    return of_generator(conditioning, b, heads, features)


def matching(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    conditioning = MultiHinge(generator_weight=0.0, matching_weight=p["fm_lambda"])
    scores = tf.zeros([x["h_fake"].shape[0], b["num_classes"] + 1], x["h_fake"].dtype)
    heads = {CLASS_SCORES: scores, FEATURES: x["h_fake"]}
    return of_generator(conditioning, b, heads, {FEATURES: tf.cast(floats(b["h_real"]), x["h_fake"].dtype)})


def of_label(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    """The loss of the outputs of the labels, of the discriminator where there are real ones."""
    loss = {"vanilla": NonSaturatingLoss(), "hinge": HingeLoss()}[p.get("adv_loss", "vanilla")]
    fake = DiscriminatorOutput(pick(x["md_fake"], labels_of(b, FAKE)))
    if "md_real" not in x:
        return loss.generator(fake, None)
    return loss.discriminator(DiscriminatorOutput(pick(x["md_real"], labels_of(b, REAL))), fake)


def embeddings(conditioning: Conditioning, b: Batch, x: Inputs) -> Any:
    """Proxies are rows of a table."""
    side = "real" if "embed_real" in x else "fake"
    proxies = tf.gather(x["proxy_table"], labels_of(b, f"labels_{side}"))
    heads = {EMBEDDING: x[f"embed_{side}"], PROXY: proxies}
    if side == "real":
        return of_discriminator(conditioning, b, heads, heads)
    return of_generator(conditioning, b, heads)


def contrastive(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    return embeddings(Contrastive(temperature=p["temperature"]), b, x)


def data_to_data(p: Mapping[str, Any], b: Batch, x: Inputs) -> Any:
    stabilizer = {"paper": "none", "studiogan": "largest"}[p["variant"]]
    conditioning = DataToData(1.0, p["temperature"], p["m_p"], stabilizer=stabilizer)
    return embeddings(conditioning, b, x)


COMPUTE: Mapping[str, Callable[[Mapping[str, Any], Batch, Inputs], Any]] = {
    "ac_d_real_only": lambda p, b, x: on_real(auxiliary(p), b, x["cls_real"]),
    "ac_d_real_and_fake": paper_classifier,
    "ac_g": lambda p, b, x: on_fake(auxiliary(p), b, x["cls_fake"]),
    "ac_d_hinge_masked": lambda p, b, x: on_real(auxiliary(p, objective="hinge"), b, x["cls_real"]),
    "ac_g_hinge_masked": lambda p, b, x: on_fake(auxiliary(p, objective="hinge"), b, x["cls_fake"]),
    "ac_d_hinge_unmasked": lambda p, b, x: class_losses.class_hinge_of_all(x["cls_real"], labels_of(b, REAL)),
    "ac_g_hinge_unmasked": lambda p, b, x: class_losses.class_margin_of_all(x["cls_fake"], labels_of(b, FAKE)),
    "tac_d": lambda p, b, x: of_discriminator(twin(p), b, {CLASS_LOGITS: x["cls_real"]}, {TWIN_LOGITS: x["mi_fake"]}),
    "tac_g": lambda p, b, x: of_generator(twin(p), b, {CLASS_LOGITS: x["cls_fake"], TWIN_LOGITS: x["mi_fake"]}),
    "adc_d": lambda p, b, x: of_discriminator(
        adversarial(p), b, {CLASS_LOGITS: x["cls2k_real"]}, {CLASS_LOGITS: x["cls2k_fake"]}
    ),
    "adc_g": lambda p, b, x: on_fake(adversarial(p), b, x["cls2k_fake"]),
    "amgan_d": lambda p, b, x: p["weight"] * (am_gan(b, x["mh_real"], REAL) + am_gan(b, x["mh_fake"], None)),
    "amgan_g": lambda p, b, x: p["weight"] * am_gan(b, x["mh_fake"], FAKE),
    "mh_d": lambda p, b, x: of_discriminator(
        MultiHinge(), b, {CLASS_SCORES: x["mh_real"]}, {CLASS_SCORES: x["mh_fake"]}
    ),
    "mh_g": hinge_scores,
    "mh_g_complement": lambda p, b, x: complement_hinge(x["mh_fake"]),
    "mh_weston_watkins_d_real": lambda p, b, x: weston_watkins(x["mh_real"], labels_of(b, REAL)),
    "mh_feature_matching_g": matching,
    "md_d": of_label,
    "md_g": of_label,
    "2c_real": contrastive,
    "2c_fake": contrastive,
    "d2dce_real": data_to_data,
    "d2dce_fake": data_to_data,
}


def title(case: Mapping[str, Any]) -> str:
    return "-".join([case["name"], case["batch"], *(f"{key}={value}" for key, value in case["params"].items())])


def inputs_of(case: Mapping[str, Any]) -> dict[str, Any]:
    batch = LOSSES["batches"][case["batch"]]
    return {name: floats(batch[name])[: len(slopes)] for name, slopes in case["grads"].items()}


@pytest.mark.parametrize("case", LOSSES["cases"], ids=title)
def test_a_loss_has_the_published_value_and_gradients(case: Mapping[str, Any]) -> None:
    batch, compute = LOSSES["batches"][case["batch"]], COMPUTE[case["name"]]
    check(lambda **x: compute(case["params"], batch, x), inputs_of(case), case["value"], case["grads"])


OF_EACH = {case["name"]: case for case in reversed(LOSSES["cases"])}
"""A case of each loss."""


@tf.function(jit_compile=True, autograph=False)
def compute_each(given: Any) -> Any:
    """The value of each loss, compiled once for all inputs."""
    return {
        name: COMPUTE[name](case["params"], LOSSES["batches"][case["batch"]], given[name])
        for name, case in OF_EACH.items()
    }


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-5), ("float16", 1e-2), ("bfloat16", 5e-2)], ids=lambda value: str(value)
)
def test_losses_of_rounded_heads_compiled_by_xla_are_near_the_published_ones(precision: str, tolerance: float) -> None:
    """A case of each loss, computed in float32 as in training; the tolerance is relative, or absolute below 1."""
    inputs = {name: inputs_of(case) for name, case in OF_EACH.items()}
    rounded = tf.nest.map_structure(lambda one: tf.cast(tf.cast(one, precision), tf.float32), inputs)
    for name, found in compute_each(rounded).items():
        expected = OF_EACH[name]["value"]
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)


EXTREMES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ac_large_logits": ("ac_d_real_only", {}),
    "mh_large_logits": ("mh_g", {"mh_lambda": 1.0}),
    "md_large_logits": ("md_d", {"adv_loss": "vanilla"}),
    "2c_one_zero_row": ("2c_real", {"temperature": 1.0}),
    "d2dce_studiogan_one_zero_row": ("d2dce_real", {"temperature": 0.5, "m_p": 0.98, "variant": "studiogan"}),
    "2c_tiny_embeddings": ("2c_real", {"temperature": 1.0}),
}


@pytest.mark.parametrize("case", LOSSES["extremes"], ids=lambda case: case["name"])
def test_extreme_inputs_have_the_published_value_and_finite_gradients(case: Mapping[str, Any]) -> None:
    batch, (name, parameters) = LOSSES["batches"][case["batch"]], EXTREMES[case["name"]]
    inputs = {key: floats(case[key]) for key in case if key in ("cls_real", "mh_fake", "md_real", "md_fake")}
    if not inputs:
        embedded = np.array(batch["embed_real"]) * case.get("scale", 1.0)
        if "zero_row" in case:
            embedded[case["zero_row"]] = 0.0
        inputs = {"embed_real": floats(embedded), "proxy_table": floats(batch["proxy_table"])}
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        value = COMPUTE[name](parameters, batch, inputs)
    np.testing.assert_allclose(value, case["value"], **VALUES)
    slopes = {name: tf.convert_to_tensor(slope) for name, slope in tape.gradient(value, inputs).items()}
    assert all(np.isfinite(one).all() for one in slopes.values())
    for key, expected in case.get("grads", {}).items():
        np.testing.assert_allclose(slopes[key], np.array(expected), **GRADIENTS)


def infogan(case: Mapping[str, Any], x: Inputs) -> Any:
    given, p = case["inputs"], case["params"]
    codes = np.array(given["codes"])
    match case["name"]:
        case "infogan_discrete":
            loss = categorical_loss(x["logits"], tf.constant(codes, tf.int32), p["dim"])
            return p["infoGAN_loss_discrete_lambda"] * loss
        case "infogan_continuous":
            loss = gaussian_loss(floats(codes), x["mu"], x["raw"], STUDIOGAN_EPSILON)
            return p["infoGAN_loss_conti_lambda"] * loss
        case "infogan_continuous_exact_mean":
            return gaussian_loss(floats(codes), x["mu"], x["raw"]) / codes.shape[1]
    return unit_gaussian_loss(floats(codes), x["mu"])


@pytest.mark.parametrize("case", LOSSES["infogan"], ids=lambda case: case["name"])
def test_the_terms_of_infogan_have_the_published_value_and_gradients(case: Mapping[str, Any]) -> None:
    inputs = {name: floats(case["inputs"][name]) for name in case["grads"]}
    check(lambda **x: infogan(case, x), inputs, case["value"], case["grads"])


@pytest.mark.parametrize("name", ["2c_real", "d2dce_real"])
@pytest.mark.parametrize("variant", ["paper", "studiogan"])
def test_a_batch_of_one_example_has_no_contrast(name: str, variant: str) -> None:
    batch = {"labels_real": [1], "labels_fake": [0], "num_classes": 3}
    inputs = {"embed_real": floats([[1.0, 2.0]]), "proxy_table": floats(np.eye(3, 2))}
    value = COMPUTE[name]({"temperature": 0.5, "m_p": 0.98, "variant": variant}, batch, inputs)
    assert abs(float(value)) < 1e-12


def test_a_predicted_variance_stays_finite() -> None:
    codes, mean = tf.zeros([2, 1]), tf.zeros([2, 1])
    for raw in (-1e4, 1e4):
        assert np.isfinite(gaussian_loss(codes, mean, tf.fill([2, 1], raw)))
