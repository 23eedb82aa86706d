"""The range of each number of a loss, penalty or metric: values at its ends are accepted, values beyond are refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gan_cli.errors import ConfigError
from gan_cli.losses.began import BoundaryEquilibriumLoss
from gan_cli.losses.feature_matching import FeatureMatchingLoss
from gan_cli.losses.lsgan import LeastSquaresLoss
from gan_cli.losses.minimax import MinimaxLoss
from gan_cli.losses.mmd import MMDLoss
from gan_cli.losses.mmd_pixels import MMDPixelsLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.metrics.c2st import ClassifierTest
from gan_cli.metrics.diversity import PairSimilarity
from gan_cli.metrics.fid import FrechetDistance
from gan_cli.metrics.inception_score import InceptionScore
from gan_cli.metrics.intra_fid import IntraFrechetDistance
from gan_cli.metrics.kid import KernelDistance
from gan_cli.metrics.memorization import NearestTraining
from gan_cli.metrics.mmd import MaximumMeanDiscrepancy
from gan_cli.metrics.prdc import PrecisionRecall
from gan_cli.metrics.swd import SlicedWasserstein
from gan_cli.penalties.activation import ActivationPenalty
from gan_cli.penalties.consistency import ConsistencyPenalty
from gan_cli.penalties.dragan import Dragan
from gan_cli.penalties.drift import Drift
from gan_cli.penalties.feature_matching import FeatureMatching
from gan_cli.penalties.gradient_penalty import GradientPenalty
from gan_cli.penalties.kernel_diversity import KernelDiversity
from gan_cli.penalties.latent_consistency import LatentConsistency, LatentDiversity
from gan_cli.penalties.lecam import LeCam
from gan_cli.penalties.orthogonal import OrthogonalPenalty
from gan_cli.penalties.r1 import R1
from gan_cli.penalties.r2 import R2
from gan_cli.penalties.soft_margin import SoftMargin
from gan_cli.penalties.weight_clip import WeightClip
from gan_cli.penalties.zero_gp import ZeroCentredGradientPenalty

PENALTIES = (
    ActivationPenalty, ConsistencyPenalty, Dragan, Drift, FeatureMatching, GradientPenalty, KernelDiversity,
    LatentConsistency, LatentDiversity, LeCam, OrthogonalPenalty, R1, R2, SoftMargin, ZeroCentredGradientPenalty,
)  # fmt: skip
SMALL, NAN, INFINITE = 1e-6, float("nan"), float("inf")

Range = tuple[type, str, list[Any], list[Any]]
RANGES: list[Range] = [
    *((penalty, "weight", [0.0, 1e6], [-SMALL, NAN, INFINITE]) for penalty in PENALTIES),
    *((penalty, "every", [1, 2], [0, -1]) for penalty in PENALTIES),
    *((loss, "real_target", [0.5 + SMALL, 1.0], [0.5, 1.0 + SMALL, NAN])
      for loss in (NonSaturatingLoss, MinimaxLoss, FeatureMatchingLoss)),
    *((LeastSquaresLoss, key, [-1e6, 1e6], [NAN, INFINITE])
      for key in ("real_target", "fake_target", "generator_target")),
    (BoundaryEquilibriumLoss, "diversity_ratio", [SMALL, 1.0], [0.0, 1.0 + SMALL]),
    (BoundaryEquilibriumLoss, "balance_rate", [SMALL, 2.0], [0.0, INFINITE]),
    (MMDLoss, "embedding_size", [1], [0]),
    (MMDPixelsLoss, "linear", [0.0, 2.0], [-SMALL]),
    (MMDPixelsLoss, "sigma", ["median", SMALL, 2, [SMALL, 3]], [0.0, [1.0, 0.0], [], "mean", True, [True], NAN]),
    (MMDPixelsLoss, "alphas", [SMALL, [SMALL, 3]], [0.0, [1.0, 0.0], [], "median", True, [1.0, "2"]]),
    (MMDPixelsLoss, "landmarks", [1], [0]),
    *((penalty, key, [SMALL, 1.0], [0.0, NAN]) for penalty in (R1, R2, ZeroCentredGradientPenalty)
      for key in ("step", "share")),
    *((penalty, "share", [0.25], [1.0 + SMALL]) for penalty in (R1, R2, ZeroCentredGradientPenalty)),
    (ConsistencyPenalty, "shift", [0.0, 0.5], [-SMALL, 0.5 + SMALL]),
    (ConsistencyPenalty, "noise", [0.0, 2.0], [-SMALL]),
    (Dragan, "target", [0.0, 2.0], [-SMALL]),
    (Dragan, "perturbation", [SMALL, 2.0], [0.0]),
    (GradientPenalty, "target", [0.0, 2.0], [-SMALL]),
    (KernelDiversity, "sigma", [None, SMALL], [0.0]),
    (LatentConsistency, "perturbation_std", [SMALL], [0.0]),
    (LatentDiversity, "perturbation_std", [SMALL], [0.0]),
    (LeCam, "decay", [0.0, 1.0 - SMALL], [-SMALL, 1.0]),
    (LeCam, "start", [0], [-1]),
    (WeightClip, "limit", [SMALL, 2.0], [0.0]),
    (ClassifierTest, "max_samples", [20], [19]),
    (ClassifierTest, "hidden", [1], [0]),
    (ClassifierTest, "epochs", [1], [0]),
    (PairSimilarity, "pairs", [10], [9]),
    (FrechetDistance, "groups", [0, 2, 20], [-1, 1, 21]),
    (IntraFrechetDistance, "groups", [0, 2, 1000], [-1, 1]),
    (InceptionScore, "splits", [1], [0]),
    (KernelDistance, "subsets", [2], [1]),
    (KernelDistance, "subset_size", [2], [1]),
    (KernelDistance, "max_samples", [4], [3]),
    (NearestTraining, "max_samples", [100], [99]),
    (NearestTraining, "quantile", [SMALL, 1.0 - SMALL], [0.0, 1.0]),
    (NearestTraining, "rows", [1], [0]),
    (MaximumMeanDiscrepancy, "sigma", ["median", SMALL, 2, [SMALL, 3]], [0.0, [1.0, 0.0], [], "mean", True, [True]]),
    (MaximumMeanDiscrepancy, "permutations", [1], [0]),
    (MaximumMeanDiscrepancy, "max_samples", [3], [2]),
    (PrecisionRecall, "neighbours", [1, 9_999], [0, 10_000]),
    (PrecisionRecall, "max_samples", [6], [5, 1]),
    *((SlicedWasserstein, key, [1], [0]) for key in ("images", "patches", "patch_side", "repeats", "directions")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "key", "accepted", "refused"), RANGES, ids=lambda one: getattr(one, "__name__", str(one))
)
def test_a_number_is_accepted_within_its_range_and_refused_beyond(
    part: type, key: str, accepted: list[Any], refused: list[Any]
) -> None:
    for value in accepted:
        assert getattr(part(**{key: value}), key) == value
    for value in refused:
        with pytest.raises(ConfigError) as found:
            part(**{key: value})
        assert found.value.key == key or (part, key) == (PrecisionRecall, "neighbours")


def test_every_number_of_a_loss_penalty_or_metric_has_a_range() -> None:
    named = {(part, key) for part, key, _, _ in RANGES}
    for part in {part for part, _, _, _ in RANGES}:
        for field in dataclasses.fields(part):
            if isinstance(field.default, int | float) and not isinstance(field.default, bool):
                assert (part, field.name) in named or (part, field.name) == (MMDLoss, "linear"), field.name
