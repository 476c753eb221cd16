"""The key provider that the operator chose."""

from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.provider import KeyKeeper
from pat_platform.settings import KeyProviderKind, Settings, SettingsError

NOT_CHOSEN = (
    "PAT_KEY_PROVIDER is not set: `vault` keeps the keys of identities in Vault or OpenBao; `file` keeps them in files under "
    "PAT_KEY_FOLDER, which whoever copies this machine's disk has beside the data."
)


def key_keeper(settings: Settings) -> KeyKeeper:
    """The provider that the settings name. Raises SettingsError where they name none, save in the demo."""
    kind = settings.key_provider or (KeyProviderKind.FILE if settings.demo else None)
    if kind is None:
        raise SettingsError(NOT_CHOSEN)
    if kind is KeyProviderKind.VAULT:
        # It brings an HTTP client that nobody else needs.
        from pat_platform.encryption.vault_provider import VaultKeyProvider

        if settings.vault is None:
            raise SettingsError("PAT_VAULT_ADDRESS and PAT_VAULT_TOKEN_FILE are not set.")
        return VaultKeyProvider(settings.vault)
    return FileKeyProvider(settings.key_folder / "organisations")
