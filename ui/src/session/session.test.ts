import "fake-indexeddb/auto";

import { beforeEach, expect, test } from "vitest";

import { Api, Refusal, Unreachable } from "../api/client.ts";
import { Tablet } from "../store/database.ts";
import { IdleLock, LOCK_AFTER_MS } from "./idle.ts";
import { NotANurse, Sessions, SHIFT_MS } from "./session.ts";

let nTablets = 0;
let now = 1_000_000;
let answer: () => Response | Promise<Response>;
let asked: Request[] = [];
let sessions: Sessions;

const TOLD = {
  id: "user-1",
  username: "ana",
  role: "nurse",
  hospitals: [],
  author_pass: "note",
  author_pass_expires_at: "2026-11-25T22:00:00Z",
  session_expires_at: "2026-11-25T06:15:00Z",
};

beforeEach(() => {
  nTablets += 1;
  now = 1_000_000;
  asked = [];
  answer = () => Response.json(TOLD);
  const api = new Api({
    version: "0.1.0",
    upload: () => Promise.reject(new TypeError("nothing is brought here")),
    fetch: async (path, init) => {
      asked.push(new Request(new URL(String(path), "http://box.local"), init));
      return answer();
    },
  });
  sessions = new Sessions(api, new Tablet(`people-${nTablets}`), () => now);
});

const refuse = (status: number, code: string): Response =>
  Response.json({ code, errors: [] }, { status, headers: { "retry-after": "7" } });

test("a nurse who signed in works on for a shift, with or without the box", async () => {
  await sessions.signIn("ana", "a long password");
  answer = () => {
    throw new TypeError("network");
  };
  now += SHIFT_MS - 1;
  expect((await sessions.current())?.username).toBe("ana");
  now += 1;
  expect(await sessions.current()).toBe(null);
  expect(await sessions.people()).toEqual([{ id: "user-1", username: "ana" }]);
});

test("fifty lost answers are no end of a sign-in; a clear no is one, and keeps who it was", async () => {
  await sessions.signIn("ana", "a long password");
  answer = () => {
    throw new TypeError("network");
  };
  for (let n = 0; n < 50; n++) await expect(sessions.renew()).rejects.toBeInstanceOf(Unreachable);
  answer = () => new Response("<html>", { status: 401 });
  await expect(sessions.renew()).rejects.toBeInstanceOf(Refusal);
  expect((await sessions.current())?.isOver).toBe(false);
  answer = () => refuse(401, "not-signed-in");
  expect((await sessions.renew())?.isOver).toBe(true);
  expect((await sessions.current())?.id).toBe("user-1");
  answer = () => Response.json(TOLD);
  await sessions.signIn("ana", "a long password");
  expect((await sessions.current())?.isOver).toBe(false);
});

test("a late answer neither undoes a sign-out nor brings back another nurse", async () => {
  await sessions.signIn("ana", "a long password");
  let arrive: (answer: Response) => void = () => undefined;
  answer = () => new Promise<Response>((resolve) => (arrive = resolve));
  const renewing = sessions.renew();
  await expect.poll(() => asked.at(-1)?.url).toContain("refresh");
  const late = arrive;
  answer = () => {
    throw new TypeError("network");
  };
  await sessions.signOut();
  late(Response.json(TOLD));
  expect(await renewing).toBe(null);
  expect(await sessions.current()).toBe(null);

  answer = () => Response.json(TOLD);
  await sessions.signIn("ana", "a long password");
  answer = () => new Promise<Response>((resolve) => (arrive = resolve));
  const again = sessions.renew();
  await expect.poll(() => asked.at(-1)?.url).toContain("refresh");
  const tooLate = arrive;
  answer = () => Response.json({ ...TOLD, id: "user-2", username: "bia" });
  await sessions.signIn("bia", "a long password");
  tooLate(refuse(401, "not-signed-in"));
  expect((await again)?.id).toBe("user-2");
  expect((await sessions.current())?.isOver).toBe(false);
});

