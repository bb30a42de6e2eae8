"""The rules of scripts, flows, variables, resources, people and tokens hold on PostgreSQL as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.api import (
    test_api_acls,
    test_api_acls_and_audit,
    test_api_blob_references,
    test_api_bundles,
    test_api_chats,
    test_api_export,
    test_api_groups_and_folders,
    test_api_instance_groups,
    test_api_invitations,
    test_api_jobs_filtered,
    test_api_jobs_listed,
    test_api_locks,
    test_api_nouns,
    test_api_people,
    test_api_resource_history,
    test_api_run_views,
    test_api_shared_flows,
    test_api_sharing,
    test_api_stand_ins,
    test_api_streams,
    test_api_wire_table,
)
from tests.integration.api.api_server import Server, opened_server


def named(case: Callable[..., Awaitable[None]], *values: str) -> Callable[[Server], Awaitable[None]]:
    """A case of one of its parameters."""

    async def run(server: Server) -> None:
        await case(server, *values)

    run.__name__ = f"{case.__name__}[{','.join(values)}]"
    return run


CASES: list[Callable[[Server], Awaitable[None]]] = [
    test_api_nouns.TestVariables().test_a_variable_through_its_life,
    test_api_nouns.TestVariables().test_a_secret_goes_round_as_ciphertext,
    test_api_nouns.TestVariables().test_foreign_ciphertext_and_odd_bodies_are_refused,
    test_api_nouns.TestResources().test_create_update_list_and_delete,
    test_api_nouns.TestResources().test_types,
    test_api_resource_history.TestKept().test_each_change_of_the_value_and_nothing_else,
    test_api_resource_history.TestKept().test_an_earlier_one_comes_back_as_a_new_version,
    test_api_resource_history.TestKept().test_they_are_cleared_and_the_present_one_stays,
    test_api_resource_history.TestKept().test_they_move_with_the_resource_and_go_with_it,
    test_api_resource_history.TestKept().test_an_id_is_never_given_out_again,
    test_api_resource_history.TestKept().test_changes_at_once_are_numbered_one_after_the_other,
    test_api_resource_history.TestKept().test_values_that_programs_write_are_not_kept,
    test_api_nouns.TestScripts().test_versions_and_parents,
    test_api_nouns.TestScripts().test_archived_scripts_make_way_and_deleted_ones_lose_their_code,
    test_api_nouns.TestFlows().test_a_flow_through_its_life,
    test_api_people.TestAccounts().test_only_super_admins_make_people_and_workspaces,
    test_api_people.TestTokens().test_limits_are_kept_and_handed_on,
    test_api_people.TestJobTokens().test_a_job_has_its_persons_rights_while_it_lives,
    test_api_people.TestMembers().test_admins_change_who_is_a_member,
    test_api_groups_and_folders.TestFoldersAndGroups().test_a_folder_opens_to_whom_it_names,
    test_api_groups_and_folders.TestFoldersAndGroups().test_groups,
    test_api_groups_and_folders.TestFoldersAndGroups().test_no_owners_are_an_admins_word,
    test_api_groups_and_folders.TestGroupMembers().test_they_are_set_together_and_each_change_is_noted,
    test_api_groups_and_folders.TestGroupMembers().test_what_names_people_and_groups_is_found,
    test_api_instance_groups.TestKept().test_one_through_its_life,
    test_api_instance_groups.TestKept().test_what_is_wrong_is_said_and_changes_nothing,
    test_api_instance_groups.TestKept().test_they_go_out_and_come_in_as_they_were,
    test_api_instance_groups.TestWhatTheyGive().test_nothing_where_no_admin_linked_one,
    test_api_instance_groups.TestWhatTheyGive().test_who_is_no_member_or_leaves_is_in_none,
    test_api_instance_groups.TestWhatTheyGive().test_an_email_that_nobody_confirmed_counts_for_nothing,
    test_api_instance_groups.TestWhatTheyGive().test_a_link_while_it_is_deleted_is_none,
    test_api_people.TestPasswords().test_sessions_are_listed_and_ended,
    test_api_invitations.TestLinks().test_it_lets_in_as_many_as_it_was_made_for_also_at_once,
    test_api_invitations.TestLinks().test_who_is_signed_in_joins_as_themselves,
    test_api_run_views.TestViews().test_kept_renamed_shared_and_deleted,
    test_api_run_views.TestViews().test_they_leave_with_who_kept_them_and_shared_ones_stay,
    test_api_chats.test_messages_are_kept_by_conversation_and_the_latest_conversation_comes_first,
    test_api_run_views.TestViews().test_changes_at_once_are_all_kept_and_what_is_deleted_stays_so,
    test_api_run_views.TestViews().test_of_one_name_made_at_once_there_is_one,
    test_api_sharing.TestRuns().test_a_stranger_sees_the_run_and_the_dialog_sees_the_stranger,
    test_api_sharing.TestRuns().test_links_go_with_their_run,
    test_api_streams.TestOfAScript().test_it_comes_by_offsets_in_utf_16,
    test_api_streams.TestOfAScript().test_the_next_attempt_streams_anew,
    test_api_streams.TestOfAFlow().test_it_is_that_of_its_last_step,
    test_api_shared_flows.TestFlows().test_it_rests_while_archived_follows_the_flow_and_ends_with_it,
    test_api_shared_flows.TestFlows().test_links_of_an_archived_flow_are_seen_and_revoked,
    test_api_stand_ins.TestResults().test_results_of_runs_are_listed_and_one_is_kept_and_used,
    test_api_stand_ins.TestResults().test_a_loop_of_many_rounds_leaves_room_for_earlier_runs,
    *(
        named(case, kind)
        for kind in ("script", "flow", "schedule")
        for case in (
            test_api_acls.TestThings().test_looking_then_writing_then_nothing_any_more,
            test_api_acls.TestThings().test_a_new_thing_at_the_path_gives_nothing,
        )
    ),
    named(test_api_acls.test_what_moves_takes_along_what_it_gives, "variable"),
    test_api_acls.TestRuns().test_a_flow_that_one_may_see_and_its_runs,
    test_api_acls.TestGroups().test_whom_a_group_names_manages_it,
    *(
        named(test_api_jobs_filtered.test_what_a_filter_finds_is_what_is_so, base)
        for base in ("runs", "steps", "machines")
    ),
    test_api_jobs_filtered.TestWorkers().test_steps_and_single_scripts_of_a_worker,
    test_api_jobs_listed.TestLists().test_the_query_agrees_with_the_policy,
    test_api_bundles.test_the_source_is_shown_and_the_bundle_runs,
    test_api_acls_and_audit.TestTrail().test_an_entry,
    test_api_acls_and_audit.TestExport().test_only_admins_and_only_super_admins_beyond_the_workspace,
    test_api_acls_and_audit.test_all_jobs_at_a_path_are_canceled,
    test_api_export.test_files_hold_what_was_stored_and_nothing_else,
    test_api_locks.test_a_job_is_over_when_its_id_is_known,
    test_api_locks.test_what_differs_is_kept_and_taken_along,
    test_api_locks.test_packages_that_cannot_be_had_when_a_script_is_stored_are_a_failed_job,
    test_api_wire_table.test_each_call_has_its_status_and_kind_of_answer,
    test_api_blob_references.test_what_the_workspace_put_may_be_handed_on,
]


@pytest.fixture
async def on_postgres(tmp_path: Path, postgres_database: str) -> AsyncIterator[Server]:
    async with opened_server(tmp_path, postgres_database, objects_dir=tmp_path / "objects") as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_on_postgres(on_postgres: Server, case: Callable[[Server], Awaitable[None]]) -> None:
    await case(on_postgres)


async def test_nul_characters_never_reach_the_database(on_postgres: Server) -> None:
    http, w = on_postgres.client, "/api/w/main"
    answers = [
        await http.get(f"{w}/variables/get/u/admin/a%00b"),
        await http.get(f"{w}/scripts/list?path_start=a%00b"),
        await http.get("/api/w/ma%00in/users/whoami"),
        await http.delete("/api/users/tokens/delete/a%00"),
        await http.post(f"{w}/users/exists", json={"username": "a\0"}),
        await http.post("/api/workspaces/exists", json={"id": "a\0"}),
        await http.request("DELETE", f"{w}/variables/delete_bulk", json={"paths": ["u/admin/a\0"]}),
        await http.post(f"{w}/groups/create", json={"name": "g", "summary": "a\0b"}),
        await http.post("/api/auth/login", json={"email": "a\0@b.c", "password": "x\0"}),
        await http.post(f"{w}/resources/create", json={"path": "u/admin/r", "value": {"a\0": "b\0"}}),
        await on_postgres.make_client().post("/signin", data={"email": "a\0@b.c", "password": "x\0"}),
        await on_postgres.make_client().post("/join", data={"token": "a\0", "email": "a\0@b.c", "password": "x\0"}),
        await http.post(f"{w}/workspaces/invitations/create", json={"email": "a\0@b.c"}),
        await http.get(f"{w}/audit/list?about=a%00b"),
        await on_postgres.make_client().get("/api/w/ma%00in/jobs_u/get/x?approval_token=a.b"),
        await on_postgres.make_client().get(
            f"/api/w/ma%00in/jobs_u/completed/get_result/x?secret={'0' * 64}&suspended_job={UUID(int=1)}&resume_id=1"
        ),
        await on_postgres.make_client().get(f"/api/w/ma%00in/jobs_u/get_flow/{UUID(int=1)}/1/{'0' * 64}"),
        await http.post(f"{w}/acls/add/script/u/admin/s", json={"owner": "u/a\0"}),
        await http.get(f"{w}/resources/get_value/u/admin/r"),
    ]
    codes = [answer.status_code for answer in answers]
    assert codes == [400, 400, 400, 400, 200, 200, 422, 400, 400, 201, 401, 401, 400, 400, 404, 404, 404, 400, 200]
    assert answers[-1].json() == {"a\0": "b\0"}


async def test_of_many_at_once_one_wins(on_postgres: Server) -> None:
    http, w = on_postgres.client, "/api/w/main"
    new = {"path": "f/a/x", "summary": "", "content": "1", "language": "bash"}
    made = await asyncio.gather(*(http.post(f"{w}/scripts/create", json=new) for _ in range(8)))
    assert sorted(answer.status_code for answer in made) == [201, *[400] * 7]
    (head,) = [answer.text for answer in made if answer.status_code == 201]
    child = {**new, "content": "2", "parent_hash": head}
    changed = await asyncio.gather(*(http.post(f"{w}/scripts/create", json=child) for _ in range(8)))
    assert sorted(answer.status_code for answer in changed) == [201, *[400] * 7]
    flow = {"path": "f/a/flow", "summary": "", "value": {"modules": []}}
    flows = await asyncio.gather(*(http.post(f"{w}/flows/create", json=flow) for _ in range(8)))
    assert sorted(answer.status_code for answer in flows) == [201, *[400] * 7]

    admins = [await on_postgres.person(name, "admin") for name in ("ada", "bob")]
    removed = [await http.delete(f"{w}/users/delete/admin")]
    removed += await asyncio.gather(
        admins[0].post(f"{w}/users/update/bob", json={"role": "viewer"}),
        admins[1].post(f"{w}/users/update/ada", json={"role": "viewer"}),
    )
    roles = [row["role"] for row in (await admins[0].get(f"{w}/users/list")).json()]
    assert "admin" in roles, roles
