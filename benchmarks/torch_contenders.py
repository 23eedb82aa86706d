"""PyTorch's side of training_speed.py: the step of its DCGAN example, of a small MLP in the same manner, and of R3GAN.

https://github.com/pytorch/examples/blob/main/dcgan/main.py for 32x32: one convolution less at either end of the 64x64
networks, all else as there: real and generated batches apart, D updated first, then G through the updated D, the losses
read at each step. Like there, the gradient of G's loss reaches D's weights too, and is thrown away.

The networks of `model=convnet` are trained with relativistic pairs, R1 and R2 (brownvc/R3GAN), in one pass of D for the
real and the generated half of a batch each.

Run by training_speed.py with the interpreter that has PyTorch: `python torch_contenders.py NAME`.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import torch
from interleaved_timing import Line
from torch import nn

BATCH, WIDTH, LATENTS = 64, 64, 100
POINTS_BATCH, POINTS_WIDTH, POINTS_LATENTS = 256, 256, 64
PAIR_WIDTH, PAIR_HIDDEN, PAIR_LATENTS, PENALTY = 32, 512, 16, 0.5


def convolution_pair() -> tuple[nn.Module, nn.Module]:
    """Latents `[batch, 100, 1, 1]` to images `[batch, 3, 32, 32]`, and those to probabilities."""
    w = WIDTH
    generator = nn.Sequential(
        nn.ConvTranspose2d(LATENTS, 4 * w, 4, 1, 0, bias=False), nn.BatchNorm2d(4 * w), nn.ReLU(True),
        nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.ReLU(True),
        nn.ConvTranspose2d(2 * w, w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU(True),
        nn.ConvTranspose2d(w, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(3, w, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(4 * w, 1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0),
    )  # fmt: skip
    return generator, discriminator


def perceptron_pair() -> tuple[nn.Module, nn.Module]:
    """Latents `[batch, 64]` to points `[batch, 2]`, and those to probabilities; three hidden layers of 256."""

    def hidden(inputs: int, activation: nn.Module) -> list[nn.Module]:
        sizes = [inputs, *[POINTS_WIDTH] * 3]
        return [layer for size, units in pairwise(sizes) for layer in (nn.Linear(size, units), activation)]

    generator = nn.Sequential(*hidden(POINTS_LATENTS, nn.ReLU(True)), nn.Linear(POINTS_WIDTH, 2))
    discriminator = nn.Sequential(
        *hidden(2, nn.LeakyReLU(0.2, inplace=True)), nn.Linear(POINTS_WIDTH, 1), nn.Sigmoid(), nn.Flatten(0)
    )  # fmt: skip
    return generator, discriminator


class ExampleStep:
    """The example's training step on a fixed real batch."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, real: torch.Tensor, latents: list[int]) -> None:
        self.generator, self.discriminator, self.real, self.latents = generator, discriminator, real, latents
        self.criterion = nn.BCELoss()
        self.of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def __call__(self) -> int:
        count = len(self.real)
        self.discriminator.zero_grad()
        labels = torch.full((count,), 1.0)
        of_real = self.discriminator(self.real)
        loss_of_real = self.criterion(of_real, labels)
        loss_of_real.backward()
        fake = self.generator(torch.randn(count, *self.latents))
        labels.fill_(0.0)
        of_fake = self.discriminator(fake.detach())
        loss_of_fake = self.criterion(of_fake, labels)
        loss_of_fake.backward()
        (loss_of_real + loss_of_fake).item()
        self.of_discriminator.step()

        self.generator.zero_grad()
        labels.fill_(1.0)
        loss = self.criterion(self.discriminator(fake), labels)
        loss.backward()
        loss.item()
        self.of_generator.step()
        return count


def plain_pair() -> tuple[nn.Module, nn.Module]:
    """Latents `[batch, 16]` to images `[batch, 3, 32, 32]`, and those to logits, as `model=convnet` builds them."""
    w, hidden = PAIR_WIDTH, PAIR_HIDDEN
    generator = nn.Sequential(
        nn.Linear(PAIR_LATENTS, hidden), nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(hidden, 2 * w * 16), nn.LeakyReLU(0.2, inplace=True), nn.Unflatten(1, (2 * w, 4, 4)),
        nn.ConvTranspose2d(2 * w, 2 * w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(2 * w, w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
        nn.ConvTranspose2d(w, 3, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(3, w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(w, 2 * w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * w, 2 * w, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Flatten(),
        nn.Linear(2 * w * 16, hidden), nn.LeakyReLU(0.2, inplace=True), nn.Linear(hidden, 1), nn.Flatten(0),
    )  # fmt: skip
    return generator, discriminator


class PairStep:
    """A step with relativistic pairs, R1 and R2 on a fixed real batch."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, real: torch.Tensor) -> None:
        self.generator, self.discriminator, self.real = generator, discriminator, real
        self.of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.99))
        self.of_discriminator = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.0, 0.99))

    def __call__(self) -> int:
        count = len(self.real)
        self.of_discriminator.zero_grad()
        fake = self.generator(torch.randn(count, PAIR_LATENTS))
        real, constant = self.real.detach().requires_grad_(), fake.detach().requires_grad_()
        of_real, of_fake = self.discriminator(real), self.discriminator(constant)
        total = of_real.sum() + of_fake.sum()
        slopes = torch.autograd.grad(total, (real, constant), create_graph=True)
        penalties = sum(slope.square().sum((1, 2, 3)).mean() for slope in slopes)
        loss = nn.functional.softplus(of_fake - of_real).mean() + PENALTY / 2 * penalties
        loss.backward()
        loss.item()
        self.of_discriminator.step()

        self.of_generator.zero_grad()
        with torch.no_grad():
            of_real = self.discriminator(self.real)
        loss = nn.functional.softplus(of_real - self.discriminator(fake)).mean()
        loss.backward()
        loss.item()
        self.of_generator.step()
        return count


def build(name: str) -> ExampleStep | PairStep:
    torch.manual_seed(0)
    if name == "torch-mlp":
        return ExampleStep(*perceptron_pair(), torch.randn(POINTS_BATCH, 2), [POINTS_LATENTS])
    is_pair = name.startswith("torch-pair")
    generator, discriminator = plain_pair() if is_pair else convolution_pair()
    real = torch.randint(0, 256, (BATCH, 3, 32, 32)).float() / 127.5 - 1.0
    if name.endswith("channels-last"):
        generator, discriminator = (m.to(memory_format=torch.channels_last) for m in (generator, discriminator))
        real = real.to(memory_format=torch.channels_last)
    if is_pair:
        return PairStep(generator, discriminator, real)
    return ExampleStep(generator, discriminator, real, [LATENTS, 1, 1])


if __name__ == "__main__":
    line = Line()
    line.serve(build(sys.argv[1]), versions={"PyTorch": torch.__version__})
