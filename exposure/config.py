"""Settings and where they come from: flag > environment > project file > user file > default.

Nothing is read when this module is imported; `load` reads when it is called. The project file ``./exposure.toml`` comes
with whatever folder one happens to stand in, so it may not say where data lie or whom to ask (see `Setting.project`).
"""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from exposure import units
from exposure.errors import InputError
from exposure.model import settings as model
from exposure.text import shown

PROJECT_FILE = "exposure.toml"
PREFIX = "EXPOSURE_"
MAX_FILE_BYTES = 64 * 1024
ENGINES = ("reference", "local")
LANGUAGES = ("en", "ja")
RULES = (*(rule.value for rule in model.Rule), "all")

# Variables of the environment that begin alike and are no settings.
_NOT_SETTINGS = frozenset({"EXPOSURE_DEBUG", "EXPOSURE_CHECK_DATA", "EXPOSURE_LAW_EXAMPLES", "EXPOSURE_LAW_SEARCH"})


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one command. ``sources`` maps each name to where its value came from."""

    store: Path
    offline: bool
    engine: str
    hops: int | None
    rule: str
    tz: str
    lang: str
    max_transactions: int
    max_calls: int
    tolerance: float
    hub_counterparties: int
    dust_usd: float
    esplora_url: str
    bitcoin_rpc_url: str
    bitcoin_rpc_user: str
    bitcoin_rpc_password: str = field(repr=False)
    bitcoin_rpc_cookie: Path | None
    electrum_url: str
    list_sources: Path | None
    oracle_url: str = field(repr=False)
    evm_rpc_url: str = field(repr=False)
    etherscan_url: str
    etherscan_key: str = field(repr=False)
    blockscout_url: str
    blockscout_key: str = field(repr=False)
    trongrid_url: str
    trongrid_key: str = field(repr=False)
    tron_rpc_url: str = field(repr=False)
    price_source: str
    defillama_url: str
    coingecko_url: str
    coingecko_key: str = field(repr=False)
    ecb_url: str
    quiet: bool
    sources: Mapping[str, str]


class Setting(NamedTuple):
    """One setting. ``read`` turns text into the value, or raises InputError saying what is allowed.

    ``project``: whether the project file may set it. ``secret``: shown masked, always.
    """

    name: str
    default: object
    read: Callable[[str], object]
    doc: str
    project: bool = True
    secret: bool = False


class Shown(NamedTuple):
    """A line of ``exposure config show``."""

    name: str
    value: str
    source: str
    doc: str


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
            raise InputError(f"a whole number from {least:,} to {most:,}")
        return int(text)

    return read


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        allowed = f"a number from {least:g} to {most:,g}"
        try:
            value = float(units.decimal_of(text))
        except InputError as error:
            raise InputError(allowed) from error
        if not least <= value <= most:
            raise InputError(allowed)
        return value

    return read


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise InputError(allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}")
        return text.lower()

    return read


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise InputError("true or false")


def _hops(text: str) -> int | None:
    if text.lower() in ("unlimited", "none"):
        return None
    try:
        return _whole(1, 1000)(text)
    except InputError as error:
        raise InputError("a whole number from 1 to 1,000, or unlimited") from error


def _zone(text: str) -> str:
    try:
        units.zone(text)
    except InputError:
        raise InputError("the IANA name of a time zone, such as Asia/Tokyo, or UTC") from None
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text.isascii() or any(not "!" <= letter <= "~" for letter in text) or not text.startswith(schemes):
            raise InputError(f"an address that starts with {' or '.join(schemes)}")
        return text.rstrip("/")

    return read


def _urls(*schemes: str) -> Callable[[str], str]:
    """One address or several, separated by commas: each is a host that is asked side by side with the others."""

    def read(text: str) -> str:
        return ",".join(_url(*schemes)(part.strip()) for part in text.split(",") if part.strip())

    return read


def _nodes(text: str) -> str:
    """Addresses of nodes, each maybe behind a chain's name; what the names mean is looked at when one is asked."""
    read = _url("https://", "http://")
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        name, equals, url = part.partition("=")
        read(url if equals and "/" not in name else part)
    return ",".join(parts)


def _key(text: str) -> str:
    if any(not "!" <= letter <= "~" for letter in text):
        raise InputError("a key as its issuer printed it, without spaces")
    return text


def _path(text: str) -> Path:
    if not text or "\x00" in text:
        raise InputError("the path of a folder")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~name of nobody
        raise InputError("the path of a folder; no home folder is known for its ~") from error


_ETHERSCAN = "https://api.etherscan.io/v2/api"

