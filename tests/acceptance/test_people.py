"""The workspace's people: who is there, who joins how, and what each may do."""

from __future__ import annotations

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.axe import accessible
from tests.acceptance.conftest import Watch, shoot
from tests.acceptance.product import TOKEN, Product


def held_by(page: Page) -> str:
    """What the server knows the tab by, once the page has seen who is signed in: with it goes what was shown there before."""
    seen = "() => document.cookie.includes(`=${sessionStorage.getItem('flowapp.mark') || ' '}`)"
    name: str = page.wait_for_function(f"{seen} && sessionStorage.getItem('token')").json_value()
    return name


def test_somebody_joins_by_a_link_and_is_taken_out(
    page: Page, product: Product, elsewhere: BrowserContext, watch: Watch
) -> None:
    page.goto("/")
    page.get_by_role("link", name="People").click()
    expect(page.locator("li").filter(has_text="admin@flowapp.local")).to_contain_text("seen")
    expect(page.get_by_text("No open invitations")).to_be_visible()
    page.get_by_role("button", name="Invite by link").click()
    dialog = page.get_by_role("dialog", name="Invite by link")
    dialog.get_by_label("Role").select_option("admin")
    dialog.get_by_label("How many people").fill("2")
    shoot(page, "people-invite")
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.get_by_role("alert")).to_contain_text("works once")
    dialog.get_by_label("Role").select_option("operator")
    dialog.get_by_role("button", name="Make the link").click()
    shown = page.get_by_role("dialog", name="Send this link")
    link = shown.get_by_label("Link").input_value()
    assert link.startswith(f"{product.url}/join?token=fv_")
    shoot(page, "people-link")
    shown.get_by_role("button", name="Done").click()
    invitation = page.locator("li").filter(has_text="Whoever has the link")
    expect(invitation).to_contain_text("as operator · works 2 times more")

    guest = elsewhere.new_page()
    guest.goto(link)
    expect(guest.get_by_role("heading", name="Join Main")).to_be_visible()
    shoot(guest, "join")
    accessible(guest)
    guest.get_by_label("Email").fill("olga@example.org")
    guest.get_by_label("Name").fill("Olga Lang")
    guest.get_by_label("Password").fill("a long password")
    guest.get_by_role("button", name="Join Main").click()
    expect(guest.get_by_role("heading", name="Flows", exact=True)).to_be_visible()
    guest.goto("/people")
    expect(guest.locator("li").filter(has_text="Olga Lang")).to_contain_text("operator")
    expect(guest.get_by_role("button", name="Add a person")).to_have_count(0)
    expect(guest.get_by_text("No open invitations")).to_have_count(0)
    guest.get_by_role("button", name="Sign out").click()
    guest.get_by_label("Email").fill("olga@example.org")
    guest.get_by_label("Password").fill("not this one")
    watch.expect_error("401")
    guest.get_by_role("button", name="Sign in", exact=True).click()
    expect(guest.get_by_role("alert")).to_contain_text("Email or password is wrong")
    shoot(guest, "signin-refused")
    guest.get_by_label("Email").fill("olga@example.org")
    guest.get_by_label("Password").fill("a long password")
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="Flows", exact=True)).to_be_visible()
    held = held_by(guest)
    guest.goto("/people")
    expect(guest.locator("li").filter(has_text="Olga Lang")).to_contain_text("operator")
    assert held_by(guest) == held
    # signed in anew without having signed out, as after a session's end: nothing that the tab held before is shown
    elsewhere.clear_cookies()
    guest.goto("/signin")
    guest.get_by_label("Email").fill("olga@example.org")
    guest.get_by_label("Password").fill("a long password")
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="Flows", exact=True)).to_be_visible()
    guest.wait_for_function("held => ![null, held].includes(sessionStorage.getItem('token'))", arg=held)

    page.reload()
    row = page.locator("li").filter(has_text="Olga Lang")
    row.get_by_role("button", name="Olga Lang", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change a role")
    dialog.get_by_label("Role").select_option("viewer")
    shoot(page, "people-role")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("viewer")
    shoot(page, "people")
    accessible(page)
    page.get_by_role("button", name="Revoke the invitation of Whoever has the link").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("No open invitations")).to_be_visible()
    row.get_by_role("button", name="Take out olga").click()
    asks = page.get_by_role("alertdialog")
    expect(asks).to_contain_text("has nothing here that others could miss")
    shoot(page, "people-take-out")
    asks.get_by_role("button", name="Take out").click()
    expect(row).to_have_count(0)


