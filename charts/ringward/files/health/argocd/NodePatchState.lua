-- Made by `npm run generate` from controller/api/reasons.ts. Do not edit.
-- Health of a NodePatchState for Argo CD: Stalled is Degraded, or Suspended where it waits as it was meant to; Reconciling is Progressing.
local held = {
  ApiServerNotReady = true, Approved = true, BackedOff = true, BackedOut = true, BeingRemoved = true,
  BlockingPod = true, Claimed = true, Compliant = true, ControlPlaneBusy = true, Cordoned = true, Deferred = true,
  Draining = true, DriftFromGit = true, Drifted = true, EtcdQuorumAtRisk = true, ForgeUnavailable = true,
  Frozen = true, GateShut = true, GracePeriod = true, InSync = true, InventoryMissing = true, LedgerFull = true,
  LedgerRebuilding = true, LevelResolved = true, LevelWithdrawn = true, LimitReached = true, LockedByOther = true,
  NotPrepared = true, Observing = true, OutsideProposalSchedule = true, OutsideWindow = true,
  PredecessorNotSoaked = true, Progressing = true, Promoted = true, ProposalClosed = true, ProposalRejected = true,
  RebootPending = true, Rebooting = true, Released = true, ReleasedByPerson = true, RepositorySuspended = true,
  RequestedByPerson = true, ResolveScheduled = true, RingBudgetExhausted = true, RingCompleted = true,
  RingStarted = true, RingSuspended = true, ServerBusy = true, Soaked = true, Soaking = true, Stopped = true,
  Superseded = true, Unassigned = true, Uncordoned = true, UncordonedByPerson = true, UnderMaintenance = true,
  Updating = true, Verified = true, VolumesAttached = true, WaitingForApply = true, WaitingForApproval = true,
  WaitingForCompletion = true, ZoneBudgetExhausted = true,
}
local status = obj.status
if status == nil or status.conditions == nil then
  return { status = "Progressing", message = "Ringward has not looked at it yet" }
end
local generation = obj.metadata.generation
if status.observedGeneration ~= nil and generation ~= nil and status.observedGeneration < generation then
  return { status = "Progressing", message = "Ringward has not looked at this version yet" }
end
local health = { status = "Progressing", message = "Ringward says nothing of it yet" }
for _, condition in ipairs(status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    local word = "Degraded"
    if held[condition.reason] then
      word = "Suspended"
    end
    return { status = word, message = condition.reason .. ": " .. condition.message }
  end
  if condition.type == "Reconciling" and condition.status == "True" then
    health = { status = "Progressing", message = condition.reason .. ": " .. condition.message }
  end
  if condition.type == "Ready" and condition.status == "True" then
    health = { status = "Healthy", message = condition.message }
  end
end
return health
