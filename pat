#!/usr/bin/env python3
"""Partners for Anti-Trafficking: the network's API.

    python3 pat demo              start the demo network on http://127.0.0.1:8000
    python3 pat test [ARGS]       run the tests (ARGS go to pytest)
    python3 pat prove walls       take the wall apart, piece by piece, and see that a test notices each
    python3 pat bench             measure it against the fastest that PostgreSQL allows
    python3 pat COMMAND [ARGS]    any other command; python3 pat --help lists them

It needs Python 3.11 or newer and pip (or uv). The first run installs the locked packages into .venv/,
beside this file; later runs need no network. To start anew, remove .venv/ and .tools/.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (an older Python may well be the one that runs this)
    sys.exit("pat: Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".")

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
STAMP = VENV / "pat-stamp"
# Each level holds the packages of the levels before it.
LEVELS = ("run", "demo", "dev")
LEVEL_OF = {"serve": "run", "migrate": "run", "test": "dev", "prove": "dev", "bench": "dev"}
# What only a checkout can do, beside what the program in it can.
TOOLS_OF_CHECKOUT = {
    "test": ("pytest", "-n", "auto"),
    "prove": ("python", "-m", "tests.prove"),
    "bench": ("python", "-m", "tests.bench"),
}
OLDEST_UV = (0, 8)
# They would make another Python, or another set of modules, out of the one that is locked.
UNWANTED = frozenset(
    {
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "PYTHONEXECUTABLE",
        "PYTHONPLATLIBDIR",
        "PYTHONINSPECT",
        "PYTHONOPTIMIZE",
        "PYTHONWARNINGS",
        "PYTHONSAFEPATH",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    }
)


def say(text: str) -> None:
    """Tell the person at the terminal what is going on."""
    print(f"pat: {text}", file=sys.stderr, flush=True)


def run(command: list[str], environment: dict[str, str], failure: str) -> None:
    """Run a program; end with a plain sentence if it fails, after what it said itself."""
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout.rstrip()}\npat: {failure}")


# The stamp: what the environment holds, so that a second run has nothing to do.


def base() -> str:
    """What the environment as a whole depends on: the Python and the place."""
    return f"{sys.version} {python()} {ROOT}"


def python() -> str:
    """The interpreter that the environment is built on, also when this one runs inside it."""
    return str(getattr(sys, "_base_executable", sys.executable))


def content(level: str) -> str:
    """A stamp's second line: the level, and a digest of all that decides what it holds."""
    digest = hashlib.sha256()
    for file in (LOCKS / f"{level}.txt", ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return f"{level} {digest.hexdigest()}"


def stamp() -> list[str]:
    """The two lines of the environment's stamp; none if it was never finished."""
    with contextlib.suppress(OSError):
        return STAMP.read_text().splitlines()
    return []


def is_current(level: str) -> bool:
    """Whether the environment holds this level, or a higher one, as it is locked now."""
    higher = LEVELS[LEVELS.index(level) :]
    return any(stamp() == [base(), content(one)] for one in higher)


# The tools: uv, from the PATH or fetched with pip.


def suits(uv: Path | str) -> bool:
    """Whether this uv runs and is new enough."""
    with contextlib.suppress(OSError):
        said = subprocess.run([str(uv), "--version"], capture_output=True, text=True).stdout
        found = re.match(r"uv (\d+)\.(\d+)", said)
        return found is not None and (int(found[1]), int(found[2])) >= OLDEST_UV
    return False


def find_uv() -> str:
    """The path of a uv that suits; fetched into .tools/ if the machine has none."""
    on_path = shutil.which("uv")
    if on_path and suits(on_path):
        return on_path
    own = TOOLS / "uv" / "bin" / "uv"
    if not suits(own):
        fetch_uv()
    return str(own)


def fetch_uv() -> None:
    """Install the locked uv into .tools/uv, with whatever pip there is. Without one, say what to do."""
    pip = next((command for command in pips() if works([*command, "--version"])), None)
    if pip is None:
        sys.exit(
            f"pat: this Python ({sys.executable}) has no pip. Install pip (Debian, Ubuntu: "
            "apt install python3-pip; Fedora: dnf install python3-pip) or uv, and try again."
        )
    say("fetching uv (once) …")
    draft = TOOLS / "uv.new"
    for leftover in (draft, TOOLS / "uv"):
        shutil.rmtree(leftover, ignore_errors=True)
    # A folder of its own is exempt from PEP 668, and needs neither root nor the venv module.
    environment = {
        **os.environ,
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    target = ["--target", str(draft), "--require-hashes", "--requirement", str(LOCKS / "uv.txt")]
    run(
        [*pip, "install", "--quiet", "--no-deps", *target],
        environment,
        "uv could not be fetched (see above).",
    )
    draft.rename(TOOLS / "uv")


def pips() -> Iterator[list[str]]:
    """The ways to call a pip; one of another Python will do, since uv is no Python package at heart."""
    yield [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        found = shutil.which(name)
        if found:
            yield [found]


def works(command: list[str]) -> bool:
    """Whether the command can be run at all."""
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True).returncode == 0
    return False


def uv_environment() -> dict[str, str]:
    """The environment for uv: no foreign interpreter, a cache that can be written, the machine's mirror."""
    environment = clean_environment()
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    if "UV_CACHE_DIR" not in environment and not is_writable(cache_folder()):
        environment["UV_CACHE_DIR"] = str(TOOLS / "cache")
    # Only pip knows of a mirror that was set up for pip.
    settings = pip_settings()
    if not environment.keys() & {"UV_INDEX_URL", "UV_DEFAULT_INDEX"} and "index-url" in settings:
        environment["UV_DEFAULT_INDEX"] = settings["index-url"]
    if "cert" in settings:
        environment.setdefault("SSL_CERT_FILE", settings["cert"])
    return environment


def clean_environment() -> dict[str, str]:
    """Our environment without what would lead a Python astray."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED}


def pip_settings() -> dict[str, str]:
    """What pip's configuration says for all commands or for `install`; empty without a pip."""
    settings: dict[str, str] = {}
    with contextlib.suppress(OSError):
        command = [sys.executable, "-m", "pip", "config", "list"]
        said = subprocess.run(command, capture_output=True, text=True).stdout
        for name, value in re.findall(r"^(?:global|install|:env:)\.([a-z-]+)='(.*)'$", said, re.MULTILINE):
            settings[name] = value
    return settings


def cache_folder() -> Path:
    """Where uv keeps its cache unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "uv"


def is_writable(path: Path) -> bool:
    """Whether the folder, or the nearest one above it that exists, can be written."""
    if not path.is_absolute():
        return False
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


# The environment.


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep a second start waiting while this one installs; the kernel frees the lock if we are killed."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is installing; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(level: str) -> None:
    """Bring the environment to this level. Whatever an earlier, killed run left half made is made anew."""
    uv = find_uv()
    environment = uv_environment()
    say(f"installing the locked packages into {VENV.name}/ …")
    has_base = stamp()[:1] == [base()]
    # Without a stamp, whatever is there counts as half made.
    STAMP.unlink(missing_ok=True)
    if not has_base:
        venv = [uv, "venv", "--quiet", "--clear", "--no-project", "--python", python(), str(VENV)]
        run(venv, environment, "the environment could not be made (see above).")
    pip = [uv, "pip"]
    into = ["--quiet", "--python", str(VENV / "bin" / "python")]
    failure = "the packages could not be installed (see above). The first time, this needs the network."
    run([*pip, "sync", *into, "--require-hashes", str(LOCKS / f"{level}.txt")], environment, failure)
    editable = ["--no-deps", "--no-build-isolation", "--offline", "--editable", str(ROOT)]
    run(
        [*pip, "install", *into, *editable],
        environment,
        "the project itself could not be installed (see above).",
    )
    draft = STAMP.with_suffix(".new")
    draft.write_text(f"{base()}\n{content(level)}\n")
    draft.rename(STAMP)


def main(arguments: list[str]) -> None:
    """Make sure of the environment, then become the program that was asked for."""
    if not arguments:
        print(__doc__)
        return
    level = LEVEL_OF.get(arguments[0], "demo")
    try:
        if not is_current(level):
            with alone():
                if not is_current(level):
                    install(level)
    except OSError as error:
        sys.exit(f"pat: {error.filename or ROOT}: {error.strerror}.")
    except KeyboardInterrupt:
        sys.exit("pat: stopped; the next start goes on from here.")
    program, *options = TOOLS_OF_CHECKOUT.get(arguments[0], ("pat", arguments[0]))
    command = [str(VENV / "bin" / program), *options, *arguments[1:]]
    # What only a checkout can do installs packages of its own, from where ours came.
    environment = uv_environment() if arguments[0] in TOOLS_OF_CHECKOUT else clean_environment()
    os.chdir(ROOT)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main(sys.argv[1:])
