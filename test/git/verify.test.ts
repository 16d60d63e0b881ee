// Signatures made with real keys, ssh's and OpenPGP's: only one that is whole, timely, for git and by a trusted key is good.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { CommitSha, PolicyGit, SignatureVerdict } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { checkSigningKey } from "../../controller/git/signing-key.ts";
import type { TrustFiles } from "../../controller/git/trust.ts";
import { author } from "./contract.ts";
import { createDiskRemote, type DiskRemote } from "./support/disk-remote.ts";
import { newPgpKey, type PgpKey, signHead, stopPgpAgents } from "./support/pgp-key.ts";

const [ANN, EVE] = ["ann@example.test", "eve@example.test"];
const time = Date.UTC(2026, 0, 1);

let disk: DiskRemote;
beforeEach(() => {
  disk = createDiskRemote();
});
afterEach(() => disk.remove());

async function opened(trust: TrustFiles): Promise<PolicyGit> {
  const git = await openPolicyGit({
    url: disk.bare,
    branch: "main",
    directory: join(disk.folder, "stores"),
    author,
    clock: systemClock,
    allowInsecure: true,
    trust,
  });
  await git.fetch();
  return git;
}
const verify = async (commit: CommitSha, trust: TrustFiles): Promise<SignatureVerdict> =>
  (await opened(trust)).verify(commit);
const signed = (signedBy: string): CommitSha =>
  disk.people.commitFiles("main", { "a.yaml": "a: 1\n" }, { time, signedBy });
const write = (name: string, text: string): string => {
  const file = join(disk.folder, name);
  writeFileSync(file, text);
  return file;
};
const publicKey = (name: string): string => readFileSync(`${disk.keyOf(name)}.pub`, "utf8");
/** Puts the commit on main again, its content changed by `change`, under its old signature. */
function forge(commit: CommitSha, change: (body: string) => string): CommitSha {
  const body = execFileSync("git", ["-C", disk.bare, "cat-file", "commit", commit], { encoding: "utf8" });
  const made = execFileSync("git", ["-C", disk.bare, "hash-object", "-w", "-t", "commit", "--stdin"], {
    input: change(body),
    encoding: "utf8",
  }).trim() as CommitSha;
  disk.people.forcePush("main", made);
  return made;
}

