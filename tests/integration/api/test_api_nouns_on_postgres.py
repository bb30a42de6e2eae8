"""The rules of scripts, flows, variables, resources, people and tokens hold on PostgreSQL as well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from flowapp.expressions.evaluator import Evaluator
from flowapp.settings import Settings
from flowapp.store.stores import Store
from flowapp.workspace.app import Workspace
from tests.integration.api import test_api_blob_references, test_api_nouns, test_api_people
from tests.integration.api.api_server import TOKEN, Runtimes, ScriptedEngine, Server

CASES: list[Callable[[Server], Awaitable[None]]] = [
    test_api_nouns.TestVariables().test_a_variable_through_its_life,
    test_api_nouns.TestVariables().test_a_secret_goes_round_as_ciphertext,
    test_api_nouns.TestVariables().test_foreign_ciphertext_and_odd_bodies_are_refused,
    test_api_nouns.TestResources().test_create_update_list_and_delete,
    test_api_nouns.TestResources().test_types,
    test_api_nouns.TestScripts().test_versions_and_parents,
    test_api_nouns.TestScripts().test_archived_scripts_make_way_and_deleted_ones_lose_their_code,
    test_api_nouns.TestFlows().test_a_flow_through_its_life,
    test_api_people.TestAccounts().test_only_super_admins_make_people_and_workspaces,
    test_api_people.TestTokens().test_limits_are_kept_and_handed_on,
    test_api_people.TestJobTokens().test_a_job_has_its_persons_rights_while_it_lives,
    test_api_people.TestMembers().test_admins_change_who_is_a_member,
    test_api_people.TestFoldersAndGroups().test_a_folder_opens_to_whom_it_names,
    test_api_people.TestFoldersAndGroups().test_groups,
    test_api_blob_references.test_what_the_workspace_put_may_be_handed_on,
]


@pytest.fixture
async def on_postgres(tmp_path: Path, postgres_database: str) -> AsyncIterator[Server]:
    store = await Store.open(postgres_database, tmp_path)
    engine = ScriptedEngine(store)
    evaluator = Evaluator()
    await evaluator.start()
    workspace = Workspace(store, engine, evaluator, Runtimes(), Settings(home=tmp_path, token=TOKEN))
    await workspace.start()
    made = Server(workspace, engine)
    yield made
    await made.client.aclose()
    await workspace.close()
    await evaluator.close()
    await store.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_on_postgres(on_postgres: Server, case: Callable[[Server], Awaitable[None]]) -> None:
    await case(on_postgres)
