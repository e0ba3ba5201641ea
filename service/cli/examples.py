"""What stands below the options of each command's help: examples, exit statuses, the shape of --json.

`\\b` keeps the lines of a paragraph as they are (click); none is longer than 78 columns, so that none breaks at 80.
"""

from __future__ import annotations

MAIN = """\b
Begin with:
  cds story infant | cds assess -    a made-up patient, judged
  cds serve                          the service, on this machine
  cds COMMAND --help                 options and examples of each command"""
SERVE = """\b
Examples:
  cds serve                               on this machine, port 8080
  cds serve --host 0.0.0.0 --workers 2    for others, behind a proxy with TLS

For other machines it starts with CDS_CLIENTS alone, which says who may call, or with --without-authentication."""
ASSESS = """\b
Examples:
  cds assess patient.json                        what a clinician reads
  cds assess patient.json --explain              and why
  cds assess patient.json --as-of 2026-06-15     as it was that day
  cds assess *.json --json > assessments.json    one JSON line per patient
  cds assess *.json --exit-status > all.txt      what is the worst of them?
  cds story infant | cds assess -                from standard input

\b
Exit status: 0, or 2 when a file could not be read (the others are assessed).
Drafted orders of a hook request are not checked, which is said.
With --exit-status the worst card decides, for scripts:
  0 no card   10 info   11 warning   12 critical
  2 a file could not be read, or holds drafted orders, which the order hooks
    alone check: what they would say may be worse"""
STORY = """\b
Examples:
  cds story                                      which stories there are
  cds story b12-deficient-positive-antibody      one, dated to play today
  cds story infant | cds assess -                the same, judged"""
CONFIG = """\b
Examples:
  cds config                            as this environment has it
  CDS_MODE=production cds config        what else production asks for
  cds config --markdown                 for the documentation

Exit status: 0, or 2 when a setting cannot be used: all faults are said. Passwords are not shown."""
DOCTOR = """\b
Examples:
  cds doctor                            settings, knowledge, orders, store
  cds doctor --call                     do key and FHIR servers answer?
  cds doctor --prefetch                 the queries to paste into an EHR
  cds doctor --thresholds               all limits in force, with sources
  cds doctor --clinical > clinical.md   all that is judged, to sign

Exit status: 0 all is well, 1 something is wrong, settings and knowledge too. What is printed instead (the options
above) needs them: 2 when they cannot be used."""
CHECK = """\b
Examples:
  cds check http://127.0.0.1:8080                a table
  cds check URL --token-file tokens --json       with JWTs, for machines
  cds check URL --origin https://ehr.example     may browsers call from there?
  cds story NAME | cds check URL --request -     with a call that has cards

\b
--json prints one object:
  url, services (ids), not_called (ids), calls, p50_ms (or null)
  access    open | closed | unknown
  tokens    none | taken | refused (every one of those given)
  status    the exit status
  lines     {pass, fail, warn, skipped}: how many lines
  findings  [{line, section, level, verdict, where, says}]
    line     number in the checklist, as text; A1 to A3 are beyond it
    level    MUST | SHOULD | MAY | PRACTICE
    verdict  pass | fail (a MUST) | warn | skipped
    where    the request, then ": " and the JSON path; empty when skipped
    says     the remedy (fail, warn), the reason (skipped),
             what the line asks (pass)

\b
Exit status: 0 no MUST failed, 1 some MUST failed or every token was refused,
2 nothing could be seen (no answer, a token is needed, wrong options)."""
COMPLETION = """\b
Examples:
  cds completion bash > ~/.local/share/bash-completion/completions/cds
  cds completion zsh > ~/.zfunc/_cds        with ~/.zfunc in fpath
  cds completion fish > ~/.config/fish/completions/cds.fish

For this shell alone: eval "$(cds completion bash)". It completes commands, options, files and the names of stories,
and needs bash 4.4 or newer."""
