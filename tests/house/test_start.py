"""The start script installs once, repairs what was left half made, and says plainly what it lacks.

A stand-in for uv writes down what it was asked and makes an environment of small programs. One test at the end
uses the real one.
"""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.running import free_port

from pat_platform.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]

UV = """#!/bin/sh
[ "$1" = --version ] && { echo "uv ${FAKE_VERSION:-0.13.9} (stand-in)"; exit 0; }
echo "$*" >> "$FAKE_LOG"
for word in "$1" "$2"; do
  [ "$word" = "$FAKE_FAIL" ] && { echo "uv: no space left"; exit 1; }
  [ "$word" = "$FAKE_WAIT" ] && sleep "${FAKE_SECONDS:-60}"
done
if [ "$1" = venv ]; then
  rm -rf .venv && mkdir -p .venv/bin
  for name in pytest pat python; do
    printf '#!/bin/sh\\necho %s "$@" "[$PYTHONPATH$PYTHONOPTIMIZE]" "$PWD"\\n' "$name" > ".venv/bin/$name"
    chmod +x ".venv/bin/$name"
  done
fi
exit 0
"""


class Checkout:
    """A copy of what the start script needs, and the stand-in."""

    def __init__(self, place: Path) -> None:
        self.root = place / "a checkout"
        self.log = place / "uv.log"
        self.programs = place / "bin"
        (self.root / "requirements").mkdir(parents=True)
        self.programs.mkdir()
        for name in ("pat", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root / name)
        for lock in (ROOT / "requirements").glob("*.txt"):
            shutil.copy(lock, self.root / "requirements" / lock.name)
        (self.programs / "uv").write_text(UV)
        (self.programs / "uv").chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        """A bare environment in which the stand-in is found."""
        path = f"{self.programs}{os.pathsep}{os.defpath}"
        return {"PATH": path, "HOME": str(self.root.parent), "FAKE_LOG": str(self.log), **more}

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start the script."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "pat"), *arguments],
            env=self.environment(**more),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def pat(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run the script to its end."""
        with self.start(*arguments, **more) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def asked(self) -> list[str]:
        """The verbs that uv was given since the last look."""
        if not self.log.exists():
            return []
        lines = [line.split() for line in self.log.read_text().splitlines()]
        self.log.unlink()
        return [words[1] if words[0] == "pip" else words[0] for words in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh checkout in a folder whose name has a space."""
    return Checkout(tmp_path)


def test_without_arguments_it_explains_itself_and_installs_nothing(checkout: Checkout) -> None:
    done = checkout.pat()
    assert done.returncode == 0
    assert "python3 pat demo" in done.stdout
    assert checkout.asked() == []


def test_the_first_run_installs_and_the_second_has_nothing_to_do(checkout: Checkout) -> None:
    first = checkout.pat("test", "-k", "two words")
    assert first.stdout.startswith("pytest -n auto -k two words")
    assert "installing" in first.stderr
    assert checkout.asked() == ["venv", "sync", "install"]
    second = checkout.pat("test", "-k", "two words")
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert checkout.asked() == []


def test_commands_go_to_the_program_in_the_checkout(checkout: Checkout) -> None:
    done = checkout.pat("token", "manager@cbo-a.example")
    assert done.stdout.split("[")[0] == "pat token manager@cbo-a.example "
    assert done.stdout.rstrip().endswith(str(checkout.root))


@pytest.mark.parametrize("command", ["prove", "bench"])
def test_what_only_a_checkout_can_do_is_a_module_of_its_tests(checkout: Checkout, command: str) -> None:
    done = checkout.pat(command, "--json", "two words")
    assert done.stdout.split("[")[0] == f"python -m tests.{command} --json two words "
    assert done.stdout.rstrip().endswith(str(checkout.root))
    # The tests' own packages, and those of the demo.
    checkout.asked()
    checkout.pat("test")
    assert checkout.asked() == []
    assert (ROOT / "tests" / command / "__main__.py").is_file()


def test_more_packages_serve_for_less_but_not_the_other_way(checkout: Checkout) -> None:
    checkout.pat("serve")
    assert checkout.asked() == ["venv", "sync", "install"]
    checkout.pat("demo")
    assert checkout.asked() == ["sync", "install"]
    checkout.pat("test")
    assert checkout.asked() == ["sync", "install"]
    for command in ("demo", "serve", "policy"):
        checkout.pat(command)
    assert checkout.asked() == []


@pytest.mark.parametrize("file", ["requirements/dev.txt", "pyproject.toml"])
def test_changed_locks_are_installed_into_the_same_environment(checkout: Checkout, file: str) -> None:
    checkout.pat("test")
    checkout.asked()
    with (checkout.root / file).open("a") as text:
        text.write("# changed\n")
    checkout.pat("test")
    assert checkout.asked() == ["sync", "install"]


def test_another_python_or_another_place_makes_a_new_environment(checkout: Checkout) -> None:
    checkout.pat("test")
    checkout.asked()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.pat("test").returncode == 0
    assert checkout.asked() == ["venv", "sync", "install"]


@pytest.mark.parametrize("step", ["venv", "sync", "install"])
def test_a_failed_installation_says_so_and_is_made_anew(checkout: Checkout, step: str) -> None:
    failed = checkout.pat("test", FAKE_FAIL=step)
    assert failed.returncode == 1
    assert "uv: no space left\npat: " in failed.stderr
    assert "Traceback" not in failed.stderr
    checkout.asked()
    assert checkout.pat("test").returncode == 0
    assert checkout.asked() == ["venv", "sync", "install"]


def test_a_killed_installation_is_made_anew(checkout: Checkout) -> None:
    with checkout.start("test", FAKE_WAIT="sync") as process:
        deadline = time.monotonic() + 20
        while not (checkout.log.exists() and "sync" in checkout.log.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    checkout.asked()
    assert checkout.pat("test").returncode == 0
    assert checkout.asked() == ["venv", "sync", "install"]


def test_two_starts_at_once_install_once(checkout: Checkout) -> None:
    with (
        checkout.start("test", FAKE_WAIT="sync", FAKE_SECONDS="1") as first,
        checkout.start("demo") as second,
    ):
        outputs = [first.communicate()[0], second.communicate()[0]]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert checkout.asked().count("venv") == 1


def test_the_caller_cannot_lead_python_astray(checkout: Checkout) -> None:
    done = checkout.pat("test", PYTHONPATH="/elsewhere", PYTHONOPTIMIZE="2", VIRTUAL_ENV="/elsewhere")
    assert "[]" in done.stdout


def test_an_old_uv_is_passed_over(checkout: Checkout) -> None:
    done = checkout.pat("test", FAKE_VERSION="0.1.2", PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert "no pip" in done.stderr or "uv could not be fetched" in done.stderr
    assert checkout.asked() == []


PIP = """import pathlib, sys
arguments = sys.argv[1:]
if arguments[0] == "install":
    assert "--require-hashes" in arguments and "--user" not in arguments
    uv = pathlib.Path(arguments[arguments.index("--target") + 1]) / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(pathlib.Path(__file__).with_name("stand-in").read_text())
    uv.chmod(0o755)
"""


def test_without_uv_it_is_fetched_once_into_a_folder_of_the_checkout(checkout: Checkout) -> None:
    (checkout.programs / "uv").rename(checkout.programs / "stand-in")
    (checkout.programs / "pip.py").write_text(PIP)
    first = checkout.pat("test", PYTHONPATH=str(checkout.programs))
    assert (first.returncode, "fetching uv" in first.stderr) == (0, True), first.stderr
    assert (checkout.root / ".tools" / "uv" / "bin" / "uv").exists()
    assert checkout.asked() == ["venv", "sync", "install"]
    (checkout.programs / "pip.py").write_text("raise ImportError\n")
    more = checkout.pat("test", PYTHONPATH=str(checkout.programs))
    (checkout.root / ".venv" / "pat-stamp").unlink()
    anew = checkout.pat("test", PYTHONPATH=str(checkout.programs))
    assert [more.returncode, anew.returncode] == [0, 0], anew.stderr
    assert "fetching" not in more.stderr + anew.stderr


def test_without_pip_and_uv_it_says_what_to_install(checkout: Checkout) -> None:
    (checkout.programs / "uv").unlink()
    # Neither this Python nor the PATH has a pip then.
    without = {"PATH": str(checkout.programs), "PYTHONPATH": str(checkout.programs)}
    (checkout.programs / "pip.py").write_text("raise ImportError\n")
    done = checkout.pat("test", **without)
    assert done.returncode == 1
    assert "Install pip" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mirror_that_was_set_up_for_pip_serves_uv_too(checkout: Checkout) -> None:
    (checkout.programs / "pip.py").write_text(
        "print(\"global.index-url='https://mirror.example/simple'\\n:env:.cert='/etc/mirror.pem'\")\n"
    )
    uv = checkout.programs / "uv"
    uv.write_text(UV.replace('echo "$*" >>', 'echo "$* $UV_DEFAULT_INDEX $SSL_CERT_FILE" >>'))
    assert checkout.pat("test", PYTHONPATH=str(checkout.programs)).returncode == 0
    assert checkout.log.read_text().count("https://mirror.example/simple /etc/mirror.pem") == 3


def test_an_old_python_is_told_so(checkout: Checkout) -> None:
    code = (
        "import sys; sys.version_info = (3, 9, 1); sys.version = '3.9.1 (old)'\n"
        "exec(compile(open('pat').read(), 'pat', 'exec'))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout.root, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "pat: Python 3.11 or newer is needed; this is 3.9.1.\n"


def test_an_old_python_can_read_the_script_that_tells_it_so() -> None:
    ast.parse((ROOT / "pat").read_text(), feature_version=(3, 6))


def test_the_script_can_be_executed() -> None:
    assert os.access(ROOT / "pat", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.slow
@pytest.mark.skipif("PAT_INNER_TEST" in os.environ, reason="this is the checkout that the test made")
def test_a_fresh_clone_with_an_empty_home_runs_its_tests_and_the_demo(tmp_path: Path) -> None:
    uv = shutil.which("uv") or ROOT / ".tools" / "uv" / "bin" / "uv"
    if not Path(uv).exists():
        pytest.skip("no uv: run the suite with `python3 pat test`")
    clone = tmp_path / "clone"
    copy_checkout(clone)
    (tmp_path / "home").mkdir()
    environment = stranger(tmp_path / "home", Path(uv))
    pat = [sys.executable, str(clone / "pat")]
    options = ["-q", "-p", "no:cacheprovider", "tests/house/test_roots.py"]
    done = subprocess.run([*pat, "test", *options], env=environment, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    demo = subprocess.Popen(
        [*pat, "demo", "--port", str(free_port())],
        env=environment,
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout
        assert "is ready: http://127.0.0.1:" in demo.stdout.readline()
        token = subprocess.run(
            [*pat, "token", "manager@cbo-a.example"], env=environment, cwd="/", capture_output=True, text=True
        )
        assert token.stdout.splitlines()[-1].count(".") == 2, token.stderr
    finally:
        demo.terminate()
        demo.communicate(timeout=60)
        EmbeddedPostgres(clone / ".pat" / "postgres").erase()
    assert demo.returncode == 128 + signal.SIGTERM


def copy_checkout(clone: Path) -> None:
    """What a clone would hold, as it is now: nothing that git does not know, if this is a checkout of git."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
        return
    # The checkout may be another user's.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in told.rstrip("\0").split("\0"):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    assert (clone / ".ci" / "run").is_file()


def stranger(home: Path, uv: Path) -> dict[str, str]:
    """The environment of somebody who never used this, but for the packages that this machine has fetched already."""
    cache = subprocess.run([uv, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "PAT_", "DATABASE_URL"))
    }
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{uv.parent}{os.pathsep}{os.defpath}",
        "PAT_INNER_TEST": "1",
        "UV_CACHE_DIR": cache,
    }
