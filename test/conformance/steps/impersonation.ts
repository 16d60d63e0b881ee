// Requests in somebody else's name (Impersonate-User and its companions), as `kubectl --as` and the tests of permissions send them.
import { get, post } from "../step.ts";
import type { Step } from "../step.ts";

const CMS = "/api/v1/namespaces/impersonation/configmaps";
const WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const ALICE = { "impersonate-user": "alice@example.com", "impersonate-group": "system:masters" };

export const impersonation: readonly Step[] = [
  post("namespace for impersonation", "/api/v1/namespaces", { metadata: { name: "impersonation" } }),
  post("create as another administrator", CMS, { metadata: { name: "x" } }, { headers: ALICE }),
  get("read as another administrator", `${CMS}/x`, { headers: ALICE }),
  get("list as another administrator", CMS, { headers: ALICE }),
  post("who am I as myself", WHO, {}),
  post("who am I as another", WHO, {}, { headers: ALICE }),
  get("a group without a user", CMS, { headers: { "impersonate-group": "system:masters" } }),
  get("an extra without a user", CMS, { headers: { "impersonate-extra-reason": "a test" } }),
  get("a uid without a user", CMS, { headers: { "impersonate-uid": "7" } }),
  get("nobody impersonates", CMS, { auth: "none", headers: ALICE }),
  get("a stranger impersonates", CMS, { auth: "bad", headers: ALICE }),
  get("list as somebody without roles", CMS, { headers: { "impersonate-user": "bob@example.com" } }),
  post(
    "create as somebody without roles",
    CMS,
    { metadata: { name: "y" } },
    { headers: { "impersonate-user": "bob@example.com" } },
  ),
];
