"""The request: kio's, in a module beside that of its answer."""

from kio.schema.describe_transactions.v0 import request


class DescribeTransactionsRequest(request.DescribeTransactionsRequest):
    """Asks for producers and their transactions, by transactional id."""

    __slots__ = ()
