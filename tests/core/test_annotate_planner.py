"""The planner against an oracle that tries all plans."""

from hypothesis import given, settings

from pasta_toolkit.annotate.planner import find_plan
from tests.support.annotate_oracles import all_plans, critical_path_tokens, first_blind_block
from tests.support.annotate_strategies import problems

THOROUGH = settings(deadline=None, max_examples=60)


@THOROUGH
@given(problems())
def test_no_plan_is_faster_than_the_one_found(problem):
    costs, constraints = problem.costs, problem.constraints
    plan = find_plan(costs, constraints, most_branches=problem.most_branches)
    candidates = all_plans(costs.num_blocks, sync_places=constraints.sync_places, most_branches=problem.most_branches)
    sound = [groups for groups in candidates if first_blind_block(groups, constraints) is None]
    assert plan.tokens == min(critical_path_tokens(groups, costs) for groups in sound)


@THOROUGH
@given(problems())
def test_plans_take_what_they_promise_and_every_block_sees_what_it_must(problem):
    plan = find_plan(problem.costs, problem.constraints, most_branches=problem.most_branches)
    assert critical_path_tokens(plan.segments, problem.costs) == plan.tokens
    assert first_blind_block(plan.segments, problem.constraints) is None
    blocks = [block for group in plan.segments for piece in group for block in range(piece.start, piece.end)]
    assert blocks == list(range(problem.costs.num_blocks))
    counts = [sum(piece.is_branch for piece in group) for group in plan.segments]
    assert all(2 <= number <= problem.most_branches for number in counts[:-1])
    assert counts[-1] == 0 or 2 <= counts[-1] <= problem.most_branches


@given(problems())
def test_planning_is_deterministic(problem):
    first, second = (
        find_plan(problem.costs, problem.constraints, most_branches=problem.most_branches) for _ in range(2)
    )
    assert first == second
