// Where the sandbox is known to answer otherwise, and why. docs/sandbox.md names each of these rows with its reason (the test
// holds both), and a row that no longer differs must leave the list.

export interface Known {
  readonly why: string;
  readonly rows: readonly string[];
}

export const DIFFERING: readonly Known[] = [
  {
    why: "the message shows Go's internal structs, Go's parser or a validation library's inner path; status, reason and meaning are equal",
    rows: [
      "a pod's node does not change",
      "a suspended job's image does not change",
      "strategic: a list where an object belongs",
      "apply what is no YAML",
      "a condition with a time that is none",
      "a limit with a fraction",
      "a group without a user",
      "an extra without a user",
      "a uid without a user",
    ],
  },
  {
    why: "the name that is complained about was drawn: no two servers draw the same",
    rows: ["generate from a prefix that is none"],
  },
  {
    why: "answers are JSON, and tables have one version",
    rows: ["accept YAML", "accept protobuf with JSON behind it", "accept a table of an old version"],
  },
  {
    why: "defaults and checks of kinds that neither the controller nor the actors write",
    rows: ["a service", "a claim", "update makes what an endpoint lacks", "a job's selector does not change"],
  },
  {
    why: "a job's status is checked by the job controller's actor, not again by the server",
    rows: ["a job is complete without having begun"],
  },
  {
    why: "a real server takes an eviction's version precondition for a race, tries again and finds the budget spent; the sandbox says what is wrong",
    rows: ["evict with another version"],
  },
  {
    why: "a real server loses the time of a field manager that wrote through scale",
    rows: [
      "apply a status",
      "apply a spec through the status changes nothing",
      "apply a status through the main resource changes nothing",
      "the deployment after all applies",
    ],
  },
  {
    why: "details of representations that no client reads: a generation that a client made up for a kind without one, an annotation left out of a table's metadata, a guess at what remains of a page, a review's managedFields, a warning before a refusal",
    rows: [
      "what a client may not set is ignored",
      "daemon sets as a table",
      "a page at a version without a match",
      "may I",
      "a calendar of another version",
    ],
  },
  {
    why: "no authorization: every known user may do everything",
    rows: ["list as somebody without roles", "create as somebody without roles"],
  },
  {
    why: "a patch that turns an object into another kind is refused with 400 instead of 422",
    rows: ["merge: another kind"],
  },
];
