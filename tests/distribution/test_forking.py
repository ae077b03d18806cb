"""A node that forks: the child is no node, and leaves the connections to its parent. (Rule 15.)"""

import sys

import pytest

from tests.core.test_forking import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def test_15_the_child_leaves_the_connections_to_its_parent(nodes):
    (other,) = nodes("other")
    assert run(f"""
import stat
Node.start("forker")
Node.connect({other.name!r})
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
def child():
    print(Node.self(), Node.list())
    print(sum(is_socket(number) for number in range(200)))
fork(child)
print(Node.ping({other.name!r}), Node.list() == [{other.name!r}])
""") == ["nonode@nohost", "[]", "0", "True", "True"]
