"""From PostgreSQL's bytes to the response: untouched where possible, else completed by GraphQL's rules."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError, located_error
from graphql.pyutils import inspect as show

from .errors import EngineError
from .plan import Bound
from .sites import Failure, Introspected, Mark, NullViolation, Step, UnknownEnum, UnknownId
from .splice import Spliced, spliced

# The response's data has no key of its own; this one stands for it above the root fields.
_DATA = ""

Errors = list[dict[str, Any]]
StepFunction = Callable[[list[Any], Any], "Sequence[Any] | Awaitable[Sequence[Any]]"]


@dataclass(frozen=True)
class FieldError:
    """What a finishing step returns in place of a value that it cannot finish."""

    message: str
    code: str


class Completed(NamedTuple):
    """Finished JSON and the errors in it, as a response spells them.

    ``climbed`` says that a null left a single field's value, so that its parent, the data, is null. ``unknown`` are the ids,
    each as ``Type:key``, that were asked for at the root and lead the caller to nothing.
    """

    data: bytes
    errors: Sequence[dict[str, Any]] = ()
    climbed: bool = False
    unknown: Sequence[str] = ()


class _Pending(NamedTuple):
    """Stands in the tree for a value that a step finishes."""

    mark: Mark
    step: str
    place: int


class _Climbing(Exception):
    """A null on its way up to the position that may be null: the one so many keys deep."""

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.depth = depth


class Completion:
    """Completes one answer that has markers in it: gather the steps' values, run the steps, finish.

    It is done in the answer's text where all that is open is values of steps, and each is found; else on the tree.
    """

    def __init__(self, bound: Bound, raw: bytes) -> None:
        self._bound = bound
        self._raw = raw
        self._text = spliced(raw.decode(), bound.token, bound.plan.marks)
        self._tree: Tree | None = None
        if self._text is not None:
            self.gathered = self._text.gathered
        else:
            self._tree = Tree(bound, raw)
            self.gathered = self._tree.gathered

    def finish(self, finished: Mapping[str, Sequence[Any]]) -> Completed:
        """The response, given each step's values for those gathered."""
        for name, raw in self.gathered.items():
            if len(finished[name]) != len(raw):
                raise EngineError(f"step {name} returned {len(finished[name])} values for {len(raw)}")
        data = None if self._text is None else _joined(self._text, finished)
        if data is not None:
            return Completed(data)
        tree = self._tree or Tree(self._bound, self._raw)
        return tree.finish(finished)


def _joined(text: Spliced, finished: Mapping[str, Sequence[Any]]) -> bytes | None:
    """The answer with what the steps say; None where that is an error, or nothing and may not be."""
    values = {name: iter(each) for name, each in finished.items()}
    for piece, mark, step in text.places:
        value = next(values[step])
        if isinstance(value, FieldError) or (value is None and mark.required):
            return None
        text.pieces[piece] = orjson.dumps(value).decode()
    return "".join(text.pieces).encode()


class Tree:
    """The same on the parsed answer: what is wrong is known by its path, and a null may climb."""

    def __init__(self, bound: Bound, raw: bytes) -> None:
        self.bound = bound
        self.token = bound.token
        self.root = bound.plan.key or _DATA
        self.tree: dict[str, Any] = {self.root: orjson.loads(raw)}
        self.path: list[str | int] = []
        self.errors: list[GraphQLError] = []
        self.unknown: list[str] = []
        self.gathered: dict[str, list[Any]] = {}
        self.finished: Mapping[str, Sequence[Any]] = {}
        if bound.plan.has_steps:
            self._gather(self.tree, self.root)

    def finish(self, finished: Mapping[str, Sequence[Any]]) -> Completed:
        """The response."""
        self.finished = finished
        climbed = False
        try:
            self._complete(self.tree, self.root)
        except _Climbing:
            self.tree[self.root] = None
            climbed = True
        errors: Errors = [dict(error.formatted) for error in self.errors]
        return Completed(orjson.dumps(self.tree[self.root]), errors, climbed, self.unknown)

    def _read(self, marker: str) -> tuple[Mark, str]:
        number, _, text = marker[len(self.token) :].partition(":")
        return self.bound.plan.marks[int(number)], text

    def _gather(self, container: Any, key: Any) -> None:
        value = container[key]
        if type(value) is dict:
            for name in value:
                if not name.startswith(self.token):
                    self._gather(value, name)
        elif type(value) is list:
            mark = self._step_of(value)
            if mark is not None:
                container[key] = mark
                return
            for place in range(len(value)):
                self._gather(value, place)

    def _step_of(self, value: list[Any]) -> _Pending | None:
        """What stands for an array of a step's marker and its raw value; None for any other array."""
        if not (value and type(value[0]) is str and value[0].startswith(self.token)):
            return None
        mark, _ = self._read(value[0])
        if not isinstance(mark.meaning, Step):
            return None
        values = self.gathered.setdefault(mark.meaning.name, [])
        values.append(value[1])
        return _Pending(mark, mark.meaning.name, len(values) - 1)

    def _complete(self, container: Any, key: Any) -> None:
        """Complete the value at a position, or make it null if a null climbs up to exactly here."""
        path = self.path
        path.append(key)
        depth = len(path)
        try:
            value = container[key]
            kind = type(value)
            if kind is dict:
                for name in list(value):
                    if name.startswith(self.token):
                        del value[name]
                    else:
                        self._complete(value, name)
            elif kind is list:
                for place in range(len(value)):
                    self._complete(value, place)
            elif kind is _Pending:
                container[key] = self._finished(value)
            elif kind is str and value.startswith(self.token):
                container[key] = self._marked(value)
        except _Climbing as climbing:
            if climbing.depth != depth:
                raise
            del path[depth:]
            container[key] = None
        path.pop()

    def _finished(self, pending: _Pending) -> Any:
        value = self.finished[pending.step][pending.place]
        if isinstance(value, FieldError):
            error = GraphQLError(value.message, extensions={"code": value.code})
            self._fail(pending.mark, error)
        elif value is None and pending.mark.required:
            self._fail(pending.mark, _null_in(pending.mark))
        return value

    def _marked(self, marker: str) -> Any:
        mark, text = self._read(marker)
        match mark.meaning:
            case NullViolation():
                self._fail(mark, _null_in(mark))
            case Failure(error=error):
                self._fail(mark, error)
            case UnknownEnum(type_name=name):
                self._fail(mark, GraphQLError(f"Enum '{name}' cannot represent value: {show(text)}"))
            case UnknownId():
                self.unknown.append(text)
                return None
            case Introspected():
                return self.bound.about_schema[mark.site.key]
        raise EngineError(f"a step's value at {mark.site.name} was not gathered")

    def _fail(self, mark: Mark, error: GraphQLError) -> None:
        """Record an error here and let its null climb to where it may land."""
        path = self.path if self.bound.plan.key is not None else self.path[1:]
        self.errors.append(located_error(error, mark.site.nodes, list(path)))
        if mark.climb is not None:
            raise _Climbing(len(self.path) - mark.climb)
        raise _Climbing(0 if self.bound.plan.key is not None else 1)


def _null_in(mark: Mark) -> GraphQLError:
    return GraphQLError(f"Cannot return null for non-nullable field {mark.site.name}.")
