"""Text that an XML document can hold. Knows nothing of escaping, which the writers of XML do themselves."""

import re

__all__ = ["xml_text"]

# Source: XML 1.0 (fifth edition), production 2, Char.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
REPLACEMENT = "\ufffd"


def xml_text(text: str) -> str:
    """Replace the characters that no XML document may hold, not even escaped, by U+FFFD."""
    return NOT_XML.sub(REPLACEMENT, text)
