"""The interactive shell: a prompt on one thread, an evaluator on the main thread, one ordered output.

It uses what ``pyex`` exports, like any program, and nothing behind that.
"""
