"""HTML from nested calls; text is escaped, markup is marked as such."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str) -> Markup:
    """`tag("p", "text", class_="note")`; a trailing underscore and inner ones become what HTML writes."""
    return Markup(f"{void(name, **attributes)}{joined(*children)}</{name}>")


def void(name: str, /, **attributes: str) -> Markup:
    """An element without content: `void("img", src="…", alt="…")`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{written}>")


def joined(*children: str) -> Markup:
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(child, quote=False) for child in children)
    )
