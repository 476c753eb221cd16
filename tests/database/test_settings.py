"""Settings: read once, refused plainly, never printing a secret."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pat_platform.settings import EngineMode, KeyProviderKind, Settings, SettingsError, VaultAccess

SECRET = "a deployment secret for tests only, long enough"
ENOUGH = {
    "DATABASE_URL": "postgresql://admin:hunter2@db.example:6432/pat?sslmode=require",
    "PAT_SECRET": SECRET,
}


def test_two_variables_are_enough() -> None:
    settings = Settings.from_environment(ENOUGH)
    assert settings.secret == SECRET.encode()
    assert (settings.pool_size, settings.demo, settings.engine) == (40, False, EngineMode.COMPILED)


def test_every_setting_can_be_given() -> None:
    settings = Settings.from_environment(
        ENOUGH
        | {
            "PAT_POOL_SIZE": "7",
            "PAT_POOL_WAIT_SECONDS": "3",
            "PAT_SIGN_IN_CONNECTIONS": "2",
            "PAT_PRODUCT_NAME": "Kestrel",
            "PAT_STATEMENT_TIMEOUT_MS": "1000",
            "PAT_DEMO": "yes",
            "PAT_ENGINE": "executor",
            "PAT_ISSUER": "https://pat.example",
            "PAT_AUDIENCE": "https://pat.example/graphql",
            "PAT_KEY_FOLDER": "/srv/keys",
        }
    )
    assert (settings.pool_size, settings.pool_wait_seconds, settings.statement_timeout_ms) == (7, 3.0, 1000)
    assert (settings.sign_in_connections, settings.product_name) == (2, "Kestrel")
    assert (settings.demo, settings.engine) == (True, EngineMode.EXECUTOR)
    assert (settings.issuer, settings.audience) == ("https://pat.example", "https://pat.example/graphql")
    assert settings.key_folder == Path("/srv/keys")


def test_the_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    environment = {"DATABASE_URL": "postgresql://db/pat", "PAT_SECRET_FILE": str(tmp_path / "secret")}
    assert Settings.from_environment(environment).secret == SECRET.encode()


def test_what_a_program_gives_needs_no_variable() -> None:
    settings = Settings.from_environment(
        {}, database_url="postgresql://db/pat", secret=SECRET.encode(), demo=True
    )
    assert settings.demo


@pytest.mark.parametrize(
    ("given", "is_explorable"),
    [
        ({}, False),
        ({"PAT_DEMO": "1"}, True),
        ({"PAT_DEVELOPMENT": "1"}, True),
        ({"PAT_DEVELOPMENT": "0"}, False),
    ],
)
def test_clients_look_around_in_the_demo_and_at_a_developers_server(
    given: dict[str, str], is_explorable: bool
) -> None:
    assert Settings.from_environment(ENOUGH | given).is_explorable is is_explorable


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://root:hunter2@db/pat"}, "DATABASE_URL"),
        ({"PAT_SECRET": ""}, "PAT_SECRET_FILE"),
        ({"PAT_SECRET": "hunter2"}, "PAT_SECRET"),
        ({"PAT_SECRET": "", "PAT_SECRET_FILE": "/nowhere/hunter2"}, "PAT_SECRET_FILE"),
        ({"PAT_POOL_SIZE": "many hunter2"}, "PAT_POOL_SIZE"),
        ({"PAT_POOL_SIZE": "0"}, "PAT_POOL_SIZE"),
        ({"PAT_POOL_WAIT_SECONDS": "-1"}, "PAT_POOL_WAIT_SECONDS"),
        ({"PAT_SIGN_IN_CONNECTIONS": "0"}, "PAT_SIGN_IN_CONNECTIONS"),
        ({"PAT_DEMO": "perhaps"}, "PAT_DEMO"),
        ({"PAT_DEVELOPMENT": "perhaps"}, "PAT_DEVELOPMENT"),
        ({"PAT_ENGINE": "fast"}, "PAT_ENGINE"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_told(changed: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(ENOUGH | changed)
    assert named in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://pat.example",
        "https://pat.example:8443",
        "https://192.0.2.7",
        "http://127.0.0.1:8000",
        "http://localhost",
        "http://[::1]:8000",
    ],
)
def test_the_issuer_is_a_host_under_tls_or_on_this_machine(issuer: str) -> None:
    assert Settings.from_environment(ENOUGH | {"PAT_ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://pat.example",
        "http://127.0.0.1.example",
        "http://192.0.2.7",
        "https://pat.example/",
        "https://pat.example/pat",
        "https://pat.example?a",
        "https://pat.example#a",
        "https://hunter2@pat.example",
        "https://Pat.example",
        "HTTPS://pat.example",
        "https://pat.example:",
        "https://[::1",
        "https://",
        "pat.example",
        "ftp://127.0.0.1",
        " https://pat.example",
        "https://pat.example\n",
    ],
)
def test_an_issuer_of_another_form_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="PAT_ISSUER") as refused:
        Settings.from_environment(ENOUGH | {"PAT_ISSUER": issuer})
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_print_their_secrets() -> None:
    printed = repr(Settings.from_environment(ENOUGH))
    assert SECRET not in printed
    assert "hunter2" not in printed


def test_a_login_connects_as_itself_and_never_as_the_administrator() -> None:
    parts = conninfo_to_dict(Settings.from_environment(ENOUGH).conninfo("pat_service_jobs", 1))
    assert (parts["host"], parts["port"], parts["dbname"], parts["sslmode"]) == (
        "db.example",
        "6432",
        "pat",
        "require",
    )
    assert parts["user"] == "pat_service_jobs"
    assert parts["password"] != "hunter2"
    assert "statement_timeout=5000" in str(parts["options"])


def test_a_sqlalchemy_address_is_understood() -> None:
    environment = ENOUGH | {"DATABASE_URL": "postgresql+psycopg://db.example/pat"}
    assert "host=db.example" in Settings.from_environment(environment).conninfo("pat_service_jobs", 1)


def test_the_key_provider_is_named_in_writing() -> None:
    assert Settings.from_environment(ENOUGH).key_provider is None
    assert (
        Settings.from_environment(ENOUGH | {"PAT_KEY_PROVIDER": "file"}).key_provider is KeyProviderKind.FILE
    )


def test_where_vault_is() -> None:
    told = {
        "PAT_KEY_PROVIDER": "vault",
        "PAT_VAULT_ADDRESS": "https://vault.example:8200/",
        "PAT_VAULT_TOKEN_FILE": "/run/secrets/vault",
    }
    found = Settings.from_environment(ENOUGH | told).vault
    assert found == VaultAccess("https://vault.example:8200", Path("/run/secrets/vault"), "transit", None)
    more = {"PAT_VAULT_MOUNT": "pat", "PAT_VAULT_CA_FILE": "/etc/ca.pem"}
    found = Settings.from_environment(ENOUGH | told | more).vault
    assert found is not None
    assert (found.mount, found.authority) == ("pat", Path("/etc/ca.pem"))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"PAT_KEY_PROVIDER": "hsm"}, "PAT_KEY_PROVIDER"),
        ({"PAT_KEY_PROVIDER": "vault"}, "PAT_VAULT_ADDRESS"),
        ({"PAT_KEY_PROVIDER": "vault", "PAT_VAULT_ADDRESS": "http://vault.example:8200"}, "https://"),
        ({"PAT_KEY_PROVIDER": "vault", "PAT_VAULT_ADDRESS": "http://127.0.0.1:8200"}, "PAT_VAULT_TOKEN_FILE"),
        ({"PAT_KEY_PROVIDER": "vault", "PAT_VAULT_ADDRESS": "ftp://127.0.0.1"}, "PAT_VAULT_ADDRESS"),
    ],
)
def test_a_key_service_that_is_not_told_in_full_is_refused(told: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_environment(ENOUGH | told)


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("postgresql://postgres@db:5432/pat", "postgresql://postgres:a%20b%2F%40@db:5432/pat"),
        ("postgresql://postgres:own@db/pat", "postgresql://postgres:own@db/pat"),
        ("postgresql://db/pat", "postgresql://db/pat"),
    ],
)
def test_the_administrators_password_may_lie_in_a_file(tmp_path: Path, url: str, becomes: str) -> None:
    (tmp_path / "password").write_text("a b/@\n")
    told = {**ENOUGH, "DATABASE_URL": url, "DATABASE_PASSWORD_FILE": str(tmp_path / "password")}
    assert Settings.from_environment(told).database_url == becomes


def test_a_password_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    told = {"DATABASE_URL": "postgresql://postgres@db/pat", "DATABASE_PASSWORD_FILE": str(tmp_path / "none")}
    with pytest.raises(SettingsError, match="DATABASE_PASSWORD_FILE cannot be read"):
        Settings.from_environment(ENOUGH | told)
