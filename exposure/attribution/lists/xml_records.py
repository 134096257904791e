"""Official XML lists, record by record: a bounded piece of the file at a time, whatever the file is.

Names are compared without their namespace. A document type or an entity of its own is refused before expat looks at it: no
official list has one, and both are how XML is made to explode or to read other files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from exposure.errors import AttributionError
from exposure.text import shown

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

CHUNK = 256 << 10
MAX_SILENCE = 16 << 20
"""Most bytes without an element: the longest stretch in an official list is below 100 kB."""

MAX_DEPTH = 64
MAX_RECORD = 4 << 20
"""Most characters, and elements, that one record may hold."""


@dataclass(slots=True)
class Node:
    """An element of a record: name without namespace, attributes, own text, children in document order."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text, without whitespace around it."""
        return "".join(self.parts).strip()

    def all(self, *names: str) -> list[Node]:
        """Children that have one of these names."""
        return [child for child in self.children if child.name in names]

    def get(self, *path: str) -> str:
        """Text of the first element along a path of names; empty if there is none."""
        node: Node | None = self
        for name in path:
            node = next((child for child in node.children if child.name == name), None) if node is not None else None
        return node.text if node is not None else ""

    def walk(self) -> Iterator[Node]:
        """The element and all below it, in document order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Records:
    """The state of one pass. Holds the invariant that only what lies inside a record is kept."""

    def __init__(self, name: str, root: str, wanted: Collection[str]) -> None:
        self.file = name
        self.root = root
        self.wanted = frozenset(wanted)
        self.open: list[Node] = []
        self.depth = 0
        self.size = 0
        self.alive = False
        self.done: list[Node] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse_doctype
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.ExternalEntityRefHandler = self.refuse_external

    def where(self) -> str:
        return f"{self.file}, line {self.parser.CurrentLineNumber:,}"

    def refuse_doctype(self, *_: object) -> None:
        raise AttributionError(f"{self.where()}: has a document type declaration, which no official list has; refused")

    def refuse_entity(self, *_: object) -> None:
        raise AttributionError(f"{self.where()}: declares an entity, which no official list does; refused")

    def refuse_external(self, *_: object) -> int:
        raise AttributionError(f"{self.where()}: refers to something outside the file; refused")

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        self.alive = True
        self.depth += 1
        name = _local(qualified)
        if self.depth == 1:
            if name != self.root:
                raise AttributionError(f"{self.file}: its root element is {shown(name, 60)}, not {self.root}: another list")
            self.done.append(Node(name, {_local(key): value for key, value in attributes.items()}))
            return
        if self.depth > MAX_DEPTH:
            raise AttributionError(f"{self.where()}: elements nested deeper than {MAX_DEPTH}; no official list has that")
        if self.open or name in self.wanted:
            node = Node(name, {_local(key): value for key, value in attributes.items()})
            self.count(1 + sum(map(len, attributes.values())))
            if self.open:
                self.open[-1].children.append(node)
            self.open.append(node)
            self.parser.CharacterDataHandler = self.characters

    def count(self, more: int) -> None:
        self.size += more
        if self.size > MAX_RECORD:
            raise AttributionError(
                f"{self.where()}: one entry holds more than {MAX_RECORD:,} characters; no official list has that"
            )

    def characters(self, text: str) -> None:
        if not text.isspace() or self.open[-1].parts:  # indentation is not kept
            self.count(len(text))
            self.open[-1].parts.append(text)

    def end(self, _: str) -> None:
        self.depth -= 1
        if self.open:
            node = self.open.pop()
            if not self.open:
                self.size = 0
                self.parser.CharacterDataHandler = None
                self.done.append(node)


def read_records(stream: Bounded, name: str, *, root: str, wanted: Collection[str]) -> Iterator[Node]:
    """The records of an official XML list, one by one; before them the root element, with its attributes alone.

    Parameters
    ----------
    stream
        The unpacked file.
    name
        What to call it in messages.
    root
        Name of the root element.
    wanted
        Names of the elements that are records (or short facts of the list itself, such as its date).

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    reader = _Records(name, root, wanted)
    silence = 0
    try:
        while block := stream.read(CHUNK):
            reader.alive = False
            reader.parser.Parse(block, False)
            yield from reader.done
            reader.done.clear()
            silence = 0 if reader.alive else silence + len(block)
            if silence > MAX_SILENCE:
                raise AttributionError(
                    f"{reader.where()}: more than {MAX_SILENCE:,} bytes without an element; no official list has that"
                )
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise AttributionError(
            f"{name}, line {error.lineno:,}: not well-formed XML, or cut off ({expat.errors.messages.get(error.code, error)}); "
            "get the file again"
        ) from error
    except (ValueError, LookupError) as error:  # expat knows few encodings besides UTF-8
        raise AttributionError(f"{name}: its encoding cannot be read ({shown(error)}); the official file is UTF-8") from error
    yield from reader.done
