"""The runtime: processes, signals, mailboxes and the schedulers that run them.

Nothing here knows about OTP behaviours, nodes or the shell; remote processes exist for it only behind
the small interface of :mod:`pyex.core.carrier`.
"""