def test_the_last_admin_stays(page: Page, product: Product) -> None:
    with product.client() as client:  # tests of other files may have made more on this server
        for member in client.get("/api/w/main/users/list").json():
            if member["is_admin"] and member["username"] != "admin":
                demoted = {"role": "viewer"}
                client.post(f"/api/w/main/users/update/{member['username']}", json=demoted).raise_for_status()
    page.goto("/people")
    page.get_by_role("button", name="Take out admin").click()
    expect(page.get_by_role("alert").filter(has_text="last admin")).to_contain_text("Make somebody else an admin first")
    page.get_by_role("button", name="admin", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change a role")
    dialog.get_by_label("Role").select_option("viewer")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("last admin")


def test_a_person_who_is_added_gets_in_by_a_link(page: Page, elsewhere: BrowserContext, product: Product) -> None:
    page.goto("/people")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog", name="Add a person")
    dialog.get_by_label("Email").fill("nia@example.org")
    dialog.get_by_label("Role").select_option("developer")
    dialog.get_by_role("button", name="Add", exact=True).click()
    link = page.get_by_role("dialog", name="Send this link").get_by_label("Link").input_value()
    page.get_by_role("button", name="Done").click()
    row = page.locator("li").filter(has_text="nia@example.org")
    expect(row).to_contain_text("never here")
    guest = elsewhere.new_page()
    guest.goto(link)
    expect(guest.get_by_label("Present password")).to_have_count(0)
    guest.get_by_label("New password").fill("a long password")
    guest.get_by_label("Again").fill("another password")
    guest.get_by_role("button", name="Set a password").click()
    expect(guest.get_by_role("alert").filter(has_text="differ")).to_be_visible()
    guest.get_by_label("New password").fill("a long password")
    guest.get_by_label("Again").fill("a long password")
    guest.get_by_role("button", name="Set a password").click()
    expect(guest.get_by_role("status").filter(has_text="Your password is set")).to_be_visible()
    expect(guest.get_by_label("Present password")).to_be_visible()
    guest.goto("/people")
    expect(guest.locator("li").filter(has_text="nia@example.org")).to_contain_text("seen")
    with product.client() as client:
        client.delete("/api/w/main/users/delete/nia").raise_for_status()


def test_own_sessions_and_tokens(page: Page, product: Product, elsewhere: BrowserContext) -> None:
    other = elsewhere.new_page()
    other.goto(f"/signin?token={TOKEN}")
    page.goto("/")
    page.get_by_role("link", name="Account").click()
    here = page.locator("li").filter(has_text="This browser")
    expect(here).to_contain_text("Chrome on Linux")
    shoot(page, "account")
    accessible(page)
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("button", name="End all others")).to_have_count(0)
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog", name="New token")
    dialog.get_by_label("What it is for").fill("nightly sync")
    dialog.get_by_label("May do").select_option("scopes")
    dialog.get_by_label("Scopes").fill("nonsense")
    dialog.get_by_role("button", name="Make the token").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is not a scope")
    shoot(page, "account-token")
    dialog.get_by_label("Scopes").fill("variables:read\njobs:run")
    dialog.get_by_label("Only in this workspace").check()
    dialog.get_by_role("button", name="Make the token").click()
    token = page.get_by_role("dialog", name="Your new token").get_by_label("Token").input_value()
    page.get_by_role("button", name="Done").click()
    row = page.locator("li").filter(has_text="nightly sync")
    expect(row).to_contain_text("variables:read, jobs:run · only in main")
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{product.url}/api/w/main/variables/list", headers=bearer).status_code == 200
    assert httpx.get(f"{product.url}/api/w/main/resources/list", headers=bearer).json() == []
    page.get_by_role("button", name=f"Revoke {token[:10]}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert httpx.get(f"{product.url}/api/w/main/variables/list", headers=bearer).status_code == 401


def test_a_group_gets_a_part_in_a_folder_and_both_are_deleted(page: Page, product: Product) -> None:
    with product.client() as client:
        for name in ("gus", "hal"):
            body = {"email": f"{name}@example.org", "role": "developer"}
            client.post("/api/w/main/workspaces/add_user", json=body).raise_for_status()
    page.goto("/people")
    page.get_by_role("link", name="Groups").click()
    expect(page.get_by_text("No groups of your own yet")).to_be_visible()
    page.get_by_role("button", name="New group").click()
    dialog = page.get_by_role("dialog", name="New group")
    dialog.get_by_label("Name").fill("no good")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("cannot be the name of a group")
    dialog.get_by_label("Name").fill("night-crew")
    dialog.get_by_label("What it is for").fill("On call at night")
    for name in ("gus", "hal"):
        dialog.get_by_label("Another member").select_option(name)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog.locator("li").filter(has_text=name)).to_be_visible()
    dialog.get_by_role("button", name="Take away hal").click()
    shoot(page, "groups-dialog")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator("li").filter(has_text="night-crew")
    expect(row).to_contain_text("On call at night · gus")
    shoot(page, "groups")
    accessible(page)

    page.get_by_role("link", name="Folders").click()
    expect(page.get_by_text("No folders that you have a part in")).to_be_visible()
    page.get_by_role("button", name="New folder").click()
    dialog = page.get_by_role("dialog", name="New folder")
    dialog.get_by_label("Name").fill("payroll")
    dialog.get_by_label("Another person or group").select_option("g/night-crew")
    dialog.get_by_label("What they may do").select_option("read")
    dialog.get_by_role("button", name="Add").click()
    dialog.get_by_label("What g/night-crew may do").select_option("write")
    shoot(page, "folders-dialog")
    dialog.get_by_role("button", name="Save").click()
    row = page.locator("li").filter(has_text="f/payroll")
    expect(row).to_contain_text("Owned by u/admin · written by g/night-crew")
    shoot(page, "folders")
    accessible(page)
    with product.client() as client:
        client.post(
            "/api/w/main/variables/create", json={"path": "f/payroll/rate", "value": "1", "is_secret": False}
        ).raise_for_status()
    page.get_by_role("link", name="Groups").click()
    page.get_by_role("button", name="Delete night-crew").click()
    asks = page.get_by_role("alertdialog")
    expect(asks).to_contain_text("writes in folder payroll")
    shoot(page, "groups-delete")
    asks.get_by_role("button", name="Delete").click()
    expect(page.locator("li").filter(has_text="night-crew")).to_have_count(0)
    page.get_by_role("link", name="Folders").click()
    page.get_by_role("button", name="Delete payroll").click()
    expect(asks).to_contain_text("1 variable")
    asks.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No folders that you have a part in")).to_be_visible()
    with product.client() as client:
        for name in ("gus", "hal"):
            client.delete(f"/api/w/main/users/delete/{name}").raise_for_status()
        client.delete("/api/w/main/variables/delete/f/payroll/rate").raise_for_status()


