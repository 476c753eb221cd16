"""GraphQL reads compiled to one SQL statement: a small library that knows nothing of the platform around it.

``declare`` says how a field is found, ``engine`` prepares a document for a viewer (``document`` parses,
``variables`` keeps clients' values out of plans, ``compiler`` with ``leaves``, ``relations``, ``connection``
writes the SQL, ``planner`` wraps it, ``cache`` keeps it) and completes the answer (``complete``,
in its text where it can: ``splice``), ``mutations`` reads back what a verb returned, ``diagnose`` is the standard
executor over the same declarations.
"""
