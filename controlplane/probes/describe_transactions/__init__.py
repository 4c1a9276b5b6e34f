"""DescribeTransactions as kio has it, with one difference: the start of a transaction is a number.

Kafka gives -1 for a producer that has not begun one, and kio refuses to read that as a time.
"""
