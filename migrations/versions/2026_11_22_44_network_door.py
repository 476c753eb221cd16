"""The secretariat's door stands: a server of this release asks for it, and waits for whoever puts it up."""

revision = "2026_11_22_44"
down_revision = "2026_11_22_41"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table: the door and its owner are the wall's, which is put up after this."""
