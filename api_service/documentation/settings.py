"""What drf-spectacular is told of the API."""

from importlib.metadata import version

_DESCRIPTION = """\
A photo of a person goes in; the action comes out, with an honest probability and an honest "unsure".

- **Keys**: on one machine the API is open. Elsewhere each request carries `Authorization: Bearer KEY`.
- **Errors**: always `application/problem+json` with a `code` for programs. Codes stay; words may change.
- **Versions**: under `/api/v1` fields, codes and addresses are added, never taken away. Ignore what you do not know.
"""

SPECTACULAR_SETTINGS = {
    "TITLE": "Human Action Recognizer",
    "DESCRIPTION": _DESCRIPTION,
    "VERSION": version("human-action-recognizer"),
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "The server that this description comes from"}],
    "TAGS": [
        {"name": "predictions", "description": "What is being done in a photo."},
        {"name": "jobs", "description": "The same for very many photos, in the background."},
        {"name": "models", "description": "Which models there are, and which one answers."},
        {"name": "feedback", "description": "What people say of answers."},
        {"name": "trainings", "description": "New models from datasets."},
        {"name": "operation", "description": "Whether the service is well."},
        {"name": "documentation", "description": "What the API can do."},
    ],
    "APPEND_COMPONENTS": {
        "headers": {
            "X-Request-ID": {
                "description": "The request's id: the client's, where it sent one, or one of ours. The log has it.",
                "required": True,
                "schema": {"type": "string", "example": "5f0c1b2e9d3a4c7f8e6b1a2d3c4e5f60"},
            },
            "Retry-After": {
                "description": "Seconds after which to ask again; there is none where waiting does not help.",
                "schema": {"type": "integer", "minimum": 0, "example": 1},
            },
            "WWW-Authenticate": {
                "description": "How to prove who one is.",
                "required": True,
                "schema": {"type": "string", "example": "Bearer"},
            },
        },
        "securitySchemes": {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "PREFIX.SECRET",
                "description": "A key, as its owner got it; needed wherever the API is not open.",
            }
        },
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Choices stay where they are: as components they would get names that change when another field is added.
    "POSTPROCESSING_HOOKS": [],
    "SORT_OPERATION_PARAMETERS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "persistAuthorization": False,
        "validatorUrl": None,
    },
    "REDOC_DIST": "SIDECAR",
}
