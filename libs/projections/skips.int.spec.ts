import { NoteWorld, never, noteProjection, silent, until } from '#libs/testing/note-world.js';
import type { Instance } from './instance.js';
import { Rebuilder } from './rebuild.js';

// What an admin has skipped is passed over wherever the same version is built.
let world: NoteWorld;
beforeEach(async () => {
  world = await NoteWorld.open();
});
afterEach(() => world.close());

describe('building anew', () => {
  it('passes over what was skipped, and nothing else; a new version tries it again', async () => {
    const runner = await world.start([noteProjection()]);
    const [, poison] = await world.note('n-1', 'one', 'poison', 'two');
    await until(() => runner.standing.length === 1);
    const rebuilder = new Rebuilder(world.database, runner);
    const stopped = `note stopped at event ${poison}`;
    await expect(rebuilder.rebuild([noteProjection()], silent, never)).rejects.toThrow(stopped);
    // Up to where it stands there is nothing to stop at.
    expect(await rebuilder.verify([noteProjection()], silent, never)).toMatchObject({
      tables: [{ equal: true, serving: { rows: 1 } }],
      standing: [{ position: 1n, failure: { eventId: poison } }],
      skipped: [],
    });
    await runner.release(runner.projections[0]!, poison!, 'after');
    await world.reached(runner);
    await until(async () => (await world.texts()).length === 2);
    const skipped = [{ projection: 'note', eventId: poison, position: 2n }];
    expect(await rebuilder.rebuild([noteProjection()], silent, never)).toEqual(skipped);
    expect(await world.texts()).toEqual(['one', 'two']);
    expect(await rebuilder.verify([noteProjection()], silent, never)).toMatchObject({
      tables: [{ equal: true, serving: { rows: 2 } }],
      standing: [],
      skipped,
    });
    const [, another] = await world.note('n-1', 'three', 'poison');
    await until(() => runner.standing.length === 1);
    const again = rebuilder.rebuild([noteProjection()], silent, never);
    await expect(again).rejects.toThrow(`note stopped at event ${another}`);
    await runner.stop();
    const next = await world.start([noteProjection(2)]);
    const [building] = next.instances.filter(({ status }) => status === 'building');
    await expect(new Rebuilder(world.database, next).resume(building!, never)).rejects.toThrow(stopped);
  });

  it('goes on past what was skipped in a building that was interrupted', async () => {
    const old = await world.start([noteProjection()]);
    await world.note('n-1', 'one');
    await world.reached(old);
    await old.stop();
    const building: Instance[] = [];
    const onUnfinished = (those: readonly Instance[]): void => void building.splice(0, 9, ...those);
    const runner = await world.start([noteProjection(2)], { onUnfinished });
    const [poison] = await world.note('n-1', 'poison', 'two');
    await until(() => building.length === 1);
    const rebuilder = new Rebuilder(world.database, runner);
    await expect(rebuilder.resume(building[0]!, never)).rejects.toThrow(`note stopped at event ${poison}`);
    await runner.release(runner.projections[0]!, poison!, 'after');
    await rebuilder.resume(building[0]!, never);
    expect(await world.texts()).toEqual(['one', 'two']);
    const verified = await rebuilder.verify([noteProjection(2)], silent, never);
    expect(verified).toMatchObject({ tables: [{ equal: true }], skipped: [{ eventId: poison }] });
  });
});