test("an answer that breaks off is none", async () => {
  answer = () => new Response('{"id": "user', { status: 200 });
  await expect(sessions.signIn("ana", "a long password")).rejects.toBeInstanceOf(Unreachable);
});

test("only nurses work at a tablet", async () => {
  answer = () => Response.json({ ...TOLD, role: "admin" });
  await expect(sessions.signIn("adm", "a long password")).rejects.toBeInstanceOf(NotANurse);
  expect(await sessions.current()).toBe(null);
  expect(asked.at(-1)?.method).toBe("DELETE");
});

test("signing out works without the box", async () => {
  await sessions.signIn("ana", "a long password");
  answer = () => {
    throw new TypeError("network");
  };
  await sessions.signOut();
  expect(await sessions.current()).toBe(null);
});

test("a PIN has five tries, and a password gives them back", async () => {
  await sessions.signIn("ana", "a long password");
  expect(await sessions.triesLeft("user-1")).toBe(null);
  await sessions.choosePin("user-1", "2580");
  for (let n = 0; n < 5; n++) expect(await sessions.unlock("user-1", "0000")).toBe(false);
  expect(await sessions.triesLeft("user-1")).toBe(0);
  expect(await sessions.unlock("user-1", "2580")).toBe(false);
  await sessions.signIn("ana", "a long password");
  expect(await sessions.unlock("user-1", "2580")).toBe(true);
});

test("nothing personal stands in an address, and the header says who asks", async () => {
  await sessions.signIn("ana", "a long password");
  expect(asked.map(({ url }) => new URL(url).pathname + new URL(url).search)).toEqual(["/v1/users/auth"]);
  expect(asked[0]?.headers.get("x-spira-client")).toBe("pwa/0.1.0");
});

test("the screen locks after five idle minutes, never while somebody records", () => {
  let nLocked = 0;
  let isBusy = false;
  const idle = new IdleLock(() => (nLocked += 1), () => isBusy, () => now);
  now += LOCK_AFTER_MS - 1;
  idle.look();
  expect(nLocked).toBe(0);
  isBusy = true;
  now += LOCK_AFTER_MS;
  idle.look();
  isBusy = false;
  idle.look();
  expect(nLocked).toBe(0);
  now += LOCK_AFTER_MS;
  idle.look();
  expect(nLocked).toBe(1);
});

test("a sign-out without the box is told to it at the next contact, and never to another nurse's sign-in", async () => {
  await sessions.signIn("ana", "a long password");
  answer = () => {
    throw new TypeError("network");
  };
  await sessions.signOut();
  await expect(sessions.finishSignOut()).rejects.toBeInstanceOf(Unreachable);
  answer = () => Response.json(TOLD);
  await sessions.finishSignOut();
  expect(asked.at(-1)?.method).toBe("DELETE");
  const nAsked = asked.length;
  await sessions.finishSignOut();
  expect(asked.length).toBe(nAsked);

  answer = () => {
    throw new TypeError("network");
  };
  await sessions.signOut();
  await expect(sessions.signIn("bia", "a long password")).rejects.toBeInstanceOf(Unreachable);
  answer = () => Response.json(TOLD);
  await sessions.signIn("bia", "a long password");
  await sessions.finishSignOut();
  expect(asked.at(-1)?.method).toBe("POST");

  await sessions.signOut();
  answer = () => refuse(401, "not-signed-in");
  await sessions.finishSignOut();
});

test("what cannot be a PIN costs no try", async () => {
  await sessions.choosePin("user-1", "2580");
  for (const typed of ["", "258", "25a0", "123456789"]) expect(await sessions.unlock("user-1", typed)).toBe(false);
  expect(await sessions.triesLeft("user-1")).toBe(5);
});

test("tries at the same time are counted one after the other", async () => {
  await sessions.choosePin("user-1", "2580");
  const tried = await Promise.all(["0000", "1111", "2222"].map((pin) => sessions.unlock("user-1", pin)));
  expect(tried).toEqual([false, false, false]);
  expect(await sessions.triesLeft("user-1")).toBe(2);
});
