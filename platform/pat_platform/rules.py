"""Which rules of validation can find anything in a document: the others are not tried."""

from collections.abc import Collection

from graphql import (
    ASTValidationRule,
    DocumentNode,
    ExecutableDefinitionsRule,
    FragmentsOnCompositeTypesRule,
    KnownDirectivesRule,
    KnownFragmentNamesRule,
    NoFragmentCyclesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    PossibleFragmentSpreadsRule,
    SingleFieldSubscriptionsRule,
    UniqueDirectivesPerLocationRule,
    UniqueFragmentNamesRule,
    UniqueVariableNamesRule,
    VariablesAreInputTypesRule,
    VariablesInAllowedPositionRule,
    specified_rules,
)
from graphql.validation import (
    DeferStreamDirectiveLabel,
    DeferStreamDirectiveOnRootField,
    DeferStreamDirectiveOnValidOperationsRule,
    StreamDirectiveOnListField,
)

Rules = tuple[type[ASTValidationRule], ...]

_ABOUT: dict[str, Rules] = {
    "@": (
        KnownDirectivesRule,
        UniqueDirectivesPerLocationRule,
        DeferStreamDirectiveOnRootField,
        DeferStreamDirectiveOnValidOperationsRule,
        DeferStreamDirectiveLabel,
        StreamDirectiveOnListField,
    ),
    "$": (
        VariablesAreInputTypesRule,
        UniqueVariableNamesRule,
        NoUndefinedVariablesRule,
        NoUnusedVariablesRule,
        VariablesInAllowedPositionRule,
    ),
    "fragment": (UniqueFragmentNamesRule, NoUnusedFragmentsRule, NoFragmentCyclesRule),
    "...": (FragmentsOnCompositeTypesRule, KnownFragmentNamesRule, PossibleFragmentSpreadsRule),
    "subscription": (SingleFieldSubscriptionsRule,),
}
"""What the text of a document holds if it holds anything that these rules are about."""


def rules_for(document: DocumentNode) -> Collection[type[ASTValidationRule]]:
    """The specified rules, without those that are about what the document does not hold.

    The document defines operations and fragments only. One that does not know its text is tried by all rules.
    """
    if document.loc is None:
        return specified_rules
    text = document.loc.source.body
    # A fragment that nothing spreads is still a fragment on some type.
    held = {mark for mark in _ABOUT if mark in text} | ({"..."} if "fragment" in text else set())
    idle = {ExecutableDefinitionsRule}.union(*(rules for mark, rules in _ABOUT.items() if mark not in held))
    return [rule for rule in specified_rules if rule not in idle]
