"""Who can sign in to the demo clinic. `load_demo` makes these users, `serve` prints them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from scheduler.management.embedded.environment import kept_secret

# user name, role (scheduler.domain.permissions)
DEMO_ACCOUNTS: tuple[tuple[str, str], ...] = (
    ("front-desk", "front-desk"),
    ("nurse", "nurse"),
    ("manager", "manager"),
    ("auditor", "auditor"),
    ("wall", "wall"),
)


def demo_password() -> str:
    """One password for all demo users: random, made at first use, kept in DATA_DIR/demo-password (mode 0600)."""
    return kept_secret(Path(settings.DATA_DIR) / "demo-password", length=9)


def demo_sign_ins() -> list[tuple[str, str, str]]:
    """(user name, role, password) of each demo user."""
    password = demo_password()
    return [(name, role, password) for name, role in DEMO_ACCOUNTS]
