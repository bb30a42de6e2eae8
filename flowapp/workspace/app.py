"""The application container: all use-cases of one server, wired to its store, engine, expressions and runtimes.

It only wires. Each use-case takes the caller's identity first and asks `access.policy` before it does anything.
"""

from __future__ import annotations

from typing import Any, Protocol

from flowapp.access.sessions import Sessions
from flowapp.engine.timer import Duty
from flowapp.expressions.evaluator import Evaluator
from flowapp.hub import Hub
from flowapp.settings import Settings
from flowapp.store.key_check import check_key
from flowapp.store.secret_box import SecretBox
from flowapp.store.stores import Store
from flowapp.workspace.accounts import Accounts
from flowapp.workspace.acls import Acls
from flowapp.workspace.approval_chats import ApprovalChats
from flowapp.workspace.approval_delivery import DeliverMessages
from flowapp.workspace.approval_lists import ApprovalLists
from flowapp.workspace.approval_nudges import NudgeApprovals
from flowapp.workspace.approval_requests import Requests
from flowapp.workspace.approval_settings import ApprovalSettings
from flowapp.workspace.approvals import Approvals
from flowapp.workspace.assistance import Assistance
from flowapp.workspace.assistant_models import AssistantModels
from flowapp.workspace.assistant_settings import AssistantSettings
from flowapp.workspace.audit_trail import AuditTrail
from flowapp.workspace.bin import Bin
from flowapp.workspace.cells import CellObserver
from flowapp.workspace.chats import Chats
from flowapp.workspace.code_help import CodeHelp
from flowapp.workspace.code_workflows import CodeWorkflows
from flowapp.workspace.comments import Comments
from flowapp.workspace.comparing import Comparing
from flowapp.workspace.connect import Connect
from flowapp.workspace.connect_document import ConnectDocument
from flowapp.workspace.context import Context, EnginePort, RuntimesPort
from flowapp.workspace.delegating import Delegating
from flowapp.workspace.dependencies import Dependencies
from flowapp.workspace.draft_states import DraftStates
from flowapp.workspace.drafts import Drafts
from flowapp.workspace.export import Export
from flowapp.workspace.firing import FireSchedules
from flowapp.workspace.flows import Flows
from flowapp.workspace.folders import Folders
from flowapp.workspace.following import FollowSchedules
from flowapp.workspace.forgetting import Forgetting
from flowapp.workspace.groups import Groups
from flowapp.workspace.helping import Helping
from flowapp.workspace.hub_browser import HubBrowser
from flowapp.workspace.hub_scripts import HubScripts
from flowapp.workspace.inputs import Inputs
from flowapp.workspace.instance_groups import InstanceGroups
from flowapp.workspace.invitations import Invitations
from flowapp.workspace.iterations import Iterations
from flowapp.workspace.job_lists import JobLists
from flowapp.workspace.job_logs import JobLogs
from flowapp.workspace.job_places import JobPlaces
from flowapp.workspace.job_views import JobViews
from flowapp.workspace.jobs import Jobs
from flowapp.workspace.library import Library
from flowapp.workspace.link_views import LinkViews
from flowapp.workspace.locks import Locks
from flowapp.workspace.many_runs import ManyRuns
from flowapp.workspace.members import Members
from flowapp.workspace.merging import Merging
from flowapp.workspace.named import Named
from flowapp.workspace.new_drafts import NewDrafts
from flowapp.workspace.objects import Objects
from flowapp.workspace.open_drafts import OpenDrafts
from flowapp.workspace.opened_runs import OpenedRuns
from flowapp.workspace.outputs import Outputs
from flowapp.workspace.packages import InstalledPackages
from flowapp.workspace.parsed import Parsed
from flowapp.workspace.picker import Picker
from flowapp.workspace.presence import Presence
from flowapp.workspace.previews import Previews
from flowapp.workspace.resource_history import ResourceHistory
from flowapp.workspace.resource_types import ResourceTypes
from flowapp.workspace.resources import Resources
from flowapp.workspace.restarting import Restarting
from flowapp.workspace.result_shapes import ResultShapes
from flowapp.workspace.retention import Retention
from flowapp.workspace.rule_texts import RuleTexts
from flowapp.workspace.run_files import RunFiles
from flowapp.workspace.run_filters import RunFilters
from flowapp.workspace.run_secrets import RunSecrets
from flowapp.workspace.runs import Runs
from flowapp.workspace.schedules import Schedules
from flowapp.workspace.script_uses import ScriptUses
from flowapp.workspace.scripts import Scripts
from flowapp.workspace.shared_drafts import SharedDrafts
from flowapp.workspace.shared_flows import SharedFlows
from flowapp.workspace.shared_runs import SharedRuns
from flowapp.workspace.sharing import Sharing
from flowapp.workspace.single_sign_on import SingleSignOn
from flowapp.workspace.stand_ins import StandIns
from flowapp.workspace.starting import Starting
from flowapp.workspace.static_inputs import StaticInputs
from flowapp.workspace.stored_flows import StoredFlows
from flowapp.workspace.streams import Streams
from flowapp.workspace.usages import Usages
from flowapp.workspace.variables import Variables
from flowapp.workspace.watching import Watching


