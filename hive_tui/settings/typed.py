"""Values of settings as people type and read them, without the quotes and brackets of TOML where they are no help."""

import tomllib
from typing import Any, get_args, get_origin

SWITCHES = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def value_of(kind: Any, text: str) -> Any:
    """What the text means for a setting of that type; text that means nothing stays text, which its reader refuses."""
    text = text.strip()
    if kind is str:
        parsed = _parsed(text) if text[:1] in ('"', "'") else text
        return parsed if isinstance(parsed, str) else text
    if get_origin(kind) is tuple:
        return _list_of(get_args(kind)[0], text)
    if kind in (bool, bool | None):
        return SWITCHES.get(text.casefold(), text)
    return _parsed(text)


def text_of(value: Any) -> str:
    """The value in a cell or a line to type in; `value_of` reads it again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, tuple | list):
        words = [text_of(one) for one in value]
        is_plain = all(word and word == word.strip() and not set(word) & set(",[]\"'") for word in words)
        return ", ".join(words) if is_plain else f"[{', '.join(map(_quoted, words))}]"
    text = str(value)
    return _quoted(text) if text != text.strip() or text[:1] in ('"', "'") or not text.isprintable() else text


def _list_of(kind: Any, text: str) -> Any:
    if text.startswith("["):
        return _parsed(text)
    return [value_of(kind, one) for one in text.split(",")] if text else []


def _parsed(text: str) -> Any:
    """The text as a value of TOML, or itself where it is none."""
    if "\n" in text or "\r" in text:
        return text
    try:
        read = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text


def _quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in plain) + '"'
