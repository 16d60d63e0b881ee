// What every PolicyGit promises, whatever is behind it. Run by repository.test.ts (disk, HTTP) and memory.test.ts.
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { CommitSha, FolderContent, NewCommit, PolicyGit } from "../../controller/git/port.ts";
import type { ContractPeople } from "./support/disk-remote.ts";

export interface ContractRemote {
  readonly people: ContractPeople;
  /** As a forge does it when a pull request is opened or pushed to. */
  showPull(number: number, head: CommitSha): void;
  open(signatures?: ContractSignatures): Promise<PolicyGit>;
  close(): Promise<void>;
}

export interface ContractSignatures {
  /** Whose signatures are good. */
  readonly trusted?: readonly string[];
  /** Who signs our own commits. */
  readonly signer?: string;
}

export const author = { name: "Ringward", email: "ringward@example.test" };
const start = Date.UTC(2026, 0, 1);
const at = (minutes: number): { time: number } => ({ time: start + minutes * 60_000 });
const ring = "policies/rings/canary.yaml";

export function policyGitContract(name: string, make: () => Promise<ContractRemote>): void {
  describe(`PolicyGit: ${name}`, () => {
    let remote: ContractRemote;
    let people: ContractPeople;
    let root: CommitSha;
    beforeEach(async () => {
      remote = await make();
      people = remote.people;
      root = people.commitFiles(
        "main",
        { [ring]: "kind: RolloutRing\n", "README.md": "hello\n" },
        { ...at(0), message: "Start" },
      );
    });
    afterEach(() => remote.close());

    const change = (parent: CommitSha, text: string, rest: Partial<NewCommit> = {}): NewCommit => ({
      branch: "main",
      parent,
      files: new Map([[ring, text]]),
      message: "Promote canary",
      time: start + 3_600_000,
      ...rest,
    });

    describe("a pull request's head", () => {
      const other = "policies/rings/other.yaml";
      const text = (soak: string, budget: string): string => `soak: ${soak}\n#\n#\n#\n#\nbudget: ${budget}\n`;

      const offer = (number: number, files: Readonly<Record<string, string | null>>): CommitSha => {
        const head = people.commitFiles("topic", files, { ...at(3), from: "main" });
        people.deleteBranch("topic");
        remote.showPull(number, head);
        return head;
      };

      it("is read as it would be after the merge, also where both changed a file, and moves nothing", async () => {
        const git = await remote.open();
        people.commitFiles("main", { [ring]: text("1h", "1"), "big.bin": "x".repeat(1000) }, at(1));
        const head = offer(7, { [ring]: text("1h", "2"), [other]: "new: 1\n" });
        const onto = people.commitFiles("main", { [ring]: text("2h", "1") }, at(4));
        await git.fetch();

        const content = await git.readPull({ number: 7, head, onto, path: "policies" });

        expect(content).toMatchObject({
          kind: "Merged",
          files: [
            { path: ring, text: text("2h", "2") },
            { path: other, text: "new: 1\n" },
          ],
        });
        expect(people.head("main")).toBe(onto);
        expect((await git.fetch()).head).toBe(onto);
        expect(await git.branches("")).toEqual(new Map([["main", onto]]));
      });

      it("conflicts by name", async () => {
        const git = await remote.open();
        const head = offer(8, { [ring]: "kind: Mine\n" });
        const onto = people.commitFiles("main", { [ring]: "kind: Yours\n" }, at(4));
        await git.fetch();

        expect(await git.readPull({ number: 8, head, onto, path: "" })).toEqual({ kind: "Conflicts", paths: [ring] });
      });

      it("may take a file away", async () => {
        const git = await remote.open();
        people.commitFiles("main", { [other]: "old: 1\n" }, at(1));
        const head = offer(9, { [other]: null });
        const { head: onto } = await git.fetch();

        const content = await git.readPull({ number: 9, head, onto, path: "policies" });
        expect(content.kind === "Merged" && content.files.map(({ path }) => path)).toEqual([ring]);
      });
    });

    it("reads the policy files of a commit, sorted, with text as committed", async () => {
      const git = await remote.open();
      people.commitFiles(
        "main",
        { "policies/a.yml": "\uFEFFa: 1\r\n", "policies/ä/b.json": "{}", "other/c.yaml": "c: 1\n" },
        at(1),
      );

      const { head } = await git.fetch();
      const all = await git.read(head, "");
      const some = await git.read(head, "policies/");

      expect(all.commit).toBe(head);
      expect(all.time).toBe(start + 60_000);
      expect(all.files.map((file) => file.path)).toEqual(["other/c.yaml", "policies/a.yml", ring, "policies/ä/b.json"]);
      expect(some.files.map((file) => file.path)).toEqual(["policies/a.yml", ring, "policies/ä/b.json"]);
      expect(some.files[0]?.text).toBe("\uFEFFa: 1\r\n");
      expect(some.files.every((file) => file.problem === undefined && /^[0-9a-f]{40}$/.test(file.blob))).toBe(true);
      expect(all.noFolder ?? some.noFolder).toBeUndefined();
      for (const path of ["nowhere", ring])
        expect(await git.read(head, path)).toMatchObject({ files: [], noFolder: true });
    });

    it("reads an old commit as it was", async () => {
      const git = await remote.open();
      people.commitFiles("main", { [ring]: "kind: Other\n" }, at(1));
      await git.fetch();

      expect((await git.read(root, "policies")).files[0]?.text).toBe("kind: RolloutRing\n");
    });

    it("names what it cannot read and reads the rest", async () => {
      const git = await remote.open();
      people.commitSymlink("main", "policies/link.yaml", "/etc/passwd", at(1));
      people.commitSymlink("main", "policies/folder", "../other", at(1));
      people.commitSymlink("main", "policies/CHANGES.md", "../README.md", at(1));
      people.commitFiles(
        "main",
        {
          "policies/big.yaml": "x".repeat(1024 * 1024 + 1),
          "policies/binary.yaml": new Uint8Array([1, 0, 2]),
          "policies/latin1.yaml": new Uint8Array([0x61, 0xe4, 0x0a]),
          "policies/lfs.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        },
        at(2),
      );

      const { head } = await git.fetch();
      const { files } = await git.read(head, "policies");

      expect(files.map((file) => [file.path, file.problem?.code])).toEqual([
        ["policies/big.yaml", "FileTooLarge"],
        ["policies/binary.yaml", "FileBinary"],
        ["policies/folder", "FileIsSymlink"],
        ["policies/latin1.yaml", "FileNotUtf8"],
        ["policies/lfs.yaml", "FileInLfs"],
        ["policies/link.yaml", "FileIsSymlink"],
        [ring, undefined],
      ]);
      expect(files.filter((file) => file.problem !== undefined).every((file) => file.text === "")).toBe(true);
    });

    describe("a folder as it is", () => {
      const chart = {
        "charts/web/Chart.yaml": "name: web\n",
        "charts/web/templates/_helpers.tpl": "{{- define }}\r\n",
        "charts/web/charts/dep-1.0.0.tgz": new Uint8Array([0x1f, 0x8b, 0, 0xff]),
        "charts/website/Chart.yaml": "name: other\n",
      };
      const show = (content: FolderContent): unknown =>
        content.kind === "Refused"
          ? content.why
          : content.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString("latin1")]);

      it("is read whole, byte for byte, at the commit that is asked for", async () => {
        const git = await remote.open();
        people.commitFiles("main", chart, at(1));
        const { head } = await git.fetch();

        expect(show(await git.readFolder(head, "charts/web/"))).toEqual([
          ["charts/web/Chart.yaml", "name: web\n"],
          ["charts/web/charts/dep-1.0.0.tgz", "\x1f\x8b\0\xff"],
          ["charts/web/templates/_helpers.tpl", "{{- define }}\r\n"],
        ]);
        expect(show(await git.readFolder(head, "charts/website/Chart.yaml"))).toEqual([
          ["charts/website/Chart.yaml", "name: other\n"],
        ]);
        expect(show(await git.readFolder(root, ""))).toEqual([
          ["README.md", "hello\n"],
          [ring, "kind: RolloutRing\n"],
        ]);
      });

      it("is refused where nothing is there, and never read in part", async () => {
        const git = await remote.open();
        people.commitFiles("main", chart, at(1));
        people.commitFiles("main", { "big/a.bin": "x".repeat(20 << 20), "big/b.bin": "x".repeat(20 << 20) }, at(2));
        people.commitFiles(
          "main",
          Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`many/${index}`, ""])),
          at(3),
        );
        people.commitSymlink("main", "charts/web/files", "../../..", at(4));
        people.commitSymlink("main", "charts/linked.yaml", "web/Chart.yaml", at(5));
        const { head } = await git.fetch();

        expect(show(await git.readFolder(head, "charts/none"))).toBe("there is no charts/none");
        expect(show(await git.readFolder(root, "charts"))).toBe("there is no charts");
        expect(show(await git.readFolder(head, "big"))).toMatch(/^big holds 41943040 bytes, more than/);
        expect(show(await git.readFolder(head, "many"))).toMatch(/^many holds 2001 files, more than/);
        expect(show(await git.readFolder(head, "charts/web"))).toMatch(/^charts\/web\/files is a symbolic link/);
        expect(show(await git.readFolder(head, "charts/linked.yaml"))).toMatch(
          /^charts\/linked.yaml is a symbolic link/,
        );
        await expect(git.readFolder(head, "../outside")).rejects.toThrow(/".."/);
      });
    });

    it("tells ancestors, parents and history, and knows nothing of commits that it has not fetched", async () => {
      const git = await remote.open();
      await git.fetch();
      const second = people.commitFiles(
        "main",
        { [ring]: "kind: B\n" },
        { ...at(1), message: "Second\n\nWith a body." },
      );

      expect(await git.isAncestor(root, second)).toBe(false);
      await git.fetch();

      expect(await git.isAncestor(root, second)).toBe(true);
      expect(await git.isAncestor(second, second)).toBe(true);
      expect(await git.isAncestor(second, root)).toBe(false);
      expect(await git.isAncestor("0".repeat(40) as CommitSha, second)).toBe(false);
      expect(await git.parent(second)).toBe(root);
      expect(await git.parent(root)).toBeUndefined();
      expect(await git.log(undefined, second, 10)).toEqual([
        {
          commit: second,
          time: start + 60_000,
          author: "A Person <person@example.test>",
          message: "Second\n\nWith a body.",
        },
        { commit: root, time: start, author: "A Person <person@example.test>", message: "Start" },
      ]);
      expect((await git.log(root, second, 10)).map((entry) => entry.commit)).toEqual([second]);
      expect((await git.log(undefined, second, 1)).map((entry) => entry.commit)).toEqual([second]);
      expect(await git.log(second, second, 10)).toEqual([]);
    });

    it("finds the commit that last changed a path, also through merges and deletions", async () => {
      const git = await remote.open();
      const side = people.commitFiles("side", { "policies/side.yaml": "s: 1\n" }, { ...at(1), from: "main" });
      const third = people.commitFiles("main", { "policies/gone.yaml": "g: 1\n" }, at(2));
      const merge = people.merge("side", "main", { ...at(3), mode: "mergeCommit" });
      const deleted = people.commitFiles("main", { "policies/gone.yaml": null }, at(4));
      const { head } = await git.fetch();

      expect(await git.lastChange(head, "policies/side.yaml")).toEqual({ commit: side, time: start + 60_000 });
      expect(await git.lastChange(merge, "policies/gone.yaml")).toEqual({ commit: third, time: start + 120_000 });
      expect((await git.lastChange(head, "policies/gone.yaml"))?.commit).toBe(deleted);
      expect((await git.lastChange(head, ring))?.commit).toBe(root);
      expect((await git.lastChange(head, "policies"))?.commit).toBe(deleted);
      expect((await git.lastChange(merge, "policies"))?.commit).toBe(merge);
      expect(await git.lastChange(head, "policies/never.yaml")).toBeUndefined();
      const files = ["policies/side.yaml", "policies/gone.yaml", ring];
      expect(await git.lastChanges(merge, files)).toEqual(
        new Map([
          ["policies/side.yaml", { commit: side, time: start + 60_000 }],
          ["policies/gone.yaml", { commit: third, time: start + 120_000 }],
          [ring, { commit: root, time: start }],
        ]),
      );
      expect([...(await git.lastChanges(head, [ring, ring])).keys()]).toEqual([ring]);
      expect((await git.lastChanges(head, [])).size).toBe(0);
      expect((await git.log(third, head, 9)).map((entry) => entry.commit)).toEqual([deleted, merge]);
    });

    it("shows a rewritten history instead of hiding it (G1)", async () => {
      const git = await remote.open();
      const second = people.commitFiles("main", { [ring]: "kind: B\n" }, at(1));
      await git.fetch();
      people.forcePush("main", root);
      const other = people.commitFiles("main", { [ring]: "kind: C\n" }, at(2));

      const { head } = await git.fetch();

      expect(head).toBe(other);
      expect(await git.isAncestor(second, head)).toBe(false);
      expect((await git.read(second, "policies")).files[0]?.text).toBe("kind: B\n");
    });

    it("pushes one commit that changes only what it names", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();

      const result = await git.push(
        change(head, "kind: RolloutRing # é\r\n", {
          files: new Map([
            [ring, "kind: RolloutRing # é\r\n"],
            ["policies/levels/a.yaml", "kind: PatchLevel\n"],
          ]),
        }),
      );

      expect(result).toEqual({ kind: "Pushed", commit: people.head("main") });
      expect(people.text("main", ring)).toBe("kind: RolloutRing # é\r\n");
      expect(people.text("main", "policies/levels/a.yaml")).toBe("kind: PatchLevel\n");
      expect(people.text("main", "README.md")).toBe("hello\n");
      const after = await git.fetch();
      expect(await git.parent(after.head)).toBe(root);
      expect(await git.log(root, after.head, 5)).toEqual([
        {
          commit: after.head,
          time: start + 3_600_000,
          author: "Ringward <ringward@example.test>",
          message: "Promote canary",
        },
      ]);
      const again = await git.push(change(after.head, "", { files: new Map([[ring, null]]) }));
      expect(again.kind).toBe("Pushed");
      expect(people.text("main", ring)).toBeUndefined();
    });

    it("makes the same commit from the same inputs, and pushing it again is fine", async () => {
      const git = await remote.open();
      const other = await remote.open();
      const { head } = await git.fetch();
      await other.fetch();

      const first = await git.push(change(head, "kind: B\n"));
      const second = await git.push(change(head, "kind: B\n"));
      const third = await other.push(change(head, "kind: B\n"));

      expect(first.kind).toBe("Pushed");
      expect(second).toEqual(first);
      expect(third).toEqual(first);
    });

    it("has git's own commit ids", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();

      expect(head).toBe("15d973a1e1a3ce57bc6249088bffa3f84f37eaf6");
      expect(await git.push(change(head, "kind: B\n"))).toEqual({
        kind: "Pushed",
        commit: "09dc6f87ba5477992f9bfc0e15644af60d2ef8d8",
      });
    });

    it("has git's own commit ids for folders, names and messages of every kind", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();
      const files = new Map<string, string | null>([
        ["a/b/c.yaml", ""],
        ["a.b", "1"],
        ["a0", "2"],
        ["a-b/x", "3"],
        ["ä ö.yaml", "4\r\n"],
        ["README.md", null],
      ]);

      expect(await git.push(change(head, "", { files, message: "\nÜ\n\n  body \n\n\n", time: start + 1999 }))).toEqual({
        kind: "Pushed",
        commit: "c5f43afd0a5ef390ef0167934dc4ba35c655d39f",
      });
    });

    it("moves nothing when somebody was quicker", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();
      const person = people.commitFiles("main", { "policies/x.yaml": "x: 1\n" }, at(1));

      expect(await git.push(change(head, "kind: B\n"))).toEqual({ kind: "Moved", at: person });
      expect(people.head("main")).toBe(person);
      people.forcePush("main", root);
      expect((await git.push(change(head, "kind: B\n"))).kind).toBe("Pushed");
    });

    it("does not bring back what a person took off the tracked branch", async () => {
      const git = await remote.open();
      people.commitFiles("main", { "policies/x.yaml": "x: 1\n" }, at(1));
      const { head } = await git.fetch();
      people.forcePush("main", root);

      expect(await git.push(change(head, "kind: B\n"))).toEqual({ kind: "Moved", at: root });
      people.commitFiles("spare", { a: "1" }, { ...at(2), from: "main" });
      people.deleteBranch("main");
      expect(await git.push(change(head, "kind: B\n"))).toEqual({ kind: "Moved", at: "absent" });
      expect(people.head("main")).toBeUndefined();
    });

    it("makes, moves and deletes proposal branches, each only from where they were seen", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();
      const branch = "ringward/canary/ubuntu";

      const made = await git.push(change(head, "kind: B\n", { branch, expect: "absent" }));
      const madeAgain = await git.push(change(head, "kind: C\n", { branch, expect: "absent" }));
      const first = made.kind === "Pushed" ? made.commit : ("" as CommitSha);
      const moved = await git.push(change(head, "kind: C\n", { branch, expect: first }));
      const second = moved.kind === "Pushed" ? moved.commit : ("" as CommitSha);
      await git.fetch();

      expect(made.kind).toBe("Pushed");
      expect(madeAgain).toEqual({ kind: "Moved", at: first });
      expect(moved.kind).toBe("Pushed");
      expect(await git.branches("ringward/")).toEqual(new Map([[branch, second]]));
      expect(await git.branches("")).toEqual(
        new Map([
          ["main", head],
          [branch, second],
        ]),
      );
      expect(await git.push(change(head, "kind: D\n", { branch, expect: first }))).toEqual({
        kind: "Moved",
        at: second,
      });
      await git.deleteBranch(branch, first);
      expect(people.head(branch)).toBe(second);
      await git.deleteBranch(branch, second);
      await git.deleteBranch(branch, second);
      expect(people.head(branch)).toBeUndefined();
      expect(await git.branches("ringward/")).toEqual(new Map());
      expect((await git.push(change(head, "kind: E\n", { branch }))).kind).toBe("Pushed");
    });

    it("stands a new proposal branch on its parent, whether the branch is missing or already there", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();
      people.commitFiles("ringward/x", { "policies/y.yaml": "y: 1\n" }, { ...at(1), from: "main" });
      people.forcePush("ringward/x", head);

      const result = await git.push(change(head, "kind: B\n", { branch: "ringward/x" }));

      expect(result.kind).toBe("Pushed");
    });

    it("sees branches that people deleted or made since the last fetch", async () => {
      const git = await remote.open();
      people.commitFiles("ringward/a", { "a.yaml": "a: 1\n" }, { ...at(1), from: "main" });
      people.commitFiles("feature/b", { "b.yaml": "b: 1\n" }, { ...at(1), from: "main" });
      await git.fetch();
      expect([...(await git.branches("")).keys()]).toEqual(["main", "ringward/a"]);

      people.deleteBranch("ringward/a");
      await git.fetch();

      expect([...(await git.branches("")).keys()]).toEqual(["main"]);
    });

    it("says whether a fetch brought anything", async () => {
      const git = await remote.open();
      const fetch = async (): Promise<boolean> => (await git.fetch()).changed;
      expect(await fetch()).toBe(true);
      expect(await fetch()).toBe(false);

      people.commitFiles("main", { "a.yaml": "a: 2\n" }, at(1));
      expect(await fetch()).toBe(true);
      people.commitFiles("ringward/a", { "a.yaml": "a: 1\n" }, { ...at(2), from: "main" });
      expect(await fetch()).toBe(true);
      people.commitFiles("feature/b", { "b.yaml": "b: 1\n" }, { ...at(3), from: "main" });
      expect(await fetch()).toBe(false);
      people.deleteBranch("ringward/a");
      expect(await fetch()).toBe(true);

      const { head } = await git.fetch();
      expect((await git.push(change(head, "x: 1\n", { branch: "ringward/x" }))).kind).toBe("Pushed");
      expect(await fetch()).toBe(false);
    });

    it("refuses branches that are not Ringward's, and forced moves of the tracked branch", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();

      await expect(git.push(change(head, "x: 1\n", { branch: "release" }))).rejects.toThrow(
        /neither the tracked branch/,
      );
      await expect(git.push(change(head, "x: 1\n", { expect: head }))).rejects.toThrow(/only ever moves forward/);
      await expect(git.deleteBranch("main", head)).rejects.toThrow(/never deleted/);
      await expect(git.push(change(head, "x: 1\n", { branch: "--upload-pack=x" }))).rejects.toMatchObject({
        code: "RW1102",
      });
    });

    it("refuses to write through a symbolic link, over a folder, or outside the repository", async () => {
      const git = await remote.open();
      people.commitSymlink("main", "policies/link.yaml", "/etc/passwd", at(1));
      const { head } = await git.fetch();
      const write = (path: string): Promise<unknown> =>
        git.push(change(head, "", { files: new Map([[path, "x: 1\n"]]) }));

      await expect(write("policies/link.yaml")).rejects.toMatchObject({ code: "RW1108" });
      await expect(write("policies/link.yaml/x.yaml")).rejects.toMatchObject({ code: "RW1108" });
      await expect(write("policies/rings")).rejects.toMatchObject({ code: "RW1108" });
      await expect(write("README.md/x.yaml")).rejects.toMatchObject({ code: "RW1108" });
      await expect(write("../x.yaml")).rejects.toMatchObject({ code: "RW1103" });
      await expect(write("policies/.git/hooks")).rejects.toMatchObject({ code: "RW1103" });
    });

    it("says plainly when the tracked branch is not there", async () => {
      const git = await remote.open();
      people.commitFiles("spare", { a: "1" }, { ...at(2), from: "main" });
      people.deleteBranch("main");

      await expect(git.fetch()).rejects.toMatchObject({ name: "UserError", code: "RW1111" });
    });

    it("follows merges and reverts as people make them", async () => {
      const git = await remote.open();
      const { head } = await git.fetch();
      await git.push(change(head, "kind: B\n", { branch: "ringward/p" }));
      const merged = people.merge("ringward/p", "main", { ...at(120), mode: "mergeCommit", message: "Approve" });
      await git.fetch();
      expect((await git.read(merged, "policies")).files[0]?.text).toBe("kind: B\n");
      const undone = people.commitFiles("main", { [ring]: "kind: C\n" }, at(130));
      const reverted = people.revert("main", undone, at(140));
      await git.fetch();

      expect((await git.read(reverted, "policies")).files[0]?.text).toBe("kind: B\n");
      expect((await git.log(head, reverted, 9)).map((entry) => entry.commit)).toEqual([reverted, undone, merged]);
      people.commitFiles("ringward/q", { "policies/q.yaml": "q: 1\n" }, { ...at(150), from: "main" });
      expect(people.merge("ringward/q", "main", { ...at(160), mode: "fastForward" })).toBe(people.head("ringward/q"));
    });

    describe("signatures", () => {
      const [ann, eve] = ["ann@example.test", "eve@example.test"];
      const signed = (minutes: number, signedBy: string): { time: number; signedBy: string } => ({
        ...at(minutes),
        signedBy,
      });

      it("are good where somebody who is trusted made them, and not where a stranger or nobody did", async () => {
        const git = await remote.open({ trusted: [ann] });
        const good = people.commitFiles("main", { [ring]: "a: 1\n" }, signed(1, ann));
        const strange = people.commitFiles("main", { [ring]: "a: 2\n" }, signed(2, eve));
        await git.fetch();

        expect(await git.verify(good)).toEqual({ kind: "Verified", commit: good, signer: ann });
        expect(await git.verify(strange)).toMatchObject({ kind: "Unverified", commit: strange });
        expect(await git.verify(root)).toMatchObject({ kind: "Unverified", commit: root });
      });

      it("are asked of every commit since another, the oldest that is wrong being told", async () => {
        const git = await remote.open({ trusted: [ann] });
        const first = people.commitFiles("main", { [ring]: "a: 1\n" }, signed(1, ann));
        const bare = people.commitFiles("main", { [ring]: "a: 2\n" }, at(2));
        people.commitFiles("main", { [ring]: "a: 3\n" }, at(3));
        const head = people.commitFiles("main", { [ring]: "a: 4\n" }, signed(4, ann));
        await git.fetch();

        expect((await git.verify(head)).kind).toBe("Verified");
        expect((await git.verify(head, head)).kind).toBe("Verified");
        expect(await git.verify(head, first)).toMatchObject({ kind: "Unverified", commit: bare });
        expect((await git.verify(first, root)).kind).toBe("Verified");
      });

      it("are asked of both sides of a merge", async () => {
        const git = await remote.open({ trusted: [ann] });
        const first = people.commitFiles("main", { [ring]: "a: 1\n" }, signed(1, ann));
        const aside = people.commitFiles("topic", { "policies/x.yaml": "x: 1\n" }, { ...at(2), from: "main" });
        people.commitFiles("main", { [ring]: "a: 2\n" }, signed(3, ann));
        const merge = people.merge("topic", "main", { ...signed(4, ann), mode: "mergeCommit" });
        await git.fetch();

        expect(await git.verify(merge, first)).toMatchObject({ kind: "Unverified", commit: aside });
        expect((await git.verify(merge)).kind).toBe("Verified");
      });

      it("are not verified where what they are to be compared with is unknown", async () => {
        const git = await remote.open({ trusted: [ann] });
        const head = people.commitFiles("main", { [ring]: "a: 1\n" }, signed(1, ann));
        await git.fetch();

        expect((await git.verify(head, "1".repeat(40) as CommitSha)).kind).toBe("Unverified");
      });

      it("cannot be judged where nobody is named as trusted", async () => {
        const git = await remote.open();
        const head = people.commitFiles("main", { [ring]: "a: 1\n" }, signed(1, ann));
        await git.fetch();

        await expect(git.verify(head)).rejects.toMatchObject({ code: "RW1132" });
      });

      it("are on our own commits, the same each time they are made", async () => {
        const git = await remote.open({ trusted: [ann], signer: ann });
        await git.fetch();
        const pushed = await git.push(change(root, "a: 2\n"));
        const commit = pushed.kind === "Pushed" ? pushed.commit : root;

        expect(await git.verify(commit, root)).toEqual({ kind: "Verified", commit, signer: ann });
        expect(await git.push(change(root, "a: 2\n"))).toEqual({ kind: "Pushed", commit });
      });

      it("must be on our own commits where the tracked branch is verified: nothing is pushed otherwise", async () => {
        for (const signer of [undefined, eve]) {
          const git = await remote.open({ trusted: [ann], ...(signer === undefined ? {} : { signer }) });
          await git.fetch();

          await expect(git.push(change(root, "a: 2\n"))).rejects.toMatchObject({ code: "RW1134" });
          expect(people.head("main")).toBe(root);
          expect((await git.push(change(root, "a: 2\n", { branch: `ringward/${signer ?? "none"}` }))).kind).toBe(
            "Pushed",
          );
        }
      });
    });
  });
}