class ObservedEngine(EnginePort, Protocol):
    """An engine that tells what it does."""

    observer: Any
    secrets: Any
    library: Any
    files: Any
    tokens: Any


class Workspace:
    """What `ui` and `api` get. `start` before the first request, `close` after the engine has stopped."""

    def __init__(
        self, store: Store, engine: ObservedEngine, evaluator: Evaluator, runtimes: RuntimesPort, settings: Settings
    ) -> None:
        self.store = store
        self.engine = engine
        self.evaluator = evaluator
        self.runtimes = runtimes
        self.settings = settings
        self.sessions = Sessions(store.database, settings.token)
        self.secrets = SecretBox(store.home, settings.secret_key)
        parsed = Parsed(store)
        self._context = Context(
            store=store,
            sessions=self.sessions,
            engine=engine,
            evaluator=evaluator,
            runtimes=runtimes,
            settings=settings,
            secrets=self.secrets,
            parsed=parsed,
        )
        open_drafts = OpenDrafts(store)
        self.outputs = Outputs(store, parsed)
        self.observer = CellObserver(self._context, open_drafts, self.outputs)
        self.drafts = Drafts(self._context, open_drafts, self.outputs)
        self.comments = Comments(self._context, self.drafts)
        self.run_filters = RunFilters(self._context)
        self.presence = Presence(self._context, self.drafts)
        self.starting = Starting(self._context)
        self.schedules = Schedules(self._context)
        #: What the engine's timer does for the workspace; the composition adds them to it.
        self.duties: tuple[Duty, ...] = (
            FireSchedules(self._context, self.starting),
            FollowSchedules(self._context, self.starting),
        )
        SharedDrafts(self._context, open_drafts, self.drafts, self.observer)
        self.runs = Runs(self._context, self.drafts, self.observer, self.starting)
        self.comparing = Comparing(store)
        self.chats = Chats(store)
        self.many_runs = ManyRuns(store, self.runs, self.starting)
        self.sharing = Sharing(self._context)
        self.shared_runs = SharedRuns(self._context)
        self.shared_flows = SharedFlows(self._context)
        self.inputs = Inputs(self._context, self.drafts)
        self.new_drafts = NewDrafts(self._context, self.inputs)
        self.rule_texts = RuleTexts()
        self.opened_runs = OpenedRuns(store, self.new_drafts)
        self.library = Library(self._context)
        locks = Locks(self._context, self.library)
        self.local_scripts = self.library.local
        self.dependencies = Dependencies(self._context, locks, self.local_scripts)
        self.flows = Flows(self._context, self.drafts, locks)
        self.merging = Merging(store, self.drafts)
        self.previews = Previews(self._context, self.drafts)
        assistance = Assistance(self._context, self.previews)
        self.picker = Picker(self._context, self.drafts, assistance)
        models = AssistantModels(self._context)
        self.assistant_settings = AssistantSettings(self._context)
        self.connect = Connect(self.drafts, assistance, self.previews, models)
        self.helping = Helping(self.drafts, assistance, models)
        self.connect_document = ConnectDocument(self._context, self.library, models)
        self.static_inputs = StaticInputs(self.drafts)
        self.named = Named(self._context, self.drafts)
        self.draft_states = DraftStates(self._context, self.drafts)
        self.code_help = CodeHelp(self._context)
        self.forgetting = Forgetting(self._context, self.drafts)
        self.stand_ins = StandIns(self._context, self.drafts)
        self.bin = Bin(self._context, self.drafts)
        self.iterations = Iterations(self._context, self.drafts, self.outputs)
        self.streams = Streams(self._context, self.drafts)
        self.drafts.changed.append(self.previews.refresh_soon)
        self.observer.settled.append(self.previews.refresh_soon)
        shapes = ResultShapes(self._context, self.drafts)
        self.drafts.changed.append(shapes.refresh_soon)
        self.observer.settled.append(shapes.refresh_soon)
        places = JobPlaces(store)
        views = JobViews(store, places)
        self.job_logs = JobLogs(store, places, views)
        self.jobs = Jobs(self._context, places, views, self.job_logs, self.observer)
        self.job_lists = JobLists(self._context, places, views)
        requests = Requests(self._context, places, views)
        self.approvals = Approvals(self._context, requests)
        self.link_views = LinkViews(self._context, requests, places, views)
        self.approval_lists = ApprovalLists(self._context, requests)
        self.delegating = Delegating(self._context, requests)
        self.approval_settings = ApprovalSettings(self._context)
        engine.observer = watching = Watching(self.observer, places)
        self.code_workflows = CodeWorkflows(store, places, views, requests, self.approvals, self.starting, watching)
        secrets = RunSecrets(self._context)
        engine.secrets = secrets
        self.approval_chats = ApprovalChats(self._context, requests, self.approvals, views, secrets)
        self.duties = (
            *self.duties,
            NudgeApprovals(self._context),
            DeliverMessages(self._context, requests, secrets),
        )
        self.variables = Variables(self._context)
        self.resources = Resources(self._context, secrets)
        self.resource_history = ResourceHistory(self._context, self.resources)
        self.objects = Objects(self._context, secrets, self.resources)
        engine.files = RunFiles(self._context, self.objects)
        self.resource_types = ResourceTypes(self._context)
        self.scripts = Scripts(self._context, locks)
        self.scripts.stored.append(self.observer.script_stored)
        self.script_uses = ScriptUses(self._context)
        self.stored_flows = StoredFlows(self._context, locks)
        self.folders = Folders(self._context)
        self.export = Export(self._context)
        self.groups = Groups(self._context)
        self.instance_groups = InstanceGroups(self._context)
        self.acls = Acls(self._context, self.folders, self.groups)
        self.audit_trail = AuditTrail(self._context)
        self.members = Members(self._context)
        self.invitations = Invitations(self._context)
        self.single_sign_on = SingleSignOn(self._context, self.invitations)
        self.accounts = Accounts(self._context)
        self.packages = InstalledPackages(self._context)
        self.usages = Usages(self._context)
        self.hub = Hub.open(settings.hub_url, settings.hub_dir, store.home / "hub")
        self.hub_scripts = HubScripts(self.hub)
        self.hub_browser = HubBrowser(self.hub, self.new_drafts)
        self.library.hub = self.hub
        engine.library = self.library
        self.retention = Retention(self._context)
        self.restarting = Restarting(self._context, places, self.starting, self.library)
        engine.tokens = self.sessions.job_tokens

    async def start(self) -> None:
        """Make the first workspace and its admin where there is none.

        Raises:
            SecretKeyDiffers: the database's secrets were encrypted with another key.
        """
        await check_key(self.store.database, self.secrets)
        await self.sessions.ensure_first()
        self._context.spawn(self.objects.tidy(), "tidying stored files")

    def stop_streams(self) -> None:
        """End all event streams: the server stops, and open streams would hold it up."""
        self.streams.stop()
        self.job_logs.stop()
        self.helping.stop()

    async def close(self) -> None:
        """End streams and background work. The store is closed by who opened it."""
        self.stop_streams()
        await self._context.close()
        await self.hub.close()
