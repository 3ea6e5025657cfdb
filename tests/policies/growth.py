"""How much work something is, whatever else the machine is busy with."""

import time
from collections.abc import Callable


def seconds(act: Callable[[], object]) -> float:
    """The processor's time of this thread."""
    start = time.thread_time()
    act()
    return time.thread_time() - start


def growth(act: Callable[[int], object], small: int, large: int) -> float:
    """How many times as long `act` takes on the large as on the small.

    In proportion it is their ratio; a pattern that goes back and back makes it the ratio's square.
    """
    # What is made once, such as compiled patterns; of another size, because what was searched before is remembered.
    act(small // 2)
    return seconds(lambda: act(large)) / seconds(lambda: act(small))
