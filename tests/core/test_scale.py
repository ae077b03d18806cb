"""Great numbers at once, and the end of a program that has them."""

import os

from tests.core.support import program

#: Processes in the ring; PYEX_SCALE=100000 takes some 10 seconds.
NUMBER = int(os.environ.get("PYEX_SCALE", "20000"))


def test_a_great_ring():
    """A token goes round; and the program ends in order while all of them wait."""
    done = program(
        f"""
        NUMBER = {NUMBER}

        def pass_on(following):
            while True:
                send(following, receive())

        def main():
            following = self()
            for _ in range(NUMBER):
                following = spawn(pass_on, following)
            for turn in range(3):
                send(following, turn)
                assert receive(timeout=30) == turn
            return len(Process.list())

        print(pyex.run(main) > NUMBER)
    """,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)
