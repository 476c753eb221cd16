"""``pat doctor``."""

import json
import os

import click

from pat_server.commands.admin import Admin
from pat_server.commands.plain_words import in_plain_words
from pat_server.commands.tables import aligned
from pat_server.doctor.finding import Finding, Level
from pat_server.doctor.looking import examine


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for a monitor.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Look for what is wrong with an installation, and say what to do.

    It changes nothing. It works on DATABASE_URL (an administrator's), with PAT_SECRET, PAT_KEY_PROVIDER and the rest as
    `pat serve` has them, or on the running demo of this checkout. PAT_BACKUP_FOLDER says where backups are kept. The exit code
    is 1 if there is a problem, 0 if there are warnings at most.
    """
    admin = Admin.find()
    findings = list(examine(admin.url, admin.settings(), os.environ, in_plain_words))
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    if as_json:
        click.echo(json.dumps({"findings": [_told(each) for each in findings], **counts}, indent=1))
    else:
        for line in aligned((each.level, each.subject, each.sentence) for each in findings):
            click.echo(line)
        click.echo(f"{counts[Level.PROBLEM]} problems, {counts[Level.WARNING]} warnings.")
    context.exit(1 if counts[Level.PROBLEM] else 0)


def _told(finding: Finding) -> dict[str, str]:
    return {"level": finding.level, "subject": finding.subject, "sentence": finding.sentence}
