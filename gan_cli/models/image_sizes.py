"""Which image sizes a network can build that doubles a small base a few times."""

from __future__ import annotations

SMALLEST_SIDE, LARGEST_SIDE = 8, 256
SMALLEST_BASE, LARGEST_BASE = 4, 15


def rule(largest: int = LARGEST_SIDE) -> str:
    """The sizes that can be built, in words."""
    return (
        f"each side {SMALLEST_SIDE} to {largest} pixels, and both sides divisible by 2 until the shorter one is "
        f"{SMALLEST_BASE} to {LARGEST_BASE}"
    )


RULE = rule()


def halvings(height: int, width: int, largest: int = LARGEST_SIDE) -> int | None:
    """How often both sides can be halved until the shorter is as small as it may be, None where that can't be built.

    >>> halvings(32, 32), halvings(28, 28), halvings(32, 48), halvings(30, 30), halvings(50, 50)
    (3, 2, 3, 1, None)
    """
    if min(height, width) < SMALLEST_SIDE or max(height, width) > largest:
        return None
    times = 0
    while height % 2 == 0 and width % 2 == 0 and min(height, width) // 2 >= SMALLEST_BASE:
        height, width, times = height // 2, width // 2, times + 1
    return times if times and min(height, width) <= LARGEST_BASE else None


def square_sizes(largest: int = LARGEST_SIDE) -> list[int]:
    """Every side of a square image that can be built, ascending."""
    return [side for side in range(SMALLEST_SIDE, largest + 1) if halvings(side, side, largest)]


def nearest_sizes(height: int, width: int, largest: int = LARGEST_SIDE) -> list[str]:
    """The sizes nearest to one that can't be built, as `HxW`: the next smaller one, then the next larger one.

    Squares for a square. One of the two is missing where no size is as small or as large; where both are, the nearest
    of all stands alone.
    """
    if height == width:
        sizes = [(side, side) for side in square_sizes(largest)]
    else:
        sides = range(SMALLEST_SIDE, largest + 1, 2)  # odd sides can't be halved
        sizes = [(tall, wide) for tall in sides for wide in sides if halvings(tall, wide, largest)]

    def distance(size: tuple[int, int]) -> int:
        return abs(size[0] - height) + abs(size[1] - width)

    smaller = [size for size in sizes if size[0] <= height and size[1] <= width]
    larger = [size for size in sizes if size[0] >= height and size[1] >= width]
    nearest = [min(group, key=distance) for group in (smaller, larger) if group] or [min(sizes, key=distance)]
    return [f"{tall}x{wide}" for tall, wide in nearest]
