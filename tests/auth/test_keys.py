"""Signing keys: made once, kept private, rotated without an outage."""

import ast
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, thumbprint

from pat_auth.keys import KeysInFile, SigningKeys, UnusableKeys, key_set, load_or_create_keys, rotate_keys
from pat_platform.encryption.private_file import ExposedFile, write_private

ROOT = Path(__file__).parents[2]


def kids(keys: SigningKeys) -> list[str | None]:
    return [key.kid for key in keys.published]


def test_the_first_start_makes_keys_and_the_second_finds_them(tmp_path: Path) -> None:
    first = load_or_create_keys(tmp_path / "keys")
    assert kids(load_or_create_keys(tmp_path / "keys")) == kids(first)


def test_servers_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load_or_create_keys, [tmp_path / "keys"] * 8))
    assert {tuple(kids(keys)) for keys in found} == {tuple(kids(found[0]))}


def test_only_the_owner_may_read_the_key_file(tmp_path: Path) -> None:
    load_or_create_keys(tmp_path / "keys")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert modes == {"signing-keys.json": 0o600, ".lock": 0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_create_keys(tmp_path)
    (tmp_path / "signing-keys.json").chmod(0o640)
    with pytest.raises(ExposedFile):
        load_or_create_keys(tmp_path)


def test_a_key_is_named_by_its_thumbprint(tmp_path: Path) -> None:
    for public in load_or_create_keys(tmp_path).public_set()["keys"]:
        assert public["kid"] == thumbprint({name: public[name] for name in ("crv", "kty", "x", "y")})


def test_the_published_set_holds_public_parts_only(tmp_path: Path) -> None:
    published = rotate_keys(tmp_path).public_set()["keys"]
    assert len(published) == 3
    for public in published:
        assert set(public) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
        assert (public["kty"], public["crv"], public["use"], public["alg"]) == ("EC", "P-256", "sig", "ES256")


def test_the_key_that_signs_after_a_rotation_was_published_before_it(tmp_path: Path) -> None:
    before = load_or_create_keys(tmp_path)
    after = rotate_keys(tmp_path)
    assert after.current.kid in kids(before)
    assert before.current.kid in kids(after)


def test_two_rotations_forget_the_key_that_signed(tmp_path: Path) -> None:
    before = load_or_create_keys(tmp_path)
    rotate_keys(tmp_path)
    rotate_keys(tmp_path)
    assert before.current.kid not in kids(load_or_create_keys(tmp_path))


def test_a_representation_of_the_keys_shows_no_key(tmp_path: Path) -> None:
    keys = load_or_create_keys(tmp_path)
    assert str(keys.current.as_dict(private=True)["d"]) not in repr(keys)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"current": 1, "next": 2, "retired": null}'])
def test_a_damaged_key_file_is_reported_and_never_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "signing-keys.json"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(UnusableKeys):
        load_or_create_keys(tmp_path)
    assert file.read_text() == content


@pytest.mark.parametrize("change", [{"d": None}, {"kid": "mine"}, {"crv": "P-384"}, {"crv": 1}])
def test_a_key_that_is_not_what_it_says_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    load_or_create_keys(tmp_path)
    file = tmp_path / "signing-keys.json"
    stored = json.loads(file.read_text())
    stored["next"] = {name: value for name, value in (stored["next"] | change).items() if value is not None}
    file.write_text(json.dumps(stored))
    with pytest.raises(UnusableKeys):
        load_or_create_keys(tmp_path)


def test_only_public_keys_of_our_curve_may_verify() -> None:
    keys = SigningKeys.generate()
    for unusable in (
        [],
        [dict(keys.current.as_dict(private=True))],
        [dict(ECKey.generate_key("P-384").as_dict(private=False))],
        [dict(OctKey.generate_key(256).as_dict())],
        [{"kty": "EC"}],
    ):
        with pytest.raises(UnusableKeys):
            key_set({"keys": unusable})


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(
    "package",
    [
        # It accepted unsigned tokens and keys out of a token's own header, each in its time.
        pytest.param("authlib.jose.", id="its own signatures"),
        # They bring frameworks that we do not have, and the first one with them. One module is a client itself, of other issuers.
        pytest.param("authlib.integrations.", id="its frameworks"),
    ],
)
def test_of_authlib_nothing_is_imported_but_the_protocols(package: str) -> None:
    sources = [
        path
        for folder in ("server", "schema", "tenants", "auth", "platform", "tests", "migrations")
        for path in (ROOT / folder).rglob("*.py")
        # Programs of partners are theirs.
        if not {"node_modules", "conformance"} & set(path.parts)
    ]
    assert len(sources) > 10
    found = {path.name for path in sources for name in _imported(path) if f"{name}.".startswith(package)}
    assert found == ({"upstreams_provider.py"} if package == "authlib.integrations." else set())


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def followed(tmp_path: Path, clock: Clock) -> KeysInFile:
    return KeysInFile(tmp_path, clock=clock)


def test_a_running_server_notices_a_rotation_within_a_second(
    tmp_path: Path, clock: Clock, followed: KeysInFile
) -> None:
    before = followed.read()
    rotated = rotate_keys(tmp_path)
    assert followed.read() is before
    clock.now = 1.0
    assert kids(followed.read()) == kids(rotated)


def test_keys_that_did_not_change_are_not_read_again(clock: Clock, followed: KeysInFile) -> None:
    before = followed.read()
    clock.now = 1.0
    assert followed.read() is before


@pytest.mark.parametrize("damage", ["lost", "nonsense", "open to others"])
def test_a_running_server_goes_on_with_the_keys_that_it_has_while_their_file_cannot_be_used(
    tmp_path: Path, clock: Clock, followed: KeysInFile, damage: str
) -> None:
    before, file = followed.read(), tmp_path / "signing-keys.json"
    rotate_keys(tmp_path)
    good = file.read_bytes()
    if damage == "lost":
        file.unlink()
    elif damage == "nonsense":
        file.write_bytes(b"{}")
    else:
        file.chmod(0o644)
    clock.now = 1.0
    assert followed.read() is before
    write_private(file, good)
    clock.now = 2.0
    assert kids(followed.read()) != kids(before)
