import { beforeEach, expect, test } from "vitest";
import { findReference, rememberReference } from "../../../../service/decide/session/call-reference.ts";
import { decisions } from "../../../helpers/decisions.ts";

const named = { tenant: "t1", pepId: "gw", reference: "r-1" };
let world: ReturnType<typeof decisions>;
beforeEach(() => {
  world = decisions({});
});

const remember = (decisionId: string, who = named) => rememberReference(world.sessions, who, decisionId, world.clock.ms);
const find = (who = named) => findReference(world.sessions, who, world.clock.ms);

test("a reference means the decision that it was given to, for its own enforcement point and tenant only", async () => {
  const { id } = await world.ask("read");
  await remember(id);
  expect(await find()).toBe(id);
  expect([
    await find({ ...named, pepId: "other" }),
    await find({ ...named, tenant: "t2" }),
    await find({ ...named, reference: "r-2" }),
  ]).toEqual([null, null, null]);
});

test("while two calls of one name wait it means neither", async () => {
  const [first, second] = [await world.ask("fetch"), await world.ask("directory")];
  await remember(first.id);
  await remember(second.id);
  expect(await find()).toBeNull();
});

test("once the earlier one was heard of, the name is free again", async () => {
  const [first, second] = [await world.ask("fetch"), await world.ask("directory")];
  await remember(first.id);
  await world.report(first.id);
  await remember(second.id);
  expect(await find()).toBe(second.id);
  await remember(second.id);
  expect(await find()).toBe(second.id);
});

test("many of one name stay ambiguous", async () => {
  for (let i = 0; i < 12; i++) await remember((await world.ask("read")).id);
  expect(await find()).toBeNull();
});