describe("ssh signatures", () => {
  it("are good by a key that may sign for git at the commit's time", async () => {
    const commit = signed(ANN);

    expect(await verify(commit, { allowedSignersFile: disk.allowedSigners([ANN]) })).toEqual({
      kind: "Verified",
      commit,
      signer: ANN,
    });
    for (const options of ['namespaces="git" ', 'valid-after="20250101",valid-before="20270101" '])
      expect((await verify(commit, { allowedSignersFile: disk.allowedSigners([ANN], options) })).kind).toBe("Verified");
  });

  const cases: readonly (readonly [string, () => readonly [CommitSha, TrustFiles]])[] = [
    ["there is none", () => [disk.people.commitFiles("main", { "a.yaml": "1" }, { time }), trustAnn()]],
    ["its key is another's", () => [signed(EVE), trustAnn()]],
    ["its key was revoked", () => [signed(ANN), { ...trustAnn(), revokedKeysFile: write("revoked", publicKey(ANN)) }]],
    ["its key had expired by then", () => [signed(ANN), expiring('valid-before="20251231" ')]],
    ["its key was not valid yet", () => [signed(ANN), expiring('valid-after="20260201" ')]],
    ["its key may sign for something else only", () => [signed(ANN), expiring('namespaces="file" ')]],
    ["it was made for something else", () => [otherNamespace(), trustAnn()]],
    ["the content was changed afterwards", () => [forge(signed(ANN), (body) => `${body}more\n`), trustAnn()]],
    [
      "the tree was changed afterwards",
      () => [forge(signed(ANN), (body) => body.replace(/^tree .*/, `tree ${otherTree()}`)), trustAnn()],
    ],
    [
      "it is cut short",
      () => [
        forge(signed(ANN), (body) => body.replace(/\n [A-Za-z0-9+/=]{20,}\n -----END/, "\n -----END")),
        trustAnn(),
      ],
    ],
    [
      "it is of no known kind",
      () => [forge(signed(ANN), (body) => body.replaceAll("SSH SIGNATURE", "FOO SIGNATURE")), trustAnn()],
    ],
    ["it is another commit's", () => [transplanted(), trustAnn()]],
    ["only OpenPGP keys are trusted", () => [signed(ANN), { keyringFile: newPgpKey(disk, "ann").publicFile }]],
  ];
  const trustAnn = (): TrustFiles => ({ allowedSignersFile: disk.allowedSigners([ANN]) });
  const expiring = (options: string): TrustFiles => ({ allowedSignersFile: disk.allowedSigners([ANN], options) });
  const otherTree = (): string =>
    execFileSync("git", ["-C", disk.bare, "mktree"], { input: "", encoding: "utf8" }).trim();
  const transplanted = (): CommitSha => {
    const first = execFileSync("git", ["-C", disk.bare, "cat-file", "commit", signed(ANN)], { encoding: "utf8" });
    const signature = /\ngpgsig [^]*?-----END SSH SIGNATURE-----\n/.exec(first)?.[0] ?? "";
    return forge(disk.people.commitFiles("main", { "b.yaml": "2" }, { time }), (body) =>
      body.replace("\n\n", `${signature}\n`),
    );
  };
  const otherNamespace = (): CommitSha => {
    const bare = disk.people.commitFiles("main", { "a.yaml": "1" }, { time });
    const body = execFileSync("git", ["-C", disk.bare, "cat-file", "commit", bare]);
    const signature = execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-n", "file", "-f", disk.keyOf(ANN)], {
      input: body,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "ignore"],
    });
    return forge(bare, (text) => text.replace("\n\n", `\ngpgsig ${signature.trim().replaceAll("\n", "\n ")}\n\n`));
  };

  it.each(cases)("are not good where %s", async (_, make) => {
    const [commit, trust] = make();
    const verdict = await verify(commit, trust);

    expect(verdict).toMatchObject({ kind: "Unverified", commit });
    expect(verdict.kind === "Unverified" && verdict.why).toBeTruthy();
  });

  it("are not good since a commit that is not in the repository: nobody knows what came in between", async () => {
    const head = signed(ANN);
    const git = await opened(trustAnn());

    expect(await git.verify(head, "0123456789".repeat(4) as CommitSha)).toMatchObject({
      kind: "Unverified",
      commit: head,
      why: expect.stringContaining("cannot be listed") as string,
    });
  });

  it("are told by the commit that has none that can be read, among others that are good", async () => {
    const root = disk.people.commitFiles("main", { "a.yaml": "0" }, { time });
    const bad = forge(signed(ANN), (body) => body.replaceAll("SSH SIGNATURE", "FOO SIGNATURE"));
    const head = disk.people.commitFiles("main", { "b.yaml": "b: 1\n" }, { time, signedBy: ANN });
    const git = await opened(trustAnn());

    expect(await git.verify(head, root)).toMatchObject({
      kind: "Unverified",
      commit: bad,
      why: "git cannot read its signature",
    });
    expect((await git.verify(head, bad)).kind).toBe("Verified");
  });

  it("follow the files as they are now: a key that is taken out is not trusted any more", async () => {
    const commit = signed(ANN);
    const file = disk.allowedSigners([ANN]);
    const git = await opened({ allowedSignersFile: file });
    expect((await git.verify(commit)).kind).toBe("Verified");

    writeFileSync(file, `${EVE} ${publicKey(EVE)}`);
    expect((await git.verify(commit)).kind).toBe("Unverified");
    writeFileSync(file, "# nobody\n");
    await expect(git.verify(commit)).rejects.toMatchObject({ code: "RW1132" });
  });

  it("follow the file of revoked keys, too, in the same process", async () => {
    const commit = signed(ANN);
    disk.people.commitFiles("main", { "b.yaml": "b: 1\n" }, { time, signedBy: EVE });
    const revokedKeysFile = write("revoked", publicKey(EVE));
    const git = await opened({ ...trustAnn(), revokedKeysFile });
    expect((await git.verify(commit)).kind).toBe("Verified");

    writeFileSync(revokedKeysFile, publicKey(ANN));
    expect((await git.verify(commit)).kind).toBe("Unverified");
  });

  it("name the signer of a commit that stands before the one that was verified last", async () => {
    const before = signed(ANN);
    const after = disk.people.commitFiles("main", { "b.yaml": "b: 1\n" }, { time, signedBy: ANN });
    const git = await opened(trustAnn());

    expect(await git.verify(before, after)).toEqual({ kind: "Verified", commit: before, signer: ANN });
  });

  it("of more commits than anybody would wait for are not asked for", async () => {
    const root = signed(ANN);
    const commits = Array.from(
      { length: 5_001 },
      (_, index) =>
        `commit refs/heads/main\ncommitter a <a@example.test> ${1_770_000_000 + index} +0000\ndata 0\n${index === 0 ? `from ${root}\n` : ""}`,
    );
    execFileSync("git", ["-C", disk.bare, "fast-import", "--quiet"], { input: commits.join("") });
    const head = execFileSync("git", ["-C", disk.bare, "rev-parse", "main"], { encoding: "utf8" }).trim() as CommitSha;
    const git = await opened(trustAnn());

    expect(await git.verify(head, root)).toMatchObject({
      kind: "Unverified",
      commit: head,
      why: expect.stringContaining("more than 5000 commits") as string,
    });
  });

  it.each([
    ["that is not there", { allowedSignersFile: "/nonexistent/signers" }],
    ["of revoked keys that is not there", { allowedSignersFile: "", revokedKeysFile: "/nonexistent/revoked" }],
    ["of OpenPGP keys that is none", { keyringFile: "/etc/hostname" }],
    ["at all", {}],
  ] as const)("cannot be judged without a file %s", async (_, trust) => {
    const commit = signed(ANN);
    const files =
      "allowedSignersFile" in trust && trust.allowedSignersFile === ""
        ? { ...trust, allowedSignersFile: disk.allowedSigners([ANN]) }
        : trust;

    await expect(verify(commit, files)).rejects.toMatchObject({ code: "RW1132" });
  });
});

