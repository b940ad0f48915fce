"""The looks: dark, light, high contrast, and the terminal's own colours."""

from textual.theme import Theme

CONTRAST = Theme(
    name="hive-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#ffff00",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    success="#00ff5f",
    warning="#ffd700",
    error="#ff5f5f",
    dark=True,
    variables={
        "block-cursor-background": "#ffff00",
        "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#5f5f00",
        "block-cursor-blurred-foreground": "#ffffff",
        "text-muted": "#d0d0d0",
        "border": "#ffffff",
    },
)

THEMES = {
    "dark": "textual-dark",
    "light": "textual-light",
    "contrast": CONTRAST.name,
    "terminal": "ansi-dark",
    "terminal-light": "ansi-light",
}
"""Names in the settings, and the themes behind them; any other theme of Textual works by its own name."""


def theme_named(name: str) -> str:
    """The theme that a setting means."""
    return THEMES.get(name, name)
