"""The text of docs/configuration.md, the reference of all environment variables.

What the settings read comes from their classes; what others read (make, packages, tests) is listed here.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic_settings import BaseSettings

from api_service.config import ApiSettings
from har_core.config import PROJECT_ROOT, Settings

REFERENCE = PROJECT_ROOT / "docs" / "configuration.md"

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_KINDS = {"integer": "whole number", "number": "number", "boolean": "true or false", "array": "list"}


class Variable(NamedTuple):
    """A row of the reference."""

    name: str
    kind: str
    default: str
    text: str


STARTING = [
    Variable("HAR_APP_PORT", "whole number", "8501", "Port of the app, where make or honcho start it."),
    Variable("HAR_APP_HOST", "text", "127.0.0.1", "Address that the app listens at; 0.0.0.0 opens it to the network."),
    Variable("HAR_DOCS_PORT", "whole number", "8080", "Port of `make docs-serve`."),
    Variable("HAR_MLFLOW_PORT", "whole number", "5000", "Port of `make mlflow`."),
    Variable(
        "DJANGO_SETTINGS_MODULE",
        "text",
        "api_service.settings",
        "`api_service.production` refuses to start with what is fit for one's own machine alone.",
    ),
    Variable("NO_COLOR", "any", "", "Set: `har` writes without colours, also on a terminal."),
    Variable("HAR_ENV_FILE", "file", "/etc/har/har.env", "The settings that `deploy/systemd/har-run` reads."),
    Variable("GUNICORN_CMD_ARGS", "text", "", "Options of gunicorn, which win over `deploy/gunicorn.conf.py`."),
    Variable(
        "STREAMLIT_SERVER_ALLOWED_HOSTS",
        "text",
        "",
        "Names that the app answers to, with spaces between; without: all. Streamlit reads it.",
    ),
    Variable(
        "FORWARDED_ALLOW_IPS",
        "list",
        "127.0.0.1, ::1",
        "Addresses of proxies whose X-Forwarded-For is believed. gunicorn and uvicorn read it.",
    ),
]
COMPOSE = [
    Variable("HAR_APP_NAME", "text", "", "Host name of the app."),
    Variable("HAR_API_NAME", "text", "", "Host name of the API."),
    Variable("HAR_CERTIFICATES", "folder", "", "With live/NAME/fullchain.pem and privkey.pem of both."),
    Variable("HAR_APP_USERS", "file", "", "Who may use the app: lines NAME:HASH, as of `openssl passwd -6`."),
    Variable("HAR_POSTGRES_PASSWORD", "**secret**", "", "Of the database server."),
    Variable("HAR_REDIS_PASSWORD", "**secret**", "", "Of the queue's server."),
    Variable("HAR_WORKER_MEMORY", "size", "8g", "Most memory that a training may take."),
]
PACKAGES = [
    Variable("RAY_ADDRESS", "HOST:PORT", "", "Head of the Ray cluster; without: a cluster of this machine alone."),
    Variable("RAY_BACKEND_LOG_LEVEL", "text", "fatal", "What Ray's own processes log."),
    Variable("RAY_USAGE_STATS_ENABLED", "0 or 1", "0", "Ray tells its makers nothing."),
    Variable("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "0 or 1", "1", "Ray Tune writes no logs of its own."),
    Variable("RAY_AIR_NEW_OUTPUT", "0 or 1", "0", "Ray Tune prints no tables of its own."),
    Variable("TF_CONFIG", "JSON", "", "TensorFlow's: the workers that train one network together, and which this is."),
    Variable("MLFLOW_BACKEND_STORE_URI", "**secret**", "", "The MLflow server's database; the compose file sets it."),
    Variable("MLFLOW_ARTIFACTS_DESTINATION", "folder", "", "Where the MLflow server keeps files; likewise."),
    Variable("MLFLOW_SERVER_ALLOWED_HOSTS", "list", "", "Names that the MLflow server answers to; likewise."),
    Variable("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true or false", "", "MLflow's own jobs; likewise."),
    Variable("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "true or false", "false", "Whether MLflow draws bars for files."),
    Variable("MLFLOW_TRACKING_USERNAME", "text", "", "User at the MLflow server, where it wants one."),
    Variable("MLFLOW_TRACKING_PASSWORD", "**secret**", "", "Password at the MLflow server."),
    Variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "whole number", "2", "How often MLflow's server is asked again."),
    Variable("MLFLOW_HTTP_REQUEST_TIMEOUT", "seconds", "10", "How long MLflow's server may take."),
    Variable("MLFLOW_DISABLE_TELEMETRY", "true or false", "true", "MLflow tells its makers nothing."),
    Variable(
        "PROMETHEUS_MULTIPROC_DIR",
        "folder",
        "",
        "Set by the API itself, to a folder under HAR_HOME/metrics; another value is not used.",
    ),
]
TESTS = [
    Variable("HAR_TEST_DATA", "folder", "", "Real photos for some tests, which are skipped without."),
    Variable("HAR_REQUIRE_BROWSER", "any", "", "Set: tests in the browser fail, rather than being skipped, without."),
    Variable("HAR_REQUIRE_NEWMAN", "any", "", "Set: so do the Postman collection's without newman."),
    Variable("HAR_FUZZ", "whole number", "60", "Damaged videos of each kind that are tried."),
]

_HEAD = """# Configuration

<!-- Written by `python -m tools.document` from the settings' own descriptions. -->

All settings are environment variables, and none has to be set. Each is read once, when a process first needs it: to
change one, restart what reads it. An empty value counts as none. One that cannot be used ends the program with a
sentence that names the variable. Lists are separated by commas. Values marked **secret** are shown nowhere. They belong
neither into files under version control nor into command lines, which other users of the machine can read.
"""


def rows(kind: type[BaseSettings]) -> Iterator[Variable]:
    """The settings of a class."""
    prefix = str(kind.model_config["env_prefix"])
    for name, schema in kind.model_json_schema()["properties"].items():
        variable = f"{prefix}{name}".upper() if name in kind.model_fields else name
        yield Variable(variable, _kind(schema), _default(schema["default"]), schema["description"])


def text() -> str:
    """The whole reference."""
    return "".join(
        [
            _HEAD,
            _table("Library, app, command line and training", rows(Settings)),
            _table("API", rows(ApiSettings)),
            _table("How programs are started", STARTING),
            _table("deploy/compose", COMPOSE),
            _table("Read by packages", PACKAGES),
            _table("Tests", TESTS),
        ]
    )


def _table(title: str, variables: Iterable[Variable]) -> str:
    lines = [f"\n## {title}\n\n| variable | type | default | |\n| --- | --- | --- | --- |\n"]
    for name, kind, default, said in variables:
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{name}` | {kind} | {shown} | {said.replace('|', '&#124;')} |\n")
    return "".join(lines)


def _kind(schema: dict[str, Any]) -> str:
    if schema.get("format") == "password":
        return "**secret**"
    if schema.get("format") == "path":
        return "folder"
    if "enum" in schema:
        return " or ".join(schema["enum"])
    bounds = [f"{sign} {schema[key]:,}" for key, sign in _BOUNDS.items() if key in schema]
    return ", ".join([_KINDS.get(schema.get("type", ""), "text"), *bounds])


def _default(value: object) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    # Of folders of the project, as they are called in it.
    return str(value).removeprefix(f"{PROJECT_ROOT}/")
