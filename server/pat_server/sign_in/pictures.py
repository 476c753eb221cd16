"""Pictures that phones read."""

from __future__ import annotations


def picture_of(uri: str) -> object:
    """The QR code, drawn inside the page: black on white on every screen, with the margin that readers need."""
    # Few requests need them.
    import segno
    from markupsafe import Markup

    drawn = segno.make(uri, error="m", micro=False).svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704  # it is drawn from paths and numbers alone
