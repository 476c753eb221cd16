"""From an operation to a plan: the compiled body wrapped in the one statement that is sent."""

from collections.abc import Mapping

from graphql import GraphQLError
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues

from .compiler import ABOUT_SCHEMA, Compiler
from .cursors import CursorKey
from .document import Operation
from .plan import Plan
from .quote import literal
from .registry import Declarations, View, Viewer
from .sites import Introspected, Mark, Site, mark
from .statement import Statement
from .values import Value


class Planner:
    """Makes plans for one schema's declarations.

    ``audit_sql`` is SQL that an audited statement evaluates if it reveals anything: ``{operation}`` is the
    operation's digest and ``{subjects}`` the JSON array of [class, subject] pairs.
    """

    def __init__(self, declarations: Declarations, key: CursorKey, audit_sql: str | None) -> None:
        self.declarations = declarations
        self.key = key
        self.audit_sql = audit_sql

    def query(self, operation: Operation, variables: VariableValues, viewer: Viewer) -> Plan:
        """The plan for a whole query. ``variables`` are hidden. Raises NotAllowed and BadArgument."""
        try:
            fields = operation.root_fields(variables)
        except GraphQLError as error:
            return Plan(sql=None, failure=error)
        compiler = self._compiler(operation, variables, viewer)
        root = operation.root_type.name
        names = {details[0].node.name.value for details in fields.values()}
        if names <= {"__typename", *ABOUT_SCHEMA}:
            return self._without_database(compiler, fields, root)
        return self._plan(operation, compiler.statement, compiler.root(fields))

    def payload(
        self, operation: Operation, site: Site, type_name: str, variables: VariableValues, viewer: Viewer
    ) -> Plan:
        """The plan for one field of a mutation whose value is the row of a type; its key is the variable
        that the engine adds. ``variables`` are hidden.
        """
        compiler = self._compiler(operation, variables, viewer)
        row = compiler.view.rows[type_name]
        statement = compiler.statement
        number = statement.parameter(lambda binding: binding.key, "row")
        body = compiler.row(row, type_name, f"{number}::{row.kind.sql_type}", site)
        if site.is_required():
            body = statement.present(body, site)
        return self._plan(operation, statement, body, site.key)

    def _compiler(self, operation: Operation, variables: VariableValues, viewer: Viewer) -> Compiler:
        return Compiler(operation, View(self.declarations, viewer), variables, self.key)

    def _plan(self, operation: Operation, statement: Statement, body: Value, key: str | None = None) -> Plan:
        sql = self._audited(operation, statement, body) if statement.audited else f"select {body.sql}"
        introspected = [each for each in statement.marks if isinstance(each.meaning, Introspected)]
        return Plan(
            sql=sql,
            parameters=tuple(statement.parameters),
            marks=tuple(statement.marks),
            audited=statement.audited,
            uses_token=statement.uses_token,
            price=statement.charges.price(),
            checks=tuple(statement.checks),
            introspection=tuple(introspected),
            key=key,
        )

    def _audited(self, operation: Operation, statement: Statement, body: Value) -> str:
        """The statement that also says, and records, whom the answer reveals.

        Subjects are read out of the finished JSON, where they stand behind the request's token: so exactly
        what is shown is recorded. Splitting at the token is an order of magnitude faster than a regular
        expression or jsonb.
        """
        found = (
            f"select distinct split_part(part, ':', 1) as class, left(split_part(part, ':', 2), 36) as subject"
            f" from answer, string_to_table(answer.body, {statement.token()} || '@:') with ordinality"
            f" found(part, place) where place > 1"
        )
        subjects = f"select json_agg(json_build_array(class, subject) order by class, subject) as pairs from ({found}) f"
        recorded = ""
        if self.audit_sql is not None:
            digest = f"{literal(operation.digest)}::text"
            call = self.audit_sql.replace("{operation}", digest).replace("{subjects}", "revealed.pairs")
            recorded = f", case when revealed.pairs is not null then ({call})::text end"
        return (
            f"with answer as materialized (select {body.sql} as body), revealed as materialized ({subjects})"
            f" select answer.body, revealed.pairs::text{recorded} from answer, revealed"
        )

    def _without_database(
        self, compiler: Compiler, fields: Mapping[str, FieldDetailsList], root: str
    ) -> Plan:
        compiler.view.type(root, ())
        marks: list[Mark] = []
        skeleton: list[tuple[str, str | None]] = []
        for key, details in fields.items():
            if details[0].node.name.value == "__typename":
                skeleton.append((key, root))
                continue
            site = compiler.site(compiler.operation.root_type, key, details, None)
            marks.append(mark(site, 0, Introspected()))
            skeleton.append((key, None))
        return Plan(sql=None, skeleton=tuple(skeleton), introspection=tuple(marks))