def test_a_list_of_people_counts_where_a_group_is_linked_to_it(page: Page, product: Product) -> None:
    with product.client() as client:
        body = {"email": "ina@example.org", "role": "developer"}
        client.post("/api/w/main/workspaces/add_user", json=body).raise_for_status()
        client.post("/api/w/main/groups/create", json={"name": "on-call"}).raise_for_status()
    page.goto("/groups")
    expect(page.get_by_text("No instance groups yet")).to_be_visible()
    page.get_by_role("button", name="New instance group").click()
    dialog = page.get_by_role("dialog", name="New instance group")
    dialog.get_by_label("Name").fill("ops")
    dialog.get_by_label("Emails").fill("ina@example.org\nnobody")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'nobody' is not an email address")
    dialog.get_by_label("Emails").fill("ina@example.org\nlater@example.org")
    shoot(page, "instance-groups-dialog")
    dialog.get_by_role("button", name="Save").click()
    listed = page.get_by_role("region", name="Instance groups")
    expect(listed.locator("li").filter(has_text="ops")).to_contain_text("linked nowhere")
    expect(listed.locator("li").filter(has_text="ops")).to_contain_text("2 people")

    page.get_by_role("button", name="on-call", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change group")
    dialog.get_by_label("Also the people of this instance group").fill("ops")
    shoot(page, "groups-linked-dialog")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("li").filter(has_text="on-call").first).to_contain_text("ina · linked to ops")
    page.reload()
    expect(listed.locator("li").filter(has_text="ops")).to_contain_text("g/on-call in Main")
    shoot(page, "instance-groups")
    accessible(page)
    listed.get_by_role("button", name="Delete ops").click()
    asks = page.get_by_role("alertdialog")
    expect(asks).to_contain_text("g/on-call in Main")
    shoot(page, "instance-groups-delete")
    asks.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No instance groups yet")).to_be_visible()
    page.reload()
    expect(page.locator("li").filter(has_text="on-call")).not_to_contain_text("linked")
    page.get_by_role("button", name="Delete on-call").click()
    asks.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Delete on-call")).to_have_count(0)
    with product.client() as client:
        client.delete("/api/w/main/users/delete/ina").raise_for_status()


def test_the_trail_is_narrowed_and_exported(page: Page, product: Product) -> None:
    with product.client() as client:
        for number in range(60):
            client.post("/api/w/main/groups/create", json={"name": f"trail{number}"}).raise_for_status()
    page.goto("/people")
    page.get_by_role("link", name="Audit").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Older", exact=True).click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    expect(page.locator("tbody")).to_contain_text("g/trail9")
    page.get_by_label("Object").fill("trail5")
    page.get_by_label("About").select_option("group")
    page.get_by_label("What").select_option("Create")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows).to_have_count(11)
    shoot(page, "audit")
    accessible(page)
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert saved.value.suggested_filename == "audit-main.csv"
    assert len(saved.value.path().read_text().splitlines()) == 12
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_label("Object")).to_have_value("")
    page.get_by_label("With sign-ins and accounts").check()
    page.get_by_label("About").select_option("session")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(rows.first).to_contain_text("session.open")
    page.get_by_label("Until").fill("2001-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    with product.client() as client:
        for number in range(60):
            client.delete(f"/api/w/main/groups/delete/trail{number}").raise_for_status()
