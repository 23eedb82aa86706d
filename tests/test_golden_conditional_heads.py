"""Losses of both networks through the heads of a discriminator, against published implementations (heads.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_conditional import GRADIENTS, VALUES, floats, labels_of, linear, load, output

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.adversarial_classifier import AdversarialClassifier, fake_class, real_class
from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS, AuxiliaryClassifier
from gan_cli.conditioning.class_losses import cross_entropy
from gan_cli.conditioning.class_proxies import EMBEDDING, PROXY
from gan_cli.conditioning.contrastive_losses import conditional_contrastive, data_to_data_cross_entropy
from gan_cli.conditioning.heads import pick
from gan_cli.conditioning.multi_hinge import CLASS_SCORES, FEATURES, MultiHinge
from gan_cli.conditioning.mutual_information import STUDIOGAN_EPSILON, gaussian_loss
from gan_cli.conditioning.output_distance import output_distance
from gan_cli.conditioning.projection import inner_product
from gan_cli.conditioning.twin_classifier import TWIN_LOGITS, TwinClassifier
from gan_cli.losses import DiscriminatorOutput, Loss
from gan_cli.losses.hinge import HingeLoss
from gan_cli.losses.lsgan import LeastSquaresLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.models.layers.equalized import EqualizedDense
from gan_cli.models.mapping_network import map_condition
from gan_cli.models.spectral_normalization import SpectralDense

HEADS = load("heads")
Case, Tensors, REAL, FAKE = Mapping[str, Any], Mapping[str, Any], "labels_real", "labels_fake"
LOSSES: Mapping[str, Loss] = {
    "hinge": HingeLoss(),
    "logistic": NonSaturatingLoss(),
    "vanilla": NonSaturatingLoss(),
    "wasserstein": WassersteinLoss(),
    "least_square": LeastSquaresLoss(),
}


class Heads:
    """The heads of a case on features of one side, with the case's weights."""

    def __init__(self, case: Case, weights: Tensors) -> None:
        self.case, self.w = case, weights
        self.batch = HEADS["batches"][case["batch"]]
        self.mechanism, self.auxiliary = case["mechanism"], case.get("aux", "W/O")

    def __call__(self, features: Any, side: str) -> DiscriminatorOutput:
        labels = labels_of(self.batch, side)
        scores = linear(features, self.w, "linear1")
        unit = tf.math.l2_normalize(features, axis=1) if self.case.get("normalize") else features
        match self.mechanism:
            case "MH":
                return output(self.batch, side, None, **{CLASS_SCORES: scores, FEATURES: features})
            case "MD":
                return output(self.batch, side, pick(scores, labels))
            case "PD":
                projected = pick(linear(features, self.w, "embedding"), labels)
                return output(self.batch, side, scores[:, 0] + projected)
            case "AC":
                heads = {CLASS_LOGITS: linear(unit, self.w, "linear2")}
                heads |= {TWIN_LOGITS: linear(unit, self.w, self.twin)} if self.auxiliary == "TAC" else {}
                return output(self.batch, side, scores[:, 0], **heads)
            case "2C" | "D2DCE":
                return output(self.batch, side, scores[:, 0], features=features)
        return output(self.batch, side, scores[:, 0])

    @property
    def twin(self) -> str:
        """The weights of the twin head; at one commit StudioGAN used the main ones."""
        return "linear_mi" if self.case["tac_head"] == "own_head_as_in_paper" else "linear2"

    def contrast(self, of: DiscriminatorOutput, head: str, table: str, kind: Any = None) -> Any:
        """The contrastive loss of one side; `kind` maps labels to rows of the table."""
        labels = of.labels if kind is None else kind(of.labels)
        embeddings = linear(of.heads["features"], self.w, head)
        proxies, p = tf.gather(self.w[f"{table}.weight"], labels), self.case["params"]
        if self.mechanism == "2C":
            return p["cond_lambda"] * conditional_contrastive(embeddings, proxies, labels, p["temperature"])
        loss = data_to_data_cross_entropy(embeddings, proxies, labels, p["temperature"], p["m_p"], scaled=True)
        return p["cond_lambda"] * loss


