// Whose and where: users, Apps and repositories in the shape of GitHub's REST API, with every field that its description requires. Pure.
import type { MergeMethod } from "../../forge/port.ts";

/** Where this forge lives and what it serves. */
export interface ForgeAddress {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly owner: string;
  readonly repository: string;
}

export type Json = Readonly<Record<string, unknown>>;

/** Of this repository, in the API. */
export function apiUrl(at: ForgeAddress): string {
  return `${at.url}/api/v3/repos/${at.owner}/${at.repository}`;
}

export function numberOf(text: string): number {
  let hash = 7;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_000_007;
  return hash;
}

export function userShape(at: ForgeAddress, login: string): Json {
  const name = encodeURIComponent(login);
  const api = `${at.url}/api/v3/users/${name}`;
  return {
    login,
    id: numberOf(login),
    node_id: `U_${numberOf(login)}`,
    avatar_url: `${at.url}/avatars/${name}`,
    gravatar_id: "",
    type: login.endsWith("[bot]") ? "Bot" : "User",
    site_admin: false,
    url: api,
    html_url: `${at.url}/${name}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
  };
}

/** GET /user: what everybody may see of the caller. */
export function viewerShape(at: ForgeAddress, login: string): Json {
  return {
    ...userShape(at, login),
    user_view_type: "public",
    name: login,
    company: null,
    blog: null,
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 1,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: begin,
    updated_at: begin,
  };
}

const begin = "2026-01-01T00:00:00Z";

export function appShape(at: ForgeAddress, app: { readonly appId: number; readonly slug: string }): Json {
  return {
    id: app.appId,
    slug: app.slug,
    node_id: `A_${app.appId}`,
    owner: userShape(at, at.owner),
    name: app.slug,
    description: null,
    external_url: at.url,
    html_url: `${at.url}/apps/${app.slug}`,
    created_at: begin,
    updated_at: begin,
    permissions: { checks: "write", contents: "write", issues: "write", pull_requests: "write" },
    events: [],
  };
}

/** What a repository says of itself beyond its name. */
export interface RepositorySettings {
  readonly methods: readonly MergeMethod[];
  readonly hasIssues: boolean;
}

export const plainSettings: RepositorySettings = { methods: ["merge", "squash", "rebase"], hasIssues: true };

/** Fields whose value is an address below the repository's own. */
const addresses: Readonly<Record<string, string>> = {
  archive_url: "{archive_format}{/ref}",
  assignees_url: "assignees{/user}",
  blobs_url: "git/blobs{/sha}",
  branches_url: "branches{/branch}",
  collaborators_url: "collaborators{/collaborator}",
  comments_url: "comments{/number}",
  commits_url: "commits{/sha}",
  compare_url: "compare/{base}...{head}",
  contents_url: "contents/{+path}",
  contributors_url: "contributors",
  deployments_url: "deployments",
  downloads_url: "downloads",
  events_url: "events",
  forks_url: "forks",
  git_commits_url: "git/commits{/sha}",
  git_refs_url: "git/refs{/sha}",
  git_tags_url: "git/tags{/sha}",
  hooks_url: "hooks",
  issue_comment_url: "issues/comments{/number}",
  issue_events_url: "issues/events{/number}",
  issues_url: "issues{/number}",
  keys_url: "keys{/key_id}",
  labels_url: "labels{/name}",
  languages_url: "languages",
  merges_url: "merges",
  milestones_url: "milestones{/number}",
  notifications_url: "notifications{?since,all,participating}",
  pulls_url: "pulls{/number}",
  releases_url: "releases{/id}",
  stargazers_url: "stargazers",
  statuses_url: "statuses/{sha}",
  subscribers_url: "subscribers",
  subscription_url: "subscription",
  tags_url: "tags",
  teams_url: "teams",
  trees_url: "git/trees{/sha}",
};

export function repositoryShape(
  at: ForgeAddress,
  settings: RepositorySettings = plainSettings,
  name = `${at.owner}/${at.repository}`,
): Json {
  const [owner = "", repository = ""] = name.split("/");
  const api = `${at.url}/api/v3/repos/${name}`;
  const page = `${at.url}/${name}`;
  return {
    ...Object.fromEntries(Object.entries(addresses).map(([field, path]) => [field, `${api}/${path}`])),
    id: numberOf(name),
    node_id: `R_${numberOf(name)}`,
    name: repository,
    full_name: name,
    private: false,
    owner: userShape(at, owner),
    description: null,
    homepage: null,
    language: null,
    license: null,
    mirror_url: null,
    html_url: page,
    url: api,
    clone_url: `${page}.git`,
    git_url: `${page}.git`,
    ssh_url: `${page}.git`,
    svn_url: page,
    fork: name !== `${at.owner}/${at.repository}`,
    archived: false,
    disabled: false,
    default_branch: "main",
    has_issues: settings.hasIssues,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_discussions: false,
    has_downloads: false,
    ...Object.fromEntries(counts.map((field) => [field, 0])),
    permissions: { admin: false, maintain: false, push: true, triage: true, pull: true },
    allow_merge_commit: settings.methods.includes("merge"),
    allow_squash_merge: settings.methods.includes("squash"),
    allow_rebase_merge: settings.methods.includes("rebase"),
    created_at: begin,
    updated_at: begin,
    pushed_at: begin,
  };
}

/** Nobody counts here. */
const counts: readonly string[] = [
  "forks",
  "forks_count",
  "network_count",
  "open_issues",
  "open_issues_count",
  "size",
  "stargazers_count",
  "subscribers_count",
  "watchers",
  "watchers_count",
];
