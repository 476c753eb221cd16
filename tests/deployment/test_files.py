"""The image and the Compose file: what they name exists, and what runs has no more rights than it needs."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.deployment.compose import ROOT, compose, environment, told

from pat_server.web import SOURCES, Web

DOCKERFILE = ROOT / "Dockerfile"
LOCK = Path(__file__).with_name("schema.txt")
PLACE = ROOT / "build" / "deployment"
STAGES = re.compile(r"^FROM (\S+)(?: AS (\S+))?$", re.MULTILINE)


def compose_schema() -> Any:
    """The schema of Compose files, from the package that carries it; fetched once."""
    uv = shutil.which("uv") or shutil.which("uv", path=ROOT / ".tools" / "uv" / "bin")
    PLACE.mkdir(parents=True, exist_ok=True)
    target = PLACE / LOCK.read_text().rpartition(":")[2].strip()[:16]
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            assert uv, "the tests were started without `python3 pat test`: there is no uv"
            draft = target.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            install = [
                uv,
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--require-hashes",
                "--target",
                str(draft),
            ]
            subprocess.run([*install, "--requirement", str(LOCK)], check=True)
            draft.rename(target)
    return json.loads((target / "check_jsonschema/builtin_schemas/vendor/compose-spec.json").read_text())


def test_the_compose_file_keeps_the_compose_specification() -> None:
    schema = compose_schema()
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose())] == []
    wrong = compose()
    wrong["services"]["api"]["depends_on"]["migrate"]["condition"] = "service_is_fine"
    assert not validator.is_valid(wrong)


@pytest.mark.parametrize("name", ["migrate", "api", "tools", "database", "proxy"])
def test_a_service_is_locked_in(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert "privileged" not in service
    if name != "proxy":
        assert service["user"] in {"10001:10001", "postgres"}
    assert service["restart"] == ("no" if name in {"migrate", "tools"} else "unless-stopped")


def test_only_the_proxy_is_reached_from_outside_and_the_database_by_nobody() -> None:
    found = compose()
    assert [name for name, service in found["services"].items() if service.get("ports")] == ["proxy"]
    assert found["networks"]["inside"] == {"internal": True}
    assert found["services"]["database"]["networks"] == ["inside"]
    assert found["services"]["proxy"]["networks"] == ["outside"]


def test_attempts_to_sign_in_are_counted_by_the_address_behind_the_proxy() -> None:
    services = compose()["services"]
    assert services["api"]["environment"]["FORWARDED_ALLOW_IPS"] == "*"
    # Whoever else reached it could choose an address for every attempt.
    assert "ports" not in services["api"]


def test_services_wait_for_what_they_need() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["api"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["proxy"]["depends_on"] == {"api": {"condition": "service_healthy"}}
    assert all("healthcheck" in services[name] for name in ("database", "api"))


def test_secrets_are_files_and_the_server_is_not_given_the_superusers() -> None:
    found = compose()
    for service in found["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN", name):
                file = Path(told(str(value), {"PAT_MAIL_USER": "pat"}))
                assert file.parent == Path("/run/secrets"), name
                assert file.name in service["secrets"] or service["restart"] == "no", name
        assert not re.search(r"//[^/@]+:[^/@]+@", json.dumps(service))
    assert set(found["secrets"]) == {"postgres_password", "pat_secret", "vault_token", "mail_password"}
    assert "postgres_password" not in found["services"]["api"]["secrets"]
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/secrets/", "/backups/"} <= set(ignored)


PAGES = ("PAT_PRODUCT_NAME", "PAT_QUICK_EXIT")
MAIL = ("PAT_MAIL_HOST", "PAT_MAIL_PORT", "PAT_MAIL_FROM")


def test_what_pages_say_and_how_mail_is_sent_is_decided_outside_of_the_file() -> None:
    needed = {"PAT_HOST": "pat.example.org", "PAT_KEY_PROVIDER": "file"}
    decided = {**needed, **dict.fromkeys((*PAGES, *MAIL, "PAT_MAIL_USER"), "decided")}
    service = compose()["services"]["api"]
    before, after = environment(service, needed), environment(service, decided)
    assert {before[name] for name in (*PAGES, *MAIL)} == {""}
    assert {after[name] for name in (*PAGES, *MAIL)} == {"decided"}
    # A user without a password, or a password without a user, and nothing would start.
    assert (before["PAT_MAIL_USER"], before["PAT_MAIL_PASSWORD_FILE"]) == ("", "")
    assert (after["PAT_MAIL_USER"], after["PAT_MAIL_PASSWORD_FILE"]) == (
        "decided",
        "/run/secrets/mail_password",
    )


def test_what_an_operator_must_decide_has_no_default() -> None:
    text = json.dumps(compose())
    for name in ("PAT_HOST", "PAT_KEY_PROVIDER"):
        required = re.search(rf"\$\{{{name}:\?[^}}]+\}}", text)
        assert required, name
        with pytest.raises(KeyError, match=name):
            told(required[0], {})


def test_the_image_copies_what_is_there_and_leaves_out_the_rest() -> None:
    text = DOCKERFILE.read_text()
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    named = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert len(named) > 10
    for source in named:
        assert (ROOT / source).exists(), source
        assert source in kept or source.partition("/")[0] in kept, source
    roots = re.findall(
        r'"(\w+)"',
        re.findall(r"^dev-mode-dirs = (.+)$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0],
    )
    assert set(roots) <= set(named)
    assert {"migrations", "requirements/run.txt"} <= set(named)
    assert not {"tests", ".git", ".pat"} & kept


def test_the_image_takes_from_its_other_stages_what_they_make() -> None:
    text = DOCKERFILE.read_text()
    taken = {tuple(line.split()) for line in re.findall(r"^COPY --from=(.+)$", text, re.MULTILINE)}
    stages = {name for _, name in STAGES.findall(text) if name}
    assert {stage for stage, _, _ in taken} <= stages
    # Where the bundler puts the page, and where the server looks for it.
    page = (SOURCES / "dist").relative_to(ROOT)
    assert Web.find({}).built == ROOT / page
    assert 'at("dist")' in (SOURCES / "vite.config.js").read_text()
    assert ("web", f"/{page}", f"/app/{page}") in taken
    assert {("build", "/opt/pat", "/opt/pat"), ("build", "/app", "/app")} <= taken


def test_what_runs_owns_nothing_and_is_not_root() -> None:
    text = DOCKERFILE.read_text()
    stages = {
        name: body
        for name, body in zip(
            [name for _, name in STAGES.findall(text)], STAGES.split(text)[3::3], strict=True
        )
        if name
    }
    for name in ("api", "tools"):
        users = re.findall(r"^USER (.+)$", stages[name], re.MULTILINE)
        assert users[-1] == "10001:10001"
    assert "--chown" not in text
    assert "--require-hashes" in stages["build"]
    assert text.rstrip().endswith("FROM api")
    images = [image for image, _ in STAGES.findall(text) if image != "api"]
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_the_python_of_the_image_is_one_that_the_project_supports() -> None:
    [(major, minor)] = set(
        re.findall(r"^FROM python:(\d+)\.(\d+)-slim", DOCKERFILE.read_text(), re.MULTILINE)
    )
    [oldest] = re.findall(
        r'^requires-python = ">=3\.(\d+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert (int(major), int(minor)) >= (3, int(oldest))