/** A commit that the key signed, at a time that gpg believes. */
function pgpSigned(key: PgpKey): CommitSha {
  disk.people.commitFiles("main", { "a.yaml": "1" }, { time });
  return signHead(disk, key);
}

describe("OpenPGP signatures", () => {
  afterEach(() => stopPgpAgents(disk));

  it("are good by a key of the keyring, and no keyring but that one is asked", async () => {
    const ann = newPgpKey(disk, "ann");
    const commit = pgpSigned(ann);
    const before = process.env["GNUPGHOME"];
    process.env["GNUPGHOME"] = ann.home;
    try {
      expect(await verify(commit, { keyringFile: ann.publicFile })).toMatchObject({
        kind: "Verified",
        signer: expect.stringContaining("ann@example.test"),
      });
      expect((await verify(commit, { keyringFile: newPgpKey(disk, "eve").publicFile })).kind).toBe("Unverified");
      expect((await verify(commit, { allowedSignersFile: disk.allowedSigners([ANN]) })).kind).toBe("Unverified");
    } finally {
      if (before === undefined) delete process.env["GNUPGHOME"];
      else process.env["GNUPGHOME"] = before;
    }
  });

  it("are not good where the content was changed afterwards", async () => {
    const ann = newPgpKey(disk, "ann");
    const commit = forge(pgpSigned(ann), (body) => `${body}more\n`);

    expect((await verify(commit, { keyringFile: ann.publicFile })).kind).toBe("Unverified");
  });

  it("are not good by a key that has expired, although it had not when it signed", async () => {
    const ann = newPgpKey(disk, "ann", "2026-02-01");
    const commit = pgpSigned(ann);

    expect(await verify(commit, { keyringFile: ann.publicFile })).toMatchObject({
      kind: "Unverified",
      why: expect.stringContaining("expired"),
    });
  });

  it("are not good by a key that was revoked", async () => {
    const ann = newPgpKey(disk, "ann");
    const commit = pgpSigned(ann);
    const certificate = readdirSync(join(ann.home, "openpgp-revocs.d"))[0] ?? "";
    const text = readFileSync(join(ann.home, "openpgp-revocs.d", certificate), "utf8").replace(
      ":-----BEGIN",
      "-----BEGIN",
    );
    ann.run("--import", write("revocation", text));
    writeFileSync(ann.publicFile, ann.run("--armor", "--export"));

    expect(await verify(commit, { keyringFile: ann.publicFile })).toMatchObject({
      kind: "Unverified",
      why: expect.stringContaining("revoked"),
    });
  });
});

describe("a signing key", () => {
  it.each([
    ["of kind ecdsa", ["-t", "ecdsa", "-N", ""]],
    ["with a passphrase", ["-t", "ed25519", "-N", "secret"]],
  ])("%s is refused", async (_, args) => {
    const file = join(disk.folder, "key");
    execFileSync("ssh-keygen", ["-q", ...args, "-f", file]);

    await expect(checkSigningKey(file)).rejects.toMatchObject({ code: "RW1133" });
  });

  it("of kind RSA or ed25519 will do, and what is none will not", async () => {
    execFileSync("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", join(disk.folder, "rsa")]);
    await checkSigningKey(join(disk.folder, "rsa"));
    await checkSigningKey(disk.keyOf(ANN));

    for (const file of [
      "/nonexistent",
      write("none", "hello"),
      write("cut", readFileSync(disk.keyOf(ANN), "utf8").slice(0, 90)),
    ])
      await expect(checkSigningKey(file)).rejects.toMatchObject({ code: "RW1133" });
  });
});
