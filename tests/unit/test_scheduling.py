import pytest

from tests import scheduling


def test_files_that_ask_for_the_shared_run_go_to_one_worker_and_the_others_alone(request: pytest.FixtureRequest):
    assert scheduling.unit_of("tests/e2e/test_pipeline.py") == scheduling.unit_of("tests/e2e/test_history.py")
    alone = ("tests/e2e/test_sql.py", "tests/e2e/test_killed.py", "tests/unit/test_scheduling.py")
    assert [scheduling.unit_of(file) for file in alone] == list(alone)
    asking = {item.nodeid.split("::")[0] for item in request.session.items if "first_run" in item.fixturenames}
    assert len({scheduling.unit_of(file) for file in asking}) <= 1
