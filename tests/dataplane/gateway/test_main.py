"""What a node does before its work."""

import resource

from dataplane.gateway.main import allow_connections


def test_a_node_may_open_as_many_files_as_the_host_allows() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), most))
    allow_connections()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
