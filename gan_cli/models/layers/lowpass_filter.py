"""Low-pass filters of StyleGAN3: windowed sinc and, for rotation, its radially symmetric counterpart.

Karras et al. 2021, "Alias-Free Generative Adversarial Networks", arXiv:2106.12423, appendices B.1 and C.1. The window
is Kaiser's; its attenuation follows from the number of taps and the width of the transition band.
"""

from __future__ import annotations

import numpy as np


def design_lowpass_filter(taps: int, cutoff: float, width: float, rate: float, radial: bool = False) -> np.ndarray:
    """Returns a filter with unit gain at frequency 0.

    Args:
        taps: length of the filter along an axis; 1 is no filter.
        cutoff: frequency of half the gain, in the unit of `rate`.
        width: of the band between passing and stopping, centred at the cutoff, in the same unit.
        rate: samples a unit of length.
        radial: whether the filter is the same in all directions of the plane, and so is not separable.

    Returns:
        float64 `[taps]`, a filter of one axis, or with `radial` `[taps, taps]`, one of the plane.

    >>> design_lowpass_filter(1, 4.0, 4.0, 32.0)
    array([1.])
    """
    from scipy import signal, special  # here, since they take long to import

    if taps == 1:
        return np.ones((1, 1) if radial else 1)
    if not radial:
        return np.asarray(signal.firwin(taps, cutoff, width=width, fs=rate))
    positions = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.hypot(*np.meshgrid(positions, positions))
    with np.errstate(invalid="ignore"):
        jinc = special.j1(2 * np.pi * cutoff * radius) / (np.pi * radius)
    jinc[radius == 0] = cutoff  # its limit, for an odd number of taps
    window = np.kaiser(taps, signal.kaiser_beta(signal.kaiser_atten(taps, width / (rate / 2))))
    kernel = jinc * np.outer(window, window)
    return np.asarray(kernel / kernel.sum())
