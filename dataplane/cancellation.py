"""Cancellation that a library has swallowed."""

import asyncio


def heed_cancellation() -> None:
    """Raise the cancellation of the current task that a library kept to itself.

    aiokafka awaits its own cancelled tasks when it closes, and takes a cancellation of the caller
    that comes meanwhile for theirs. A loop that goes on after that would never end.

    Raises:
        CancelledError: the task was told to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
