-- Made by `npm run generate` from controller/api/reasons.ts. Do not edit.
-- Health of the DisruptionLedger for Argo CD: a mode is what people chose, and Stop is a brake.
local mode = "Observe"
if obj.spec ~= nil and obj.spec.mode ~= nil then
  mode = obj.spec.mode
end
if mode == "Stop" then
  return { status = "Suspended", message = "mode Stop: nothing starts, and what is in flight is brought to safety" }
end
if mode == "Observe" then
  return { status = "Healthy", message = "mode Observe: nothing is touched" }
end
return { status = "Healthy", message = "mode " .. mode }
