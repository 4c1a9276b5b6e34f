"""Inquiries of a cluster within a budget: it does not answer, or we took no more time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from contract.clusters_file import ClusterProperties
from controlplane.probes.describe import UnreachableError
from controlplane.probes.failing import OutOfTimeError
from upstream.access import access_to
from upstream.inquiry import Inquiry, InquiryError, inquiry

BUDGET_S: Final = 10.0


@asynccontextmanager
async def asking(
    cluster: ClusterProperties, undone: str, budget_s: float = BUDGET_S
) -> AsyncIterator[Inquiry]:
    """Connect to a cluster's brokers, to ask them within the budget.

    Args:
        cluster: the one to ask.
        undone: what it did not do if the time is over, as `did not tell its producers`.
        budget_s: seconds, for everything that is asked.

    Raises:
        UnreachableError: it does not answer.
        OutOfTimeError: the budget ran out.
    """
    try:
        async with asyncio.timeout(budget_s), inquiry(access_to(cluster)) as asked:
            yield asked
    except InquiryError as error:
        raise UnreachableError(str(error)) from error
    except TimeoutError as error:
        raise OutOfTimeError(
            f"cluster {cluster.name} {undone} within our budget of {budget_s:g} s"
        ) from error
