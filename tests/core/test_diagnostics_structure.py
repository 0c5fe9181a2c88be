"""What the validator says about the order of tags: one finding a fault, at the right place, with the right labels."""

import pytest

from grammar import Form
from pasta_toolkit.diagnostics import Diagnostic, diagnose
from pasta_toolkit.diagnostics.recovery import resolve
from pasta_toolkit.diagnostics.structure import Block

P = '<promise topic="fox" tokens="10"/>'
Q = '<promise topic="owl" tokens="10"/>'


def errors(text: str, form: Form = "response") -> list[Diagnostic]:
    return [finding for finding in diagnose(text, form=form) if finding.severity == "error"]


def shown(text: str, form: Form = "response") -> list[tuple[str, str]]:
    return [(finding.rule, finding.span.of(text)) for finding in errors(text, form)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<async>a</async>", [("orphan-async-block", "<async>")]),
        ("<async>a", [("orphan-async-block", "<async>")]),
        (f"{P}<async>a</async><async>b</async>", [("orphan-async-block", "<async>")]),
        (P, [("unfulfilled-promise", P)]),
        (f"{P}{Q}<async>a</async><sync/>", [("unfulfilled-promise", Q)]),
        (f"{P}<sync/><async>a</async>", [("late-async-block", "<async>")]),
        (f"{P}<sync/>{Q}<async>b</async><async>a</async>", [("late-async-block", "<async>")]),
        (f"{P}<sync/>{Q}<async>b</async>", [("unfulfilled-promise", P)]),
        (f"{P}<async>a{Q}<sync/><async>b</async></async>", [
            ("nested-promise", Q),
            ("nested-sync", "<sync/>"),
            ("nested-async", "<async>"),
        ]),
        (f"{P}<async>a{Q}<async>b</async>", [("unclosed-async", "<async>")]),
        (f"{P}<async>a<sync/>", [("unclosed-async", "<async>")]),
        (f"{P}<async>a</async></async>", [("stray-async-end", "</async>")]),
        (f"{P}a</async>", [("stray-async-end", "</async>")]),
        ("<sync/>", [("sync-without-promise", "<sync/>")]),
        (f"{P}<async>a</async><sync/>b<sync/>", [("sync-without-promise", "<sync/>")]),
        (f"<async>{P}<async>a</async></async>", [("orphan-async-block", "<async>")]),
        (f"<async >{P}<async>a</async>", [("orphan-async-block", "<async >"), ("noncanonical-tag", "<async >")]),
        (f"{P}<async>a</async><sync", [("malformed-tag", "<sync")]),
        (f"{P}<async>a</async><promise topic=", [("malformed-tag", "<promise topic=")]),
    ],
)  # fmt: skip
def test_each_fault_of_a_response_is_one_finding(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(shown(text)) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{P}<async>a</async>", [("async-in-main", "<async>")]),
        (f"{P}<async>a", [("async-in-main", "<async>")]),
        (f"{P}a</async>", [("stray-async-end", "</async>")]),
        (f"{P}<sync/><sync/>", [("sync-without-promise", "<sync/>")]),
        (f"<async>{P}</async>{P}<sync/>", [("async-in-main", "<async>")]),
    ],
)
def test_each_fault_of_the_main_thread_is_one_finding(text: str, expected: list[tuple[str, str]]) -> None:
    assert shown(text, "main") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("missing-branch-end", "")]),
        ("a", [("missing-branch-end", "")]),
        ("a</async>b", [("text-after-branch-end", "b")]),
        ("a</async>\n", [("text-after-branch-end", "\n")]),
        ("a</async>b</async>", [("stray-async-end", "</async>")]),
        (f"a{P}</async>", [("tag-in-branch", P)]),
        ("<async>a</async>", [("tag-in-branch", "<async>")]),
        ("<async>a</async></async>", [("tag-in-branch", "<async>")]),
        ("a<sync/>", [("tag-in-branch", "<sync/>"), ("missing-branch-end", "")]),
        ("a</async>b<sync/>", [("text-after-branch-end", "b<sync/>"), ("tag-in-branch", "<sync/>")]),
        ("a<async/>", [("self-closing-async", "<async/>")]),
    ],
)
def test_each_fault_of_a_branch_is_one_finding(text: str, expected: list[tuple[str, str]]) -> None:
    assert shown(text, "branch") == expected


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (f"{P}<async>a</async><async>b</async>", [(P, "this promise already has its block")]),
        (f"{P}<sync/>", [("<sync/>", "this sync waits for 'fox'")]),
        (
            f"{P}<sync/><async>a</async>",
            [(P, "the promise that it fulfils"), ("<sync/>", "the sync that has waited for it")],
        ),
        (f"{P}<async>a", [(P, "the promise that it fulfils"), ("", "it is taken to end here")]),
        (f"{P}<async>a{Q}</async>", [("<async>", "the block that it stands in")]),
        (f"{P}<async>a</async><sync/><sync/>", [("<sync/>", "all promises before this are joined here")]),
        (f"{P}<async>a</async></async>", [("</async>", "the block ends here already")]),
    ],
)
def test_labels_point_at_what_explains_a_finding(text: str, labels: list[tuple[str, str]]) -> None:
    (finding,) = errors(text)
    assert [(label.span.of(text), label.message) for label in finding.labels] == labels


def test_all_faults_are_found_in_one_pass() -> None:
    text = f"<sync/>\n<promise topic='' tokens='5'>\n{P}<async >a\n{Q}<async>b{P}</async>\n</async>\n<sync><promise to"
    assert [finding.rule for finding in errors(text)] == [
        "sync-without-promise",
        "noncanonical-tag",
        "empty-topic",
        "invalid-tokens",
        "unfulfilled-promise",
        "noncanonical-tag",
        "nested-promise",
        "nested-async",
        "nested-promise",
        "noncanonical-tag",
        "malformed-tag",
    ]


def test_blocks_fulfil_promises_in_order_and_missing_tags_bound_them() -> None:
    structure = resolve("pppa/a/s", "response")
    (group,) = structure.groups
    assert (group.promises, group.sync) == ((0, 1, 2), 7)
    assert group.blocks == (Block(3, 4), Block(5, 6))
    assert [fault.rule for fault in structure.faults] == ["unfulfilled-promise"]
    assert resolve("pa", "response").groups[0].blocks == (Block(1, 2, is_closed=False),)
    assert resolve("p/", "response").groups[0].blocks == (Block(0, 1, is_opened=False),)


def test_long_and_short_documents_are_resolved_alike() -> None:
    many = resolve("pa/s" * 200 + "a", "response")
    assert len(many.groups) == 200
    assert [fault.rule for fault in many.faults] == ["orphan-async-block"]
