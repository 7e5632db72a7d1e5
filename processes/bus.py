"""The bus that the settings name."""

from api.bus.address import BusAddress, bus_address
from api.bus.credentials import CredentialsUnusable, option_of
from config import SettingError, Settings


def bus_of(settings: Settings) -> BusAddress:
    """Return its address. Raises `SettingError` where the file of credentials cannot be used."""
    try:
        option_of(settings.bus_credentials)
    except CredentialsUnusable as error:
        raise SettingError(f"--bus-credentials: {error}") from None
    return bus_address(settings.bus, settings.bus_credentials)