SETTINGS: tuple[Setting, ...] = (
    Setting("store", None, _path, "folder that holds ledgers, tags and runs", project=False),
    Setting("offline", False, _switch, "never use the network"),
    Setting("engine", "reference", _one_of(*ENGINES), "what computes: reference or local"),
    Setting("hops", model.DEFAULT_HOPS, _hops, "greatest number of hops, or unlimited"),
    Setting("rule", model.Rule.HAIRCUT.value, _one_of(*RULES), "how value moves: haircut, fifo, lifo, tiho, poison, all"),
    Setting("tz", "UTC", _zone, "time zone shown beside UTC"),
    Setting("lang", "en", _one_of(*LANGUAGES), "language of reports"),
    Setting(
        "max_transactions", model.DEFAULT_MAX_TRANSACTIONS, _whole(1, 10**9), "transactions a trace looks at before it stops"
    ),
    Setting("max_calls", model.DEFAULT_MAX_CALLS, _whole(0, 10**9), "network requests a command makes before it stops"),
    Setting("tolerance", model.DEFAULT_TOLERANCE, _number(0, 1), "unresolved share that is left alone"),
    Setting(
        "hub_counterparties",
        model.DEFAULT_HUB_COUNTERPARTIES,
        _whole(1, 10**9),
        "counterparties above which an untagged address is a hub",
    ),
    Setting("dust_usd", 1.0, _number(0, 10**9), "transfers below this many dollars do not make a hub"),
    Setting(
        "esplora_url",
        "https://blockstream.info/api",
        _urls("https://", "http://"),
        "Esplora server for Bitcoin, such as https://mempool.space/api or one's own",
        project=False,
    ),
    Setting("bitcoin_rpc_url", "", _urls("https://", "http://"), "one's own Bitcoin node (RPC)", project=False),
    Setting("bitcoin_rpc_user", "", str, "user of the node's RPC", project=False),
    Setting("bitcoin_rpc_password", "", str, "password of the node's RPC", project=False, secret=True),
    Setting("bitcoin_rpc_cookie", None, _path, "the node's file `.cookie`, instead of user and password", project=False),
    Setting("electrum_url", "", _urls("ssl://", "tcp://"), "Electrum server, such as ssl://host:50002", project=False),
    Setting(
        "list_sources", None, _path, "file that says where official lists are published, over the shipped one", project=False
    ),
    Setting("oracle_url", "", _url("https://", "http://"), "EVM node that `tags oracle` asks", project=False, secret=True),
    Setting(
        "evm_rpc_url",
        "",
        _nodes,
        "node of an EVM chain (JSON-RPC): its address, or `CHAIN=ADDRESS` for several, separated by commas",
        project=False,
        secret=True,
    ),
    Setting(
        "etherscan_url", "https://api.etherscan.io/v2/api", _urls("https://", "http://"), "Etherscan, version 2", project=False
    ),
    Setting("etherscan_key", "", _key, "key for Etherscan; a free one serves several chains", project=False, secret=True),
    Setting(
        "blockscout_url",
        "https://api.blockscout.com/{id}",
        _urls("https://", "http://"),
        "Blockscout; `{id}` stands for the chain's id, an instance of one chain has none",
        project=False,
    ),
    Setting("blockscout_key", "", _key, "key for Blockscout", project=False, secret=True),
    Setting("trongrid_url", "https://api.trongrid.io", _urls("https://", "http://"), "TronGrid", project=False),
    Setting("trongrid_key", "", _key, "key for TronGrid; it works without, slowly", project=False, secret=True),
    Setting("tron_rpc_url", "", _urls("https://", "http://"), "TRON node (JSON-RPC)", project=False, secret=True),
    Setting("price_source", "defillama", _one_of("defillama", "coingecko"), "who is asked for prices", project=False),
    Setting("defillama_url", "https://coins.llama.fi", _url("https://", "http://"), "DefiLlama, for prices", project=False),
    Setting("coingecko_url", "https://api.coingecko.com/api/v3", _url("https://", "http://"), "CoinGecko", project=False),
    Setting("coingecko_key", "", _key, "key for CoinGecko (a free demo key)", project=False, secret=True),
    Setting(
        "ecb_url",
        "https://data-api.ecb.europa.eu/service/data",
        _url("https://", "http://"),
        "European Central Bank, for the yen rate of the dollar",
        project=False,
    ),
    Setting("quiet", False, _switch, "no progress, no hints"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load(
    flags: Mapping[str, object] = MappingProxyType({}),
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Config:
    """The settings as they hold for one command.

    Parameters
    ----------
    flags
        Values from the command line by name of the setting; None where the flag was not given.
    environ
        Environment to read, by default the process's own.
    folder
        Folder whose ``exposure.toml`` is the project file, by default the current one.

    Raises
    ------
    InputError
        For an unknown key (with the nearest known one), a value that is not allowed, a file that is no TOML or too
        large, and a project file that sets what it may not.
    """
    environ = os.environ if environ is None else environ
    folder = Path.cwd() if folder is None else folder
    project = _read_file(folder / PROJECT_FILE, project=True)
    user = _read_file(user_file(environ), project=False)
    _check_environment(environ)
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        variable = PREFIX + setting.name.upper()
        if flags.get(setting.name) is not None:
            found, source = flags[setting.name], "flag"
        elif environ.get(variable):
            found, source = environ[variable], variable
        elif setting.name in project:
            found, source = project[setting.name], str(folder / PROJECT_FILE)
        elif setting.name in user:
            found, source = user[setting.name], str(user_file(environ))
        else:
            values[setting.name], sources[setting.name] = _default(setting, environ), "default"
            continue
        values[setting.name] = _value(setting, found, source)
        sources[setting.name] = source
    unknown = set(flags) - set(_BY_NAME)
    if unknown:
        raise InputError(f"no setting is called {', '.join(sorted(unknown))}")
    return Config(**values, sources=MappingProxyType(sources))  # type: ignore[arg-type]  # each value was made by its reader


def show(config: Config) -> list[Shown]:
    """Every setting with its value as text, where it came from and what it is; secrets masked."""
    lines = []
    for setting in SETTINGS:
        value = getattr(config, setting.name)
        lines.append(Shown(setting.name, masked(setting, value), config.sources[setting.name], setting.doc))
    return lines


def masked(setting: Setting, value: object) -> str:
    """A value as text: a secret only as set or not set."""
    if setting.secret:
        return "set (hidden)" if value else "not set"
    if value is None:
        return "unlimited" if setting.name == "hops" else "not set"
    if value == "":
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def user_file(environ: Mapping[str, str]) -> Path:
    """Path of the user's own file: ``exposure/config.toml`` in the XDG configuration folder."""
    return _xdg(environ, "XDG_CONFIG_HOME", ".config") / "exposure" / "config.toml"


def _xdg(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    named = environ.get(variable, "")
    if named.startswith("/"):  # the specification has relative ones ignored
        return Path(named)
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  # Path.home raises where nobody is at home
    return Path(home) / below_home


def _default(setting: Setting, environ: Mapping[str, str]) -> object:
    if setting.name == "store":
        return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "exposure" / "store"
    return setting.default


def _value(setting: Setting, found: object, source: str) -> object:
    """A value from anywhere: TOML and flags bring numbers and switches, which are read like their text."""
    if not isinstance(found, (str, int, float, Path)):
        raise InputError(f"{setting.name} in {source} is {shown(found, 40)}; it takes a single value")
    text = str(found).lower() if isinstance(found, bool) else str(found).strip()
    try:
        return setting.read(text)
    except InputError as error:
        given = "a value that is not shown" if setting.secret else shown(text, 60) or "empty"
        where = f"--{setting.name.replace('_', '-')}" if source == "flag" else f"{setting.name} in {source}"
        where = source if source.startswith(PREFIX) else where
        raise InputError(f"{where} is {given}; it takes {error}") from error


def _read_file(path: Path, *, project: bool) -> Mapping[str, object]:
    """A settings file, its keys checked; an absent one is empty."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, a device read without end
            raise InputError(f"cannot read the settings in {path}: it is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(f"cannot read the settings in {path}: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB; settings are not")
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not TOML: {shown(error)}") from error
    for key in table:
        if key not in _BY_NAME:
            if project and _leads_outside(key):
                raise InputError(_forbidden(path, key))
            raise InputError(f"{path} has an unknown key {shown(key)!r}{_nearest(key, _BY_NAME)}")
        if project and not _BY_NAME[key].project:
            raise InputError(_forbidden(path, key))
    return table


def _leads_outside(key: str) -> bool:
    """Whether a key names a host, a key or a path: refused by name in a project file, whatever it will be called."""
    return any(word in key.lower() for word in ("host", "url", "key", "token", "secret", "proxy", "endpoint", "path", "file"))


def _forbidden(path: Path, key: str) -> str:
    return (
        f"{path} sets {shown(key)!r}, which a project file may not: hosts, keys, key files and store paths come from a "
        f"flag, the environment ({PREFIX}...) or your own settings file"
    )


def _nearest(key: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key.lower().replace("-", "_")[:60], known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def _check_environment(environ: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly a setting's: a misspelt one would be ignored without a word."""
    known = {PREFIX + name.upper() for name in _BY_NAME}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in known and variable not in _NOT_SETTINGS:
            near = difflib.get_close_matches(variable[:60], known, n=1, cutoff=0.85)
            if near:
                raise InputError(f"the environment sets {shown(variable)}, which is no setting; did you mean {near[0]}?")
