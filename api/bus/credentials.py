"""A file that proves to the bus who this is: what NATS calls credentials, or the seed of an nkey.

Neither leaves this machine: the server sends a number, which is signed with the seed.
Source: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
"""

from importlib import import_module
from pathlib import Path


class CredentialsUnusable(Exception):
    """The file cannot be used; the text says why, and what to do."""


def option_of(file: str) -> dict[str, str]:
    """Return what the bus's library is to be told of `file`, none for "". Raises `CredentialsUnusable`."""
    if not file:
        return {}
    try:
        text = Path(file).read_text(encoding="ascii")
    except OSError as error:
        raise CredentialsUnusable(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeError:
        text = ""
    is_user = "BEGIN NATS USER JWT" in text and "BEGIN USER NKEY SEED" in text
    if not is_user and not text.startswith("SU"):
        raise CredentialsUnusable(f"{file} has neither NATS credentials nor a user's nkey seed (SU...).")
    _try_seed(text.split("BEGIN USER NKEY SEED")[-1], file)
    return {"user_credentials" if is_user else "nkeys_seed": file}


def _try_seed(text: str, file: str) -> None:
    """Raise `CredentialsUnusable` unless the first user's seed in `text` can sign here."""
    try:
        nkeys = import_module("nkeys")
    except ImportError as error:
        raise CredentialsUnusable(
            "To sign with NATS credentials a package is missing: pip install nkeys."
        ) from error
    seed = next((word for word in text.split() if word.startswith("SU")), "")
    try:
        nkeys.from_seed(bytearray(seed.encode())).wipe()
    except (nkeys.NkeysError, ValueError) as error:
        raise CredentialsUnusable(f"The seed in {file} is damaged: have it made anew.") from error
