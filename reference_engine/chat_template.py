"""Renders a model's chat template in a sandbox, as transformers does: the template is somebody else's program.

Knows neither tokens nor models.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NoReturn

from reference_engine.errors import EngineError

__all__ = ["render_chat"]

DATE_FUNCTION = "strftime_now"


def render_chat(
    template: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    special: Mapping[str, str],
    begins_reply: bool = True,
    today: date | None = None,
) -> str:
    """Return the text of a conversation; `begins_reply` adds the opening of the model's own turn.

    Raises:
        EngineError: the package jinja2 is missing, or the template is broken or refuses the messages.
    """
    try:
        from jinja2 import TemplateError  # noqa: PLC0415  # an extra: documents are decoded without it
        from jinja2.ext import loopcontrols  # noqa: PLC0415
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415
    except ImportError as error:
        raise EngineError("chat templates need the package jinja2: pip install 'pasta-toolkit[engine]'") from error

    def refuse(message: str) -> NoReturn:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = refuse
    if today is not None:
        environment.globals[DATE_FUNCTION] = today.strftime
    plain = json.loads(json.dumps(list(messages)))  # values only: a template is to get hold of no object of ours
    try:
        return environment.from_string(template).render(
            messages=plain, add_generation_prompt=begins_reply, tools=None, documents=None, **special
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise EngineError(f"the chat template refuses the messages: {error}") from error


def _to_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON without the escapes for HTML that the template language would make."""
    return json.dumps(value, ensure_ascii=False, indent=indent)
