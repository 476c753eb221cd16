"""Becomes a PostgreSQL program: gives up root, ties its life to its parent's, then execs.

`pat_platform.postgres` runs it as a script: `python -I -S postgres_launch.py RUN_AS PARENT_PID COMMAND…`,
so it may use the standard library only. It is a program of its own, and not a function between fork and
exec, because Python code there is unsafe once threads run.
"""

import ctypes
import os
import pwd
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def enter_namespace() -> None:
    """Move into a new user namespace, where root looks like an ordinary user; raise OSError where refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def become_nobody() -> None:
    """Become the user `nobody` for good; raise OSError or KeyError where that is impossible."""
    account = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def die_with(parent: int) -> None:
    """Have Linux send SIGINT, PostgreSQL's fast shutdown, when the thread that started this process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that wanted PostgreSQL is gone")


def main(run_as: str, parent: str, *command: str) -> None:
    """Run the command as `self`, in a user `namespace` or as `nobody`; without one, only try."""
    os.umask(0o077)
    if run_as == "namespace":
        enter_namespace()
    elif run_as == "nobody":
        become_nobody()
    # After the change of user: Linux forgets the wish when credentials change.
    die_with(int(parent))
    if command:
        os.execv(command[0], command)  # noqa: S606  # the supervisor's own command; no shell reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