def conditioning_of(case: Case) -> Conditioning:
    p, auxiliary = case["params"], case["aux"]
    if case["mechanism"] == "MH":
        return MultiHinge(p["mh_lambda"], p["fm_lambda"])
    if case["mechanism"] != "AC":
        return Conditioning()
    if auxiliary == "TAC":
        assert p["tac_gen_lambda"] == p["tac_dis_lambda"]
        return TwinClassifier(p["cond_lambda"], p["tac_dis_lambda"])
    return AdversarialClassifier(p["cond_lambda"]) if auxiliary == "ADC" else AuxiliaryClassifier(p["cond_lambda"])


def discriminator_parts(case: Case, heads: Heads, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> list[Any]:
    conditioning, p = conditioning_of(case), case["params"]
    parts = [*conditioning.discriminator(real, fake).values()]
    if not conditioning.replaces_loss:
        parts.append(LOSSES[case["adv_loss"]].discriminator(real, fake))
    if case["mechanism"] in ("2C", "D2DCE"):
        if case["aux"] == "ADC":
            parts += [heads.contrast(real, "linear2", "embedding", real_class)]
            parts += [heads.contrast(fake, "linear2", "embedding", fake_class)]
        else:
            parts.append(heads.contrast(real, "linear2", "embedding"))
        if case["aux"] == "TAC":
            table = "embedding_mi" if heads.twin == "linear_mi" else "embedding"
            parts.append(p["tac_dis_lambda"] / p["cond_lambda"] * heads.contrast(fake, heads.twin, table))
    return parts


def generator_parts(case: Case, heads: Heads, fake: DiscriminatorOutput, real: DiscriminatorOutput) -> list[Any]:
    conditioning, p = conditioning_of(case), case["params"]
    parts = [*conditioning.generator(fake, real).values()]
    if not conditioning.replaces_loss:
        parts.append(LOSSES[case["adv_loss"]].generator(fake, real))
    if case["mechanism"] in ("2C", "D2DCE"):
        if case["aux"] == "ADC":
            parts += [heads.contrast(fake, "linear2", "embedding", real_class)]
            parts += [-heads.contrast(fake, "linear2", "embedding", fake_class)]
        else:
            parts.append(heads.contrast(fake, "linear2", "embedding"))
        if case["aux"] == "TAC":
            table = "embedding_mi" if heads.twin == "linear_mi" else "embedding"
            parts.append(-p["tac_gen_lambda"] / p["cond_lambda"] * heads.contrast(fake, heads.twin, table))
    return parts


def inputs_of(case: Case) -> dict[str, Any]:
    batch = HEADS["batches"][case["batch"]]
    weights = {name: floats(values) for name, values in case["weights"].items()}
    return {"h_real": floats(batch["h_real"]), "h_fake": floats(batch["h_fake"]), **weights}


def squared_gradient(case: Case, heads: Heads, features: Any, side: str) -> Any:
    """R1 of the output that counts."""
    with tf.GradientTape() as tape:
        tape.watch(features)
        logits = heads(features, side).logits
    (slope,) = (tape.gradient(logits, features),)
    return 0.5 * case["params"]["r1_lambda"] * tf.reduce_mean(tf.reduce_sum(tf.square(slope), axis=1))


def compare(value: Any, slopes: Tensors, expected: Mapping[str, Any]) -> None:
    np.testing.assert_allclose(value, expected["total"], **VALUES)
    for name, gradient in expected["grads"].items():
        found = tf.convert_to_tensor(slopes[name])
        np.testing.assert_allclose(found, np.array(gradient), **GRADIENTS, err_msg=name)


def title(case: Case) -> str:
    named = (
        case["mechanism"],
        case["aux"],
        case.get("normalize"),
        case["adv_loss"],
        case.get("tac_head"),
        case["batch"],
    )
    return "-".join(str(one) for one in named if one is not None).replace("/", "")


WHOLE = [case for case in HEADS["cases"] if "g" in case]


@pytest.mark.parametrize("case", WHOLE, ids=title)
def test_the_discriminators_loss_through_its_heads_is_the_published_one(case: Case) -> None:
    inputs = inputs_of(case)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        heads = Heads(case, inputs)
        real, fake = heads(inputs["h_real"], REAL), heads(inputs["h_fake"], FAKE)
        parts = discriminator_parts(case, heads, real, fake)
        if "r1" in case["d"]["parts"]:
            parts.append(squared_gradient(case, heads, inputs["h_real"], REAL))
        value = tf.add_n(parts)
    compare(value, tape.gradient(value, inputs, unconnected_gradients="zero"), case["d"])
    if real.logits is not None:
        np.testing.assert_allclose(real.logits, np.array(case["adv_output_real"]), rtol=1e-6)


@pytest.mark.parametrize("case", WHOLE, ids=title)
def test_the_generators_loss_through_the_heads_is_the_published_one(case: Case) -> None:
    inputs = inputs_of(case)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        heads = Heads(case, inputs)
        fake, real = heads(inputs["h_fake"], FAKE), heads(inputs["h_real"], REAL)
        value = tf.add_n(generator_parts(case, heads, fake, real))
    compare(value, tape.gradient(value, inputs, unconnected_gradients="zero"), case["g"])


@pytest.mark.parametrize("case", [one for one in HEADS["cases"] if "g" not in one], ids=title)
def test_a_classifier_of_unit_features_and_weights_is_the_published_one(case: Case) -> None:
    batch, weights = HEADS["batches"][case["batch"]], floats(case["weights"]["linear2.weight"])
    inputs = {"h_real": floats(batch["h_real"]), "linear2.weight": weights}
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        units = [tf.math.l2_normalize(one, axis=1) for one in inputs.values()]
        value = cross_entropy(tf.matmul(*units, transpose_b=True), labels_of(batch, REAL))
    compare(value, tape.gradient(value, inputs), case["d"])


@pytest.mark.parametrize("case", HEADS["consistency"], ids=lambda case: case["mechanism"])
def test_the_consistency_of_heads_is_the_published_one(case: Case) -> None:
    batch = HEADS["batches"][case["batch"]]
    weights = {name: floats(values) for name, values in case["weights"].items()}
    inputs = {"h_real": floats(batch["h_real"]), "h_aug": floats(case["h_aug"])}
    heads = Heads({**case, "aux": "W/O", "params": {}}, weights)

    def with_embedding(features: Any) -> DiscriminatorOutput:
        found = heads(features, REAL)
        if case["mechanism"] not in ("2C", "D2DCE"):
            return found
        return found._replace(heads={EMBEDDING: linear(features, weights, "linear2"), PROXY: features})

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        first, second = (with_embedding(features) for features in inputs.values())
        value = output_distance(first, second)
    np.testing.assert_allclose(value, case["consistency"], **VALUES)
    for name, slope in tape.gradient(value, inputs).items():
        np.testing.assert_allclose(slope, np.array(case["grads"][name]), **GRADIENTS)


@pytest.mark.parametrize("case", HEADS["infogan_heads"])
def test_the_heads_of_infogan_have_the_published_values_and_gradient(case: Case) -> None:
    batch, x = HEADS["batches"]["mixed"], floats(case["x"])
    w = {name: floats(values) for name, values in case["weights"].items()}
    codes = 0.25 * floats(batch["h_fake"])[:, : len(case["mu"][0])]
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean = tf.reduce_mean(x, axis=(2, 3))
        logits = linear(mean, w, "info_discrete_linear")
        mu, raw = linear(mean, w, "info_conti_mu_linear"), linear(mean, w, "info_conti_var_linear")
        value = cross_entropy(logits, labels_of(batch, FAKE)) + gaussian_loss(codes, mu, raw, STUDIOGAN_EPSILON)
    np.testing.assert_allclose(linear(tf.reduce_sum(x, (2, 3)), w, "linear1")[:, 0], case["adv_output"], rtol=1e-6)
    for found, name in ((logits, "discrete_logits"), (mu, "mu"), (tf.exp(raw), "var")):
        np.testing.assert_allclose(found, np.array(case[name]), rtol=1e-6)
    np.testing.assert_allclose(value, case["q_loss"], **VALUES)
    np.testing.assert_allclose(tape.gradient(value, x), np.array(case["grads"]["x"]), **GRADIENTS)


@pytest.mark.parametrize("case", HEADS["spectral_norm"], ids=lambda case: case["mechanism"])
def test_the_table_of_all_classes_has_one_largest_singular_value(case: Case) -> None:
    batch, weight = HEADS["batches"][case["batch"]], np.array(case["weight"], np.float32)
    layer = SpectralDense(len(weight), use_bias=False)
    features = tf.constant(np.array(batch["h_real"], np.float32))
    layer.build(features.shape)
    layer.kernel.assign(weight.T)
    layer.u.assign(np.array(case["u_before"], np.float32))

    assert largest_singular_value(layer, weight) == pytest.approx(case["sigma_after_one_step"], rel=1e-6)
    for _ in range(200):
        layer(features, training=True)
    assert largest_singular_value(layer, weight) == pytest.approx(case["sigma_converged"], rel=1e-6)
    if case["mechanism"] == "AC":
        found = layer(features).numpy()
    else:  # the rows of the table that belong to the labels
        found = layer(tf.eye(weight.shape[1])).numpy().T[np.array(batch["labels_real"])]
    np.testing.assert_allclose(found, np.array(case["output_converged"]), rtol=2e-6, atol=2e-6)


def largest_singular_value(layer: SpectralDense, weight: np.ndarray) -> float:
    """By which a call divides the weights."""
    rows = layer(tf.eye(weight.shape[1])).numpy().T
    return float(np.linalg.norm(weight) / np.linalg.norm(rows))


@pytest.mark.parametrize("case", HEADS["spd"])
def test_the_mapped_projection_is_the_published_one(case: Case) -> None:
    batch, weights, size = HEADS["batches"][case["batch"]], case["weights"], case["cmap_dim"]
    labels = np.array(batch[case["labels"]])
    one_hot = keras.Input((batch["num_classes"],))
    layers = sum(name.startswith("fc") and name.endswith("weight") for name in weights["mapping"])
    model = keras.Model(one_hot, map_condition(None, one_hot, size, layers, name="mapping"))
    for layer, name in [("embedding", "embed"), *((str(number), f"fc{number}") for number in range(layers))]:
        kernel, bias = (np.array(weights["mapping"][f"{name}.{part}"]) for part in ("weight", "bias"))
        model.get_layer(f"mapping_{layer}").set_weights([kernel.T, bias])
    vectors = model(np.eye(batch["num_classes"], dtype=np.float32)[labels])
    np.testing.assert_allclose(vectors, np.array(case["cmap"]), rtol=1e-4, atol=1e-6)
    h = tf.constant(batch[case["input"]], tf.float32)
    linear1 = EqualizedDense(size)  # StyleGAN2's own output layer
    linear1.build(h.shape)
    linear1.set_weights([np.array(weights["linear1"]["weight"]).T, np.array(weights["linear1"]["bias"])])
    with tf.GradientTape() as tape:
        tape.watch(h)
        logits = inner_product(linear1(h), vectors)
        value = tf.reduce_mean(tf.nn.softplus(-logits))
    np.testing.assert_allclose(logits, np.array(case["adv_output"])[:, 0], rtol=1e-4, atol=1e-5)
    assert float(value) == pytest.approx(case["softplus_of_minus_mean"], rel=1e-4)
    np.testing.assert_allclose(tape.gradient(value, h), np.array(case["grads"]["h_real"]), rtol=1e-4, atol=1e-5)
