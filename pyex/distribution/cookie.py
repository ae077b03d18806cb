"""The cookie: the secret that the nodes of a mesh share."""

from __future__ import annotations

import logging
import os
import secrets
import stat
from pathlib import Path

from pyex.core.errors import CookieError

log = logging.getLogger("pyex.node")

#: Shorter ones can be guessed from a handshake that was listened to.
SHORTEST = 20


def cookie_path() -> Path:
    """The file that holds the cookie of this user."""
    import platformdirs

    return Path(platformdirs.user_config_dir("pyex")) / "cookie"


def find_cookie(given: str | None = None) -> bytes:
    """The cookie: the one given, or ``PYEX_COOKIE``, or that of the user's file, made on first use.

    Raises ``CookieError`` (a ``PermissionError``) for an empty one and for a file that others can read.
    """
    cookie = given if given is not None else os.environ.get("PYEX_COOKIE")
    if cookie is None:
        cookie = _from_file(cookie_path())
    if not cookie:
        raise CookieError("the cookie is empty. Give a long secret one, or none to use that of your cookie file")
    if len(cookie) < SHORTEST:
        log.warning("The cookie has fewer than %d characters: it can be guessed. Use a longer one", SHORTEST)
    return cookie.encode("utf-8", "surrogateescape")


def _from_file(path: Path) -> str:
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written aside and linked into place whole: of several nodes that start at once, one makes the cookie.
    aside = path.with_name(f"cookie.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        pass  # another node was faster: use its cookie
    finally:
        aside.unlink()
    return _read(path)


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        mode = os.fstat(file.fileno()).st_mode
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CookieError(f"the cookie file {path} can be read by others. Close it: chmod 600 {path}")
        cookie = file.read().strip()
    if not cookie:
        raise CookieError(f"the cookie file {path} is empty. Delete it, and a new one is made")
    return cookie
