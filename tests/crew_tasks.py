"""What workers do in tests of worker processes: they import it, so it stands in a module of its own."""

import os
import time
import warnings


def double(number: int) -> int:
    """Twice the number, or no answer: 13 ends the process, 14 hangs, 15 prints."""
    if number == 13:
        os._exit(3)
    if number == 14:
        time.sleep(600)
    if number == 15:
        print("a secret")
        warnings.warn("a secret", stacklevel=1)
        os.write(2, b"a secret")
    return 2 * number


def process_id(_: int) -> int:
    """Number of the process that does it."""
    time.sleep(0.2)
    return os.getpid()
