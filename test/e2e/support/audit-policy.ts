// What the API server's audit log holds: bodies of every write that tests judge, and who read what. Heartbeats would be most of it, and
// nobody judges by them.
export const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  omitManagedFields: true,
  rules: [
    { level: "None", nonResourceURLs: ["/*"] },
    { level: "None", resources: [{ group: "", resources: ["events"] }, { group: "events.k8s.io" }] },
    {
      level: "None",
      verbs: ["get", "list", "watch", "create", "update", "patch"],
      resources: [{ group: "coordination.k8s.io", resources: ["leases"] }],
      namespaces: ["kube-node-lease"],
    },
    // Tokens stay out of files.
    { level: "Metadata", resources: [{ group: "", resources: ["secrets", "serviceaccounts/token"] }] },
    { level: "Metadata", verbs: ["get", "list", "watch"] },
    { level: "RequestResponse" },
  ],
} as const;
