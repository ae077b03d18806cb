"""What happens in one piece of C code: looking at other threads."""

import gc
import threading

from pyex.core.one_piece import frame_of, in_one_piece
from tests.core.support import SOON, program


def test_the_frame_of_a_thread_is_the_innermost():
    gate, begun = threading.Event(), threading.Event()

    def wait():
        begun.set()
        gate.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait(SOON)
    frame = frame_of(thread.ident)
    while frame.f_code is not wait.__code__:
        frame = frame.f_back
    gate.set()
    thread.join()


def test_there_is_none_of_a_thread_that_is_not_there():
    assert frame_of(1) is None


def test_collections_are_off_meanwhile_and_as_before_afterwards():
    seen = []
    in_one_piece(seen.append(gc.isenabled()) for _ in [None])
    assert seen == [False]
    assert gc.isenabled()
    gc.disable()
    try:
        in_one_piece([])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_looking_at_threads_while_threads_start_and_garbage_is_collected_stops_nothing():
    """The interpreter's list of threads is locked meanwhile; a collection would let another thread wait for it."""
    done = program("""
        import gc, _thread
        from pyex.core.one_piece import frame_of
        gc.set_threshold(3)
        gc.callbacks.append(lambda *_: [None for _ in range(100)])
        sys.setswitchinterval(1e-5)
        looks = 0
        def look():
            global looks
            while looks < 10_000:
                frame_of(main)
                looks += 1
        main = _thread.get_ident()
        for _ in range(2):
            threading.Thread(target=look).start()
        while looks < 10_000:
            try:
                _thread.start_new_thread(int, ())
            except RuntimeError:
                time.sleep(0.001)
        print("done")
    """)
    assert done.stdout == "done\n", done.stderr
